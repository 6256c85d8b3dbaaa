"""`remit`: the command line."""

import sqlite3
import sys
from collections.abc import Sequence

import typer

from remit.cli import demo, events, evidence, fleet, replay, runs, tools, up, work
from remit.cli.output import FOUND_WRONG, USED_WRONGLY, exit_code, show_error
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
    up.up,
    fleet.check,
    work.run,
    work.runs,
    work.show,
    replay.replay,
    runs.fork,
    runs.cancel,
    work.stop,
    work.resume,
    events.event,
    events.schedules,
    fleet.agents,
    fleet.agent,
    fleet.promote,
    evidence.explain,
    evidence.costs,
    evidence.kpis,
):
    commands.command()(command)
commands.add_typer(work.approvals_app, name="approvals")
commands.add_typer(fleet.authority_app, name="authority")
commands.add_typer(evidence.log_app, name="log")
commands.add_typer(tools.tools_app, name="tools")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; a fault becomes one line that says what to do. A traceback is a mistake of ours."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        commands(given, prog_name="remit")
    except RemitError as fault:
        show_error(fault, as_json="--json" in given)
        sys.exit(exit_code(fault))
    except (OSError, sqlite3.Error) as fault:
        show_error(_of_the_machine(fault), as_json="--json" in given)
        sys.exit(FOUND_WRONG)
    except KeyboardInterrupt:
        sys.exit(USED_WRONGLY)


def _of_the_machine(fault: OSError | sqlite3.Error) -> RemitError:
    """Tells what a disk or a database file did not let us do."""
    if isinstance(fault, OSError):
        why, hint = fault.strerror or str(fault), "Check the path, its permissions and the free space"
        return RemitError("The machine does not let us", which=str(fault.filename or ""), why=why, hint=hint)
    hint = "Keep the file as evidence, and restore a copy or start with another database_url"
    return RemitError("The database cannot be used", why=str(fault), hint=hint)
