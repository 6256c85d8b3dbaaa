"""`remit`: the command line."""

import sys

import typer

from remit.cli import demo, evidence, fleet, work
from remit.cli.output import USED_WRONGLY, exit_code, show_error
from remit.core import RemitError

commands = typer.Typer(
    name="remit",
    help="The control plane for fleets of AI agents: every agent has a written remit; nothing it does gets outside it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    demo.demo,
    fleet.check,
    work.run,
    work.runs,
    work.show,
    work.stop,
    work.resume,
    fleet.agents,
    fleet.agent,
    fleet.promote,
    evidence.explain,
    evidence.costs,
    evidence.kpis,
):
    commands.command()(command)
commands.add_typer(work.approvals_app, name="approvals")
commands.add_typer(evidence.log_app, name="log")


def main() -> None:
    """Runs the command line; faults become one line that says what to do, never a traceback."""
    try:
        commands()
    except RemitError as fault:
        show_error(fault, as_json="--json" in sys.argv)
        sys.exit(exit_code(fault))
    except KeyboardInterrupt:
        sys.exit(USED_WRONGLY)
