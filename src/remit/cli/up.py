"""`remit up`: everything of a fleet on this machine, until it is told to stop."""

import asyncio
from typing import Annotated

import typer
from rich.markup import escape
from uvicorn.loops.auto import auto_loop_factory

from remit.app import Cell, build, serve
from remit.cli.options import HERE, FleetOption, JsonOption, checked_folder
from remit.cli.output import screen, show_json

PORT = 8321


def up(
    host: Annotated[
        str, typer.Option(help="Where to listen; this machine only, unless you say otherwise.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = PORT,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Keep the fleet at work: queued and answered runs, schedules, signed webhooks. SIGTERM or Ctrl-C drains it."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_up(fleet, host, port, as_json=as_json))


async def _up(fleet: FleetOption, host: str, port: int, *, as_json: bool) -> None:
    cell = build(checked_folder(fleet), durable=True)
    try:
        await cell.operations.load()
        await serve(cell, host=host, port=port, on_ready=lambda at: _tell(cell, host, at, as_json=as_json))
    finally:
        await cell.close()


def _tell(cell: Cell, host: str, port: int, *, as_json: bool) -> None:
    """Says once that it is at work, and where."""
    address = f"http://{host}:{port}"
    waiting = cell.parts.journal.counts()
    if as_json:
        show_json({"address": address, "agents": len(cell.fleet.contracts), "runs": waiting})
        return
    screen.print(f"[bold]{escape(cell.settings.name)}[/bold] is at work: {len(cell.fleet.contracts)} agents")
    told = ", ".join(f"{count} {state}" for state, count in sorted(waiting.items())) or "none yet"
    screen.print(f"  runs      {told}")
    for name in sorted(cell.settings.webhooks):
        screen.print(f"  webhook   {address}/webhooks/{escape(name)}")
    screen.print(f"  health    {address}/healthz\nCtrl-C stops it; runs go on with the next start.")
