"""`python -m remit_fleets.support.tickets`: prints invented tickets as JSON lines, as `--tickets FILE` takes them."""

import argparse
import sys

from remit_fleets.support.tickets.files import line_of
from remit_fleets.support.tickets.generator import Tickets
from remit_fleets.support.world import make_world


def main(arguments: list[str] | None = None) -> int:
    """Prints tickets."""
    parser = argparse.ArgumentParser(
        prog="python -m remit_fleets.support.tickets",
        description="Print tickets that invented customers write, one JSON object for each line.",
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed, other customers (default 1)")
    parser.add_argument("--count", type=int, default=50, help="how many (default 50)")
    given = parser.parse_args(arguments)
    if given.count < 1:
        parser.error("--count: at least 1")
    try:
        for ticket in Tickets(make_world(given.seed, given.count)):
            sys.stdout.write(line_of(ticket))
    except BrokenPipeError:  # whoever read them has enough
        sys.stderr.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
