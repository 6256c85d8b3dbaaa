"""Commands about what was promised: check, agents, agent, promote."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell, inspect_fleet
from remit.cli.options import HERE, AsOption, FleetOption, JsonOption, checked_folder, person, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_pairs, show_rows
from remit.operations import Views


def check(
    path: Annotated[Path, typer.Argument(help="The fleet's folder.")] = HERE, as_json: JsonOption = False
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
        counted = f"{len(fleet.contracts)} contracts, {len(fleet.tools)} tools, {len(fleet.policies)} policy files"
        screen.print(f"{counted}: {len(errors)} mistakes, {len(findings) - len(errors)} warnings")
    raise typer.Exit(FOUND_WRONG if errors else DONE)


def agents(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List every agent version, where it stands, and who answers for it."""

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        return views.agents()

    show_rows(with_cell(fleet, work), as_json=as_json, empty="No agents yet. Write agents/NAME.agent.md.")


def agent(name: str, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Show what an agent may do, how freely, and with whose approval."""

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        return views.authority(name)

    show_rows(with_cell(fleet, work), as_json=as_json, empty=f"{name} may use no tool.")


def promote(
    name: str, version: str, fleet: FleetOption = HERE, who: AsOption = "", as_json: JsonOption = False
) -> None:
    """Approve a registered version: from now on it takes the agent's work."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        known = cell.parts.people.person(person(who))
        approved = await cell.operations.promote(name, version, by=known.id)
        return {"version": approved.id, "state": approved.state.value, "release": approved.release, "by": known.id}

    show_pairs(with_cell(fleet, work), as_json=as_json)
