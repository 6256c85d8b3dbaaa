"""`remit`: the command line."""

import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from remit.cli import (
    cases,
    database,
    demo,
    doctor,
    events,
    evidence,
    feedback,
    figures,
    fleet,
    init,
    installed,
    people,
    replay,
    rollback,
    runs,
    slo,
    tools,
    up,
    upstreams,
    what_if,
    work,
    worker,
)
from remit.cli.output import FOUND_WRONG, USED_WRONGLY, exit_code, show_error
from remit.core import RemitError
from remit.store import driver_fault

PANELS = WORK, PEOPLE, FLEET, EVIDENCE, OPERATE = "Work", "People", "Fleet", "Evidence", "Operate"

# Under which heading of `remit --help` each command stands; a group brings its own commands.
COMMANDS: Mapping[str, Sequence[Callable[..., None]]] = {
    WORK: (
        work.run,
        work.runs,
        work.show,
        runs.fork,
        runs.retry,
        runs.cancel,
        rollback.rollback,
        events.event,
        events.schedules,
        feedback.feedback,
    ),
    FLEET: (init.init, fleet.check, fleet.agents, fleet.agent, fleet.promote, fleet.retire),
    EVIDENCE: (evidence.explain, replay.replay, what_if.what_if, figures.costs, figures.kpis, slo.slo),
    OPERATE: (
        up.up,
        up.serve_only,
        worker.worker,
        work.stop,
        work.resume,
        upstreams.upstreams,
        demo.demo,
        doctor.doctor,
        installed.version,
    ),
}
# Commands whose function cannot be called what they are called.
_NAMES: Mapping[Callable[..., None], str] = {up.serve_only: "serve"}
GROUPS: Mapping[str, Mapping[str, typer.Typer]] = {
    PEOPLE: {"approvals": work.approvals_app, "people": people.people_app, "tokens": people.tokens_app},
    FLEET: {"authority": fleet.authority_app, "tools": tools.tools_app},
    EVIDENCE: {"log": evidence.log_app, "cases": cases.cases_app},
    OPERATE: {"database": database.database_app},
}


class _InPanels(TyperGroup):
    """Lists commands panel by panel; Typer would list every group behind them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=self._place)

    def _place(self, name: str) -> int:
        return PANELS.index(str(getattr(self.commands[name], "rich_help_panel", OPERATE)))


commands = typer.Typer(
    name="remit",
    cls=_InPanels,
    help="The control plane for fleets of AI agents: every agent has a written remit; nothing it does gets outside it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@commands.callback()
def remit(
    _: Annotated[
        bool, typer.Option("--version", help="Say which Remit this is.", callback=installed.tell, is_eager=True)
    ] = False,
) -> None:
    """The control plane for fleets of AI agents: every agent has a written remit; nothing it does gets outside it."""


for panel in PANELS:
    for command in COMMANDS.get(panel, ()):
        commands.command(_NAMES.get(command), rich_help_panel=panel)(command)
    for name, group in GROUPS.get(panel, {}).items():
        commands.add_typer(group, name=name, rich_help_panel=panel)


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
    except Exception as fault:
        if (told := driver_fault(fault)) is None:
            raise
        show_error(told, as_json="--json" in given)
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
