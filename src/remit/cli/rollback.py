"""`remit rollback`: what a run did is undone, what cannot be undone is listed."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell
from remit.cli.completion import RunArgument
from remit.cli.options import HERE, AsOption, BecauseOption, FleetOption, JsonOption, verbs, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json
from remit.operations import RollbackShown, Views


def rollback(
    run: RunArgument,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show what would be undone and what would be left.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the run first, if it is not over.")] = False,
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Undo what a run did, the latest change first; what cannot be undone is listed."""

    async def work(cell: Cell, views: Views) -> dict[str, Any]:
        if plan:
            return _told(views.rollbacks.get(run))
        begun = await verbs(cell, who).rollback(run, because=because, cancel=cancel)
        if begun is None:
            return {**_told(views.rollbacks.get(run)), "nothing": True}
        driven = await cell.operations.drive(begun.id)
        here = {"rollback": driven.id, "state": driven.state.value, "reason": driven.reason}
        return {**_told(views.rollbacks.get(run)), **here, "waits_for": driven.waits_for}

    told = with_cell(fleet, work)
    if as_json:
        show_json(told)
    else:
        _show(told, plan=plan)
    found_wrong = told.get("state") in ("failed", "cancelled") or (
        bool(told["left"]) and told.get("state") != "waiting"
    )
    raise typer.Exit(FOUND_WRONG if found_wrong else DONE)


def _told(shown: RollbackShown) -> dict[str, Any]:
    return shown.model_dump()


def _show(told: dict[str, Any], *, plan: bool) -> None:
    if plan:
        screen.print(f"[bold]{told['run']}[/bold]  {told['agent']}  a plan: nothing is undone by this")
        if told["why_not"]:
            screen.print(f"not now: {escape(told['why_not'])}")
    elif told.get("nothing"):
        screen.print(f"[bold]{told['run']}[/bold]  {told['agent']}  nothing to undo")
    else:
        screen.print(f"[bold]{told['rollback']}[/bold]  undoes {told['run']}  {told['state']}")
    for line in _lines(told, plan=plan):
        screen.print(escape(line))
    if told.get("reason"):
        screen.print(f"reason: {escape(told['reason'])}")
    if told.get("state") == "waiting":
        screen.print(f"It goes on when what it waits for has come: `remit show {told['rollback']}`.")


def _lines(told: dict[str, Any], *, plan: bool) -> list[str]:
    """Returns a line for each change: to be undone, undone, left."""
    planned = [f"would undo  {_place(told, each)} by {each['by']}" for each in told["steps"]] if plan else []
    undone = [f"undone      {_place(told, each)} by {each['by']}, step {each['number']} of {each['rollback']}"
        for each in told["undone"]]  # fmt: skip
    left = [f"left        {_place(told, each)}: {_why(each)}" for each in told["left"]]
    return [*planned, *undone, *left]


def _place(told: dict[str, Any], each: dict[str, Any]) -> str:
    of = "" if each["run"] == told["run"] else f" of {each['run']}"
    return f"step {each['step']}{of}, {each['name']}"


def _why(each: dict[str, Any]) -> str:
    return f"{each['reason']}: {each['words']}" if each["words"] else each["reason"]
