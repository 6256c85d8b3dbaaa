"""Commands about what was promised: check, agents, agent, promote, authority diff."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell, inspect_fleet
from remit.cli.completion import AgentArgument, VersionArgument
from remit.cli.options import (
    HERE,
    AsOption,
    BecauseOption,
    FleetOption,
    JsonOption,
    checked_folder,
    person,
    verbs,
    with_cell,
)
from remit.cli.output import DONE, FOUND_WRONG, counted, screen, show_json, show_pairs, show_rows
from remit.contracts import Contract, diff, parse_contract
from remit.core import InputError
from remit.operations import Views
from remit.registry import Lifecycle

authority_app = typer.Typer(help="What agents may do, compared.", no_args_is_help=True)


def check(
    path: Annotated[Path, typer.Argument(help="The fleet's folder.", envvar="REMIT_FLEET")] = HERE,
    as_json: JsonOption = False,
) -> None:
    """Name every mistake in a fleet, with file and line. Exit code 1 when there is one."""
    _, fleet, findings = inspect_fleet(checked_folder(path))
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        rows = [{name: getattr(finding, name) for name in finding.__slots__} for finding in findings]
        show_json({"ok": not errors, "findings": rows})
    else:
        for finding in findings:
            colour = "red" if finding.severity == "error" else "yellow"
            screen.print(f"[{colour}]{finding.severity}[/{colour}] {escape(str(finding))}", soft_wrap=True)
        read = ((fleet.contracts, "contract"), (fleet.tools, "tool"), (fleet.policies, "policy file"))
        told = ", ".join(counted(len(found), noun) for found, noun in read)
        warnings = counted(len(findings) - len(errors), "warning")
        screen.print(f"{told}: {counted(len(errors), 'mistake')}, {warnings}")
    raise typer.Exit(FOUND_WRONG if errors else DONE)


def agents(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List every agent version, where it stands, and who answers for it."""

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        return [row.model_dump() for row in views.agents.versions()]

    show_rows(with_cell(fleet, work), as_json=as_json, empty="No agents yet. Write agents/NAME.agent.md.")


def agent(name: AgentArgument, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Show what an agent may do, how freely, and with whose approval."""

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        return [row.model_dump() for row in views.agents.authority(name)]

    columns = ("tool", "when", "level", "by", "count", "because", "source")
    show_rows(with_cell(fleet, work), as_json=as_json, empty=f"{name} may use no tool.", columns=columns)


def promote(
    name: AgentArgument,
    version: VersionArgument,
    because: BecauseOption = "",
    fleet: FleetOption = HERE,
    who: AsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Approve a registered version: from now on it takes the agent's work."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        known = cell.parts.people.person(person(who))
        approved = await verbs(cell, known.id).promote(name, version, because=because)
        return {"version": approved.id, "state": approved.state.value, "release": approved.release, "by": known.id}

    show_pairs(with_cell(fleet, work), as_json=as_json)


def retire(
    name: AgentArgument,
    version: VersionArgument,
    because: BecauseOption = "",
    fleet: FleetOption = HERE,
    who: AsOption = "",
    as_json: JsonOption = False,
) -> None:
    """End a version's life: it takes no new work, and is retired once its runs are over."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        ended = await verbs(cell, who).retire(name, version, because=because)
        told = {"version": ended.id, "lifecycle": ended.lifecycle.value, "state": ended.state.value}
        is_over = ended.lifecycle is Lifecycle.RETIRED
        return {**told, "next": "" if is_over else "its runs are not over; retire it again then, or cancel them"}

    show_pairs(with_cell(fleet, work), as_json=as_json)


@authority_app.callback()
def authority() -> None:
    """What agents may do, compared."""


@authority_app.command("diff")
def authority_diff(
    old: Annotated[Path, typer.Argument(help="A contract, such as agents/NAME.agent.md.")],
    new: Annotated[Path, typer.Argument(help="The contract it becomes.")],
    as_json: JsonOption = False,
) -> None:
    """Say in words what a new contract text changes, what widens authority first. Exit code 1 when something widens."""
    changes = diff(_contract(old), _contract(new))
    rows = [{"widens": one.widens, "kind": one.kind, "field": one.field, "change": one.text} for one in changes]
    show_rows(rows, as_json=as_json, empty="Nothing changes.")
    raise typer.Exit(FOUND_WRONG if any(one.widens for one in changes) else DONE)


def _contract(path: Path) -> Contract:
    """Reads one contract; its fleet is the folder above `agents`."""
    if not path.is_file():
        raise InputError("There is no such contract", which=str(path), hint="Name a file such as agents/NAME.agent.md")
    contract, findings = parse_contract(path.resolve(), path.resolve().parent.parent)
    if contract is None:
        raise InputError("The contract has mistakes", which=str(path), why="; ".join(map(str, findings[:3])))
    return contract
