"""The command about looking back: replay."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from remit.app import Cell
from remit.cli.completion import RunArgument
from remit.cli.options import HERE, FleetOption, JsonOption, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_rows
from remit.operations import Replays, Views
from remit.runtime import Replayed, ReplayedStep

_COLUMNS = ("step", "action", "decided", "recorded", "replayed", "same")


def replay(
    run_id: RunArgument,
    policies: Annotated[
        Path | None, typer.Option(help="A folder of other org policies: what would they have decided?", metavar="DIR")
    ] = None,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Drive a run again from its record, offline: the same verdicts, to the byte. Exit code 1 when something differs."""

    async def work(cell: Cell, _: Views) -> Replayed:
        replays = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)
        return await replays.replay(run_id, policies=policies)

    told = with_cell(fleet, work)
    if as_json:
        show_json(told.as_json())
    else:
        _show(told)
    raise typer.Exit(DONE if told.same else FOUND_WRONG)


def _show(told: Replayed) -> None:
    screen.print(f"[bold]{told.run}[/bold]  {told.state}")
    show_rows([_row(step) for step in told.steps], as_json=False, empty="It has not taken a step.", columns=_COLUMNS)
    for step in told.changed if told.what_if else ():
        because = "; ".join(step.why) or "no rule permits it"
        screen.print(f"step {step.step} would be {step.replayed}: {escape(because)}")
    for divergence in told.divergences:
        screen.print(f"[red]differs[/red] {escape(divergence.sentence())}")
    for missing in told.missing:
        screen.print(f"[yellow]missing[/yellow] {escape(missing)}")
    screen.print(f"replayed to its end: {escape(told.ended)}" if told.finished else f"replayed: {escape(told.ended)}")
    screen.print(_summary(told))


def _row(step: ReplayedStep) -> dict[str, object]:
    same = {True: "yes", False: "no", None: "–"}[step.same]
    return {
        "step": step.step,
        "action": step.name,
        "decided": step.decided or "–",
        "recorded": step.recorded or "–",
        "replayed": step.replayed or "–",
        "same": same,
    }


def _summary(told: Replayed) -> str:
    judged, changed = len(told.judged), len(told.changed)
    if told.what_if:
        return (
            f"{changed} of {judged} verdicts would differ. "
            "What comes after a different verdict is still as it was recorded."
        )
    output = {True: ", and the same output", False: ", and ANOTHER OUTPUT", None: ""}[told.output_same]
    if told.same:
        return f"[green]the same[/green]: {judged} verdicts{output}"
    found = "NOT THE SAME" if told.divergences else "NOT SHOWN TO BE THE SAME"
    return f"[red]{found}[/red]: {judged - changed} of {judged} verdicts are{output}"
