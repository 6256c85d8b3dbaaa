"""Commands about work: run, runs, show, approvals, stop, resume."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from remit.app import Cell
from remit.approvals import ApprovalState, OverrideCategory
from remit.cli import completion
from remit.cli.completion import AgentArgument, ApprovalArgument, RunArgument
from remit.cli.options import (
    HERE,
    AsOption,
    BecauseOption,
    FleetOption,
    JsonOption,
    json_object,
    one_of,
    person,
    read_text,
    verbs,
    with_cell,
)
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_pairs, show_rows
from remit.core import iso
from remit.gateway import upstream_kind
from remit.journal import USUAL_PRIORITY, Run, RunState
from remit.operations import Views

approvals_app = typer.Typer(help="Questions to people, and their answers.", invoke_without_command=True)


def run(  # noqa: PLR0913  a command's options are its arguments
    agent: AgentArgument,
    given: Annotated[str, typer.Option("--input", help="The task's input: a JSON object, or @FILE.")] = "{}",
    intent: Annotated[str, typer.Option(help="What the task is for, where the contract asks.")] = "",
    dedup: Annotated[str, typer.Option("--key", help="A key under which the task is taken on only once.")] = "",
    priority: Annotated[
        int | None, typer.Option(min=0, max=9, help="How urgent it is, 9 the most, instead of what the contract says.")
    ] = None,
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Give an agent a task and drive it until it ends or waits for a person."""

    async def work(cell: Cell, views: Views) -> dict[str, Any]:
        started = await verbs(cell, who).start(
            agent, _read_input(given), intent=intent, key=dedup or None, priority=priority
        )
        return _told(views, await cell.operations.drive(started.run.id))

    told = with_cell(fleet, work)
    _show_run(told, as_json=as_json)
    raise typer.Exit(FOUND_WRONG if told["state"] == "failed" else DONE)


def _read_input(given: str) -> dict[str, Any]:
    text = read_text(Path(given[1:])) if given.startswith("@") else given
    return json_object(text, name="The input")


def _told(views: Views, run: Run) -> dict[str, Any]:
    return views.runs.get(run.id).model_dump()


