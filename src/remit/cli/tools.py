"""`remit tools`: what the fleet's servers offer, what of it is pinned, and whether they still mean the same."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.cli import completion
from remit.cli.options import HERE, FleetOption, JsonOption, checked_folder
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_rows
from remit.operations import LockedServer, check_locks, declared_tools, lock_server

tools_app = typer.Typer(help="Tools, the servers that have them, and what is pinned.", invoke_without_command=True)

_COLOURS = {"same": "green", "changed": "red", "vanished": "red", "new": "cyan", "refused": "yellow"}


@tools_app.callback()
def tools(context: typer.Context, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List every declared tool: its effect and risk, how it is reached, and the definition it is pinned to."""
    if context.invoked_subcommand is not None:
        return
    rows = declared_tools(checked_folder(fleet))
    if as_json:
        show_json(rows)
        return
    shown = [{**row, "pinned": row["pinned"].partition(":")[2][:12] or "-"} for row in rows]
    columns = ["tool", "effect", "risk", "reached", "pinned"]
    if any(row["problem"] for row in rows):
        columns.append("problem")
    show_rows(shown, as_json=False, empty="No tools yet. Write tools/SERVER.yaml.", columns=columns)


@tools_app.command()
def check(
    server: Annotated[str, typer.Argument(autocompletion=completion.servers)] = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Ask MCP servers what they offer now and compare it with what is pinned. Exit code 1 when something differs."""
    checked = asyncio.run(check_locks(checked_folder(fleet), server))
    differs = any(one.differs for one in checked)
    if as_json:
        show_json({"ok": not differs, "servers": [_as_json(one) for one in checked]})
    elif not checked:
        screen.print("No server here speaks MCP, so nothing is pinned.")
    for one in () if as_json else checked:
        _show(one)
        if one.differs and not one.problem:
            screen.print(f"Tools that differ are in quarantine until `remit tools lock {one.server}` takes them over.")
    raise typer.Exit(FOUND_WRONG if differs else DONE)


@tools_app.command()
def lock(
    server: Annotated[str, typer.Argument(autocompletion=completion.servers)],
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Pin what an MCP server offers now, and say what that changes. Look at it before you commit the lock file."""
    locked = asyncio.run(lock_server(checked_folder(fleet), server))
    if as_json:
        show_json(_as_json(locked))
        return
    _show(locked)
    screen.print(f"tools/{server}.lock.json pins {locked.written} tools. Commit it with the fleet.")


def _show(one: LockedServer) -> None:
    screen.print(f"[bold]{escape(one.server)}[/bold]" + (f"  {escape(one.problem)}" if one.problem else ""))
    for change in one.changes:
        colour = _COLOURS[change.state]
        screen.print(f"  [{colour}]{change.state:<8}[/{colour}]  {escape(change.tool)}")
        _lines(change.what)


def _lines(what: Sequence[str]) -> None:
    for line in what:
        screen.print(f"            {escape(line)}", soft_wrap=True)


def _as_json(one: LockedServer) -> dict[str, Any]:
    changes = [{"tool": change.tool, "state": change.state, "what": list(change.what)} for change in one.changes]
    return {"server": one.server, "written": one.written, "problem": one.problem, "tools": changes}
