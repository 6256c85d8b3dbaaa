"""`remit what-if`: what other org policies would have decided of the work that is on record."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from remit.app import Cell
from remit.cli import completion
from remit.cli.moments import moment_of
from remit.cli.options import HERE, FleetOption, JsonOption, with_cell
from remit.cli.output import DONE, FOUND_WRONG, counted, errors, screen, show_json, show_rows
from remit.core import short_id
from remit.operations import Consequences, Replays, Shift, Views, WhatIf

# A person reads some of them; all are in the JSON.
SHOWN = 10
_COLUMNS = ("agent", "action", "was", "would_be", "count", "run", "step")


def what_if(
    policies: Annotated[Path, typer.Argument(help="A folder of other org policies (*.cedar).")],
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many runs.")] = 100,
    agent: Annotated[str, typer.Option(help="Only this agent's.", autocompletion=completion.agents)] = "",
    since: Annotated[str, typer.Option(metavar="WHEN", help="Only since then: 24h, 7d, or a day in UTC.")] = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say what other org policies would have decided of recorded runs. Exit code 1 when something would differ."""

    async def work(cell: Cell, _: Views) -> Consequences:
        replays = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)
        start = moment_of(since, cell.parts.clock.now())
        with _progress() as on_run:
            return WhatIf(parts=cell.parts, replays=replays).judge(
                policies, runs=runs, agent=agent, since=start, on_run=on_run
            )

    told = with_cell(fleet, work)
    if as_json:
        show_json(told.as_json())
    else:
        _show(told)
    raise typer.Exit(FOUND_WRONG if told.changed else DONE)


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    """Shows on a terminal how far it is; what is piped hears nothing of it."""
    columns = (TextColumn("judging runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("judging runs", total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)


def _show(told: Consequences) -> None:
    rows = [_row(shift) for shift in told.shifts]
    if rows:
        show_rows(rows, as_json=False, empty="", columns=_COLUMNS)
    for shift in told.shifts[:SHOWN]:
        because = "; ".join(shift.why) or "no rule permits it"
        screen.print(f"{shift.agent}, {escape(shift.action)}: {escape(because)}", soft_wrap=True)
    for unjudged in told.unjudged[:SHOWN]:
        screen.print(f"[yellow]not judged[/yellow] {short_id(unjudged.run)} {escape(unjudged.why)}", soft_wrap=True)
    if len(told.unjudged) > SHOWN:
        screen.print(f"… and {len(told.unjudged) - SHOWN} more; --json names them all")
    screen.print(
        f"{told.changed} of {counted(told.verdicts, 'verdict')} would differ, in {told.changed_runs} of "
        f"{counted(told.runs, 'run')}; {counted(len(told.unjudged), 'run')} could not be judged in full. "
        "What comes after a different verdict is still as it was recorded.",
        soft_wrap=True,
    )


def _row(shift: Shift) -> dict[str, object]:
    return {name: getattr(shift, name) for name in _COLUMNS}