def runs(
    state: Annotated[str, typer.Option(help="Only runs in this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 30,
    drive: Annotated[
        bool, typer.Option(help="First drive what nobody drives: queued runs, and those whose process ended.")
    ] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs."""
    one_of(state, RunState, name="such state of a run")

    async def work(cell: Cell, views: Views) -> list[dict[str, Any]]:
        for run in cell.operations.unfinished_runs() if drive else []:
            await cell.operations.drive(run.id)
        return [row.model_dump() for row in views.runs.listing(state=state, limit=limit)]

    columns = ("run", "agent", "state", "outcome", "attempts", "cost", "created")
    rows = with_cell(fleet, work)
    if not as_json:
        rows = [{**row, "cost": _marked(row)} for row in rows]
    show_rows(rows, as_json=as_json, empty="No runs yet. Start one with `remit run`.", columns=columns)


def _marked(run: dict[str, Any]) -> str:
    """Returns what a run did cost; where no live model answered, no claim may rest on it, and it says so."""
    return f"{run['cost']}, no live model" if run["simulated"] else run["cost"]


def show(run_id: RunArgument, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Show one run step by step, with each decision."""

    async def work(cell: Cell, views: Views) -> dict[str, Any]:
        return _told(views, cell.parts.journal.run(run_id))

    _show_run(with_cell(fleet, work), as_json=as_json)


def _show_run(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    screen.print(f"[bold]{told['run']}[/bold]  {told['agent']}  {told['state']} {told['outcome']}  {_marked(told)}")
    for line in _course(told):
        screen.print(escape(line))
    columns = ("step", "kind", "name", "state", "cost", "decision")
    show_rows(told["steps"], as_json=False, empty="It has not taken a step.", columns=columns)
    for refusal in told["refusals"]:
        screen.print(
            f"denied at {refusal['refused_at']}: {escape(str(refusal['name']))}: {escape(str(refusal['reason']))}"
        )
    if told["reason"]:
        screen.print(f"reason: {escape(told['reason'])}")
    if told["output"] is not None:
        screen.print("output: " + escape(json.dumps(told["output"], ensure_ascii=False)))
    if told["state"] == "waiting":
        screen.print(_waits(told))


def _course(told: dict[str, Any]) -> list[str]:
    """Says where a run comes from and whom it handed work to."""
    came = ""
    if told["forked_at"] is not None:
        came = f"forked from {told['parent']} at step {told['forked_at']}" + (
            "" if told["effects"] else ", without effects"
        )
    elif told["undoes"]:
        came = f"a rollback: it undoes {told['undoes']}"
    elif told["parent"]:
        came = f"handed over by {told['parent']}, hop {told['hops']}"
    handed = [f"handed to {child['agent']}: {child['run']} ({child['state']})" for child in told["children"]
        if child["forked_at"] is None]  # fmt: skip
    urgent = f"priority {told['priority']}" if told["priority"] != USUAL_PRIORITY else ""
    return [each for each in (came, urgent, *handed) if each]


def _waits(told: dict[str, Any]) -> str:
    """Says what a waiting run waits for, and who can do something about it."""
    if name := told["waits_for"].partition(":")[2]:
        return f"It waits for the {upstream_kind(told['waits_for'])} {name}, which is busy or out of reach, and looks at {told['goes_on']}."
    match told["waits_for"].partition("_")[0]:
        case "timer":
            return f"It goes on by itself at {told['goes_on']}, with `remit up` or `remit runs --drive`."
        case "switch":
            return "It waits for people to reset a switch: `remit resume SCOPE`."
        case "release":
            return f"It waits for its version or a tool to be usable again, and looks at {told['goes_on']}."
        case "run":
            return f"It waits for the agent it handed work to: `remit show {told['waits_for']}`."
        case "apr":
            return "It waits for people: `remit approvals` lists what they are asked."
        case _:
            return "It can go on: `remit up` or `remit runs --drive` drives it."


SeenOption = Annotated[
    str,
    typer.Option("--seen", metavar="FINGERPRINT", help="Of what you looked at; needed once somebody has edited it."),
]


CategoryOption = Annotated[
    str, typer.Option("--category", help=f"What is wrong with it: {', '.join(OverrideCategory)}.")
]


@approvals_app.callback()
def approvals(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="pending, approved, rejected, expired, used; empty for all.")] = "pending",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List questions to people."""
    if context.invoked_subcommand is not None:
        return
    one_of(state, ApprovalState, name="such state of a question")

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        return [row.model_dump() for row in views.approvals.listing(state=state)]

    rows = with_cell(fleet, work)
    if as_json or not rows:
        show_rows(rows, as_json=as_json, empty="Nobody is asked anything now.")
        return
    for row in rows:
        screen.print(f"[bold]{row['approval']}[/bold]  {row['state']}  {row['agent']}  {escape(row['what'])}")
        for name in ("kind", "proposed", "fingerprint", "because", "roles", "on_behalf_of", "run", "asked"):
            value = row[name] if isinstance(row[name], str) else json.dumps(row[name], ensure_ascii=False)
            screen.print(f"  {name.replace('_', ' '):<13} {escape(value)}")


@approvals_app.command()
def approve(
    approval: ApprovalArgument,
    who: AsOption = "",
    because: BecauseOption = "",
    seen: SeenOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say yes to exactly what is asked; the run goes on."""
    _answer(fleet, approval, "approve", _Given(who, because, seen), as_json)


@approvals_app.command()
def reject(
    approval: ApprovalArgument,
    who: AsOption = "",
    because: BecauseOption = "",
    category: CategoryOption = "",
    seen: SeenOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say no, with a reason the agent reads."""
    _answer(fleet, approval, "reject", _Given(who, because, seen, category), as_json)


@approvals_app.command()
def edit(  # noqa: PLR0913  a command's options are its arguments
    approval: ApprovalArgument,
    arguments: Annotated[str, typer.Option("--arguments", help="The changed arguments: a JSON object.")],
    who: AsOption = "",
    because: BecauseOption = "",
    category: CategoryOption = "",
    seen: SeenOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Change what is asked and say yes to that; it is judged again in full."""
    changed = json_object(arguments, name="The arguments")
    _answer(fleet, approval, "edit", _Given(who, because, seen, category, changed), as_json)


@approvals_app.command()
def escalate(
    approval: ApprovalArgument,
    to: Annotated[str, typer.Option("--to", help="A role that may answer it too, or a person who is asked by name.")],
    who: AsOption = "",
    because: BecauseOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Pass a question on: from now on only they may say yes."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        known = cell.parts.people.person(person(who))
        passed_on = await verbs(cell, known.id).escalate(approval, to=to, reason=because)
        return {"approval": passed_on.id, "state": passed_on.state.value, "roles": ", ".join(passed_on.roles)}

    show_pairs(with_cell(fleet, work), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a person gave with an answer."""

    who: str
    because: str
    seen: str
    category: str = ""
    arguments: dict[str, Any] | None = None


def _answer(
    fleet: Path, approval: str, answer: Literal["approve", "edit", "reject"], given: _Given, as_json: bool
) -> None:
    one_of(given.category, OverrideCategory, name="such category")
    category = OverrideCategory(given.category) if given.category else None

    async def work(cell: Cell, views: Views) -> dict[str, Any]:
        named = person(given.who)
        asked, who = cell.parts.approvals.get(approval), cell.parts.people.person(named)
        answered = await verbs(cell, who.id).answer(
            asked.id,
            answer,
            reason=given.because,
            arguments=given.arguments,
            seen=given.seen,
            category=category,
        )
        run = cell.parts.journal.run(answered.run)
        if answered.state != "pending":
            run = await cell.operations.drive(run.id)
        answered = cell.parts.approvals.get(answered.id)
        return {"approval": answered.id, "state": answered.state.value, "run": run.id, "run_state": run.state.value}

    show_pairs(with_cell(fleet, work), as_json=as_json)


def stop(
    scope: Annotated[
        str,
        typer.Argument(
            help="fleet, unit:NAME, class:, agent:, version:, tool:, model: or run:", autocompletion=completion.scopes
        ),
    ],
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Pull a switch: from the receipt on, nothing in its scope is decided."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        return dict(await verbs(cell, who).stop(scope, because=because))

    _show_receipt(with_cell(fleet, work), as_json=as_json)


def resume(
    scope: Annotated[str, typer.Argument(metavar="SCOPE", autocompletion=completion.stopped)],
    because: BecauseOption = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Reset a switch and drive the runs that waited for it."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        receipt = await verbs(cell, who).resume(scope, because=because)
        went_on = [await cell.operations.drive(run.id) for run in cell.operations.waiting_runs()]
        return {**receipt, "went_on": len(went_on)}

    _show_receipt(with_cell(fleet, work), as_json=as_json)


def _show_receipt(receipt: dict[str, Any], *, as_json: bool) -> None:
    """Shows what became of a switch, with times as people read them."""
    if as_json:
        show_json(receipt)
        return
    told = {name: value for name, value in receipt.items() if name not in ("asked_at", "in_force_at", "micros")}
    told["stopped"] = "yes" if receipt["stopped"] else "no"
    told["in_force"] = f"{iso(receipt['in_force_at'])}, {receipt['micros'] / 1000:.1f} ms after it was asked for"
    show_pairs(told, as_json=False)
