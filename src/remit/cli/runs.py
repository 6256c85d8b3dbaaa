"""Commands that change a run's course: fork, cancel. To pause one: `remit stop run:ID`."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell
from remit.cli.completion import RunArgument
from remit.cli.options import HERE, AsOption, BecauseOption, FleetOption, JsonOption, verbs, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_pairs
from remit.operations import Views


def fork(  # noqa: PLR0913  a command's options are its arguments
    run: RunArgument,
    step: Annotated[int, typer.Option(min=1, help="The first step that is done anew.")],
    with_effects: Annotated[
        bool, typer.Option("--with-effects", help="Work for the task again; without it, writes are only judged.")
    ] = False,
    current: Annotated[
        bool, typer.Option("--current", help="Under the agent's present version instead of the run's own.")
    ] = False,
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Begin a new run with what another did before a step, and drive it."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        fork = await verbs(cell, who).fork(run, step, effects=with_effects, current=current, because=because)
        driven = await cell.operations.drive(fork.id)
        output = cell.parts.journal.content(driven.output) if driven.output else None
        told = {"run": fork.id, "of": fork.parent_run, "at": step, "effects": with_effects}
        return {**told, "state": driven.state.value, "reason": driven.reason, "output": output}

    told = with_cell(fleet, work)
    if not as_json:
        screen.print(f"{told['run']}  {told['state']}  {_SAYS[with_effects]}")
        if told["reason"]:
            screen.print(f"reason: {escape(told['reason'])}")
        if told["output"] is not None:
            screen.print("output: " + escape(json.dumps(told["output"], ensure_ascii=False)))
    else:
        show_json(told)
    raise typer.Exit(FOUND_WRONG if told["state"] == "failed" else DONE)


_SAYS = {True: "with effects: it works for the task", False: "without effects: nothing was done"}


def retry(
    run: RunArgument,
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Try a run that failed or was cancelled again, with effects, from where it went wrong."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        again = await verbs(cell, who).retry(run, because=because)
        driven = await cell.operations.drive(again.id)
        told = {"run": again.id, "of": again.parent_run, "at": again.forked_at}
        return {**told, "state": driven.state.value, "reason": driven.reason}

    told = with_cell(fleet, work)
    show_pairs(told, as_json=as_json)
    raise typer.Exit(FOUND_WRONG if told["state"] == "failed" else DONE)


def cancel(
    run: RunArgument,
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """End a run that is not over, and those it handed work to. What was done stays done."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        cancelled = await verbs(cell, who).cancel(run, because=because)
        return {"run": cancelled.id, "state": cancelled.state.value, "reason": cancelled.reason}

    show_pairs(with_cell(fleet, work), as_json=as_json)
