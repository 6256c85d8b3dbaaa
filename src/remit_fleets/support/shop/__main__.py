"""The shop from the command line, in a fleet's folder.

python -m remit_fleets.support.shop                          serve its tools by MCP over stdio
python -m remit_fleets.support.shop customers [--first N]    who shops there, and what they ordered
python -m remit_fleets.support.shop ticket TICKET FROM SUBJECT BODY
                                                             lay a ticket into the inbox
python -m remit_fleets.support.shop fault KIND --seconds N   let something go wrong; --clear ends it
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio

from remit_fleets.support.shop.database import CALL_LOG, DATABASE, Mail, open_shop, put_in
from remit_fleets.support.shop.faults import FAULTS, Fault, clear_faults, set_fault
from remit_fleets.support.shop.reads import READS
from remit_fleets.support.shop.server import serve


def main(given: Sequence[str] | None = None) -> None:
    """Does what the command line says."""
    arguments = _parser().parse_args(given)
    match arguments.command:
        case "customers":
            _show_customers(arguments.database, arguments.first)
        case "ticket":
            _lay_down(arguments.database, Mail(arguments.ticket, arguments.sender, arguments.subject, arguments.body))
        case "fault":
            _break(arguments.database, arguments.kind, arguments.seconds, arguments.clear)
        case _:
            quick = {"use_uvloop": sys.platform != "win32"}
            anyio.run(serve, arguments.database, arguments.log, backend_options=quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m remit_fleets.support.shop", description="An invented shop")
    parser.add_argument("--database", type=Path, default=DATABASE, metavar="FILE")
    parser.add_argument("--log", type=Path, default=CALL_LOG, metavar="FILE", help="a line before and after each call")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the tools by MCP over stdio; what happens without a command")
    customers = commands.add_parser("customers", help="show customers with their orders, one JSON line each")
    customers.add_argument("--first", type=int, default=20, metavar="N")
    ticket = commands.add_parser("ticket", help="lay a ticket into the inbox, so that it can be answered")
    ticket.add_argument("ticket", help="such as T-1")
    for name in ("sender", "subject", "body"):
        ticket.add_argument(name)
    fault = commands.add_parser("fault", help="let something go wrong for a while")
    fault.add_argument("kind", nargs="?", choices=FAULTS)
    fault.add_argument("--seconds", type=float, default=5.0)
    fault.add_argument("--clear", action="store_true", help="end all of them")
    return parser


def _show_customers(database: Path, first: int) -> None:
    with closing(open_shop(database)) as shop:
        rows = shop.execute("SELECT customer_id FROM customers ORDER BY customer_id LIMIT ?", (first,)).fetchall()
        for (customer_id,) in rows:
            account = READS["get_account"](shop, customer_id)
            shown = account | {"orders": READS["list_orders"](shop, customer_id)["orders"]}
            sys.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")


def _lay_down(database: Path, mail: Mail) -> None:
    with closing(open_shop(database)) as shop:
        put_in(shop, [mail])


def _break(database: Path, kind: Fault | None, seconds: float, clear: bool) -> None:
    if (kind is None) is not clear:
        sys.exit(f"Name one fault ({', '.join(FAULTS)}), or --clear")
    with closing(open_shop(database)) as shop:
        if kind is None:
            clear_faults(shop)
        else:
            set_fault(shop, kind, seconds)


if __name__ == "__main__":
    main()
