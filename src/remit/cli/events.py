"""Commands about what starts work by itself: event, schedules."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell
from remit.cli.options import HERE, AsOption, FleetOption, JsonOption, json_object, read_text, verbs, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_rows
from remit.core import iso
from remit.operations import Views
from remit.runtime import Received


def event(
    name: str,
    data: Annotated[str, typer.Option("--data", help="What happened: a JSON object, or @FILE.")] = "{}",
    identifier: Annotated[str, typer.Option("--id", help="The source's id; the same again starts nothing new.")] = "",
    source: Annotated[str, typer.Option(help="Who tells of it.")] = "local",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hand an event in and drive what it starts. Exit code 1 when an agent cannot take it, or no agent does."""
    value = json_object(read_text(Path(data[1:])) if data.startswith("@") else data, name="The data")

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        received = await verbs(cell, who).send(name, value, identifier=identifier, source=source)
        return await _told(cell, received)

    told = with_cell(fleet, work)
    _show(told, as_json=as_json)
    fine = told["tasks"] and not told["refused"] and all(task["state"] != "failed" for task in told["tasks"])
    raise typer.Exit(DONE if fine else FOUND_WRONG)


async def _told(cell: Cell, received: Received) -> dict[str, Any]:
    tasks: list[dict[str, Any]] = []
    for started in received.tasks:
        run = await cell.operations.drive(started.run.id)
        outcome = cell.parts.journal.task(started.task.id).outcome
        fields = {"agent": started.task.agent, "task": started.task.id, "run": run.id, "is_new": started.is_new}
        tasks.append({**fields, "state": run.state.value, "outcome": outcome})
    refused = [{"agent": one.agent, "why": one.why} for one in received.refused]
    return {"event": received.event.id, "name": received.event.name, "tasks": tasks, "refused": refused}


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    screen.print(f"[bold]{escape(told['event'])}[/bold]  {escape(told['name'])}")
    for refusal in told["refused"]:
        screen.print(f"not taken by {refusal['agent']}: {escape(refusal['why'])}")
    if told["tasks"] or not told["refused"]:
        empty = "No agent takes this event: none has a trigger for it whose condition holds."
        show_rows(told["tasks"], as_json=False, empty=empty)


def schedules(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List every schedule, when it was last due and when it is due next."""

    async def work(cell: Cell, _: Views) -> list[dict[str, Any]]:
        return [
            {
                "agent": state.schedule.agent,
                "cron": state.schedule.trigger.cron,
                "timezone": state.schedule.trigger.timezone,
                "missed": state.schedule.trigger.missed,
                "last_due": iso(state.last_due) if state.last_due else "",
                "next_due": iso(state.next_due) if state.next_due else "",
            }
            for state in cell.triggers.schedules(cell.parts.clock.now())
        ]

    empty = "No live contract has a schedule. Write one under `triggers` with `on: schedule`."
    show_rows(with_cell(fleet, work), as_json=as_json, empty=empty)
