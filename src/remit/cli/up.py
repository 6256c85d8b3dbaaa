"""`remit up`: everything of a fleet on this machine, until it is told to stop; `remit serve`: what people and programs use."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.markup import escape
from uvicorn.loops.auto import auto_loop_factory

from remit.app import Cell, build, serve, set_interpreter
from remit.audit import LogEntry
from remit.cli.options import HERE, FleetOption, JsonOption, checked_folder
from remit.cli.output import counted, screen, show_json, show_warning
from remit.cli.worker import takeover_words
from remit.core import iso, load_settings, short_id
from remit.journal import LeftRun
from remit.runtime import end_at_once

# As many lines as somebody reads in that time; a flood is told as one.
LOOK_SECONDS, MOST_LINES = 1.0, 20


HostOption = Annotated[
    str, typer.Option(help="Where to listen, instead of http.host: this machine only, unless you say otherwise.")
]
PortOption = Annotated[int | None, typer.Option(min=0, max=65_535, help="Instead of http.port; 0 takes a free one.")]


def up(host: HostOption = "", port: PortOption = None, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Keep the fleet at work: queued and answered runs, schedules, signed webhooks. SIGTERM or Ctrl-C drains it."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_up(fleet, host, port, as_json=as_json, works=True))


def serve_only(
    host: HostOption = "", port: PortOption = None, fleet: FleetOption = HERE, as_json: JsonOption = False
) -> None:
    """Serve the fleet's API, webhooks and console, and leave its runs to `remit worker`, here or elsewhere."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_up(fleet, host, port, as_json=as_json, works=False))


async def _up(fleet: FleetOption, host: str, port: int | None, *, as_json: bool, works: bool) -> None:
    folder = checked_folder(fleet)
    settings = load_settings(folder)
    listens = {"host": host or settings.http.host, "port": settings.http.port if port is None else port}
    settings = settings.model_copy(update={"http": settings.http.model_copy(update=listens)})
    cell = build(folder, settings=settings, engine="claims" if works else "remote")
    try:
        await cell.operations.load()
        set_interpreter()
        for changed in cell.operations.changed:
            show_warning(changed)
        if not as_json:
            cell.runtime.tell_of_takeovers(lambda left: _tell_takeover(left, cell.parts.clock.now()))
        following = asyncio.create_task(_follow(cell) if not as_json else asyncio.sleep(0), name="follow the log")
        try:
            link = "" if as_json else await _first_link(cell)
            await serve(
                cell,
                on_ready=lambda at: _tell(cell, at, link, as_json=as_json, works=works),
                works=works,
                last_resort=end_at_once,
            )
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    finally:
        await cell.close()


def _tell_takeover(left: LeftRun, now: int) -> None:
    screen.print(f"[dim]{iso(now)}[/dim]  took over {escape(takeover_words(left, now))}")


async def _follow(cell: Cell) -> None:
    """Says what happens, a line each, as far as somebody can read it."""
    index, position = cell.log.size(), cell.changes.position()
    while True:
        position = await cell.changes.wait(position, seconds=LOOK_SECONDS)
        size = cell.log.size()
        happened = cell.log.since(index, tuple(_WORDS), limit=MOST_LINES + 1)
        for entry in happened[:MOST_LINES]:
            screen.print(f"[dim]{iso(entry.at)}[/dim]  {escape(_WORDS[entry.kind](cell, entry))}")
        if len(happened) > MOST_LINES:
            screen.print("  … and more; `remit runs` lists them")
        index = max(size, happened[-1].index + 1 if happened else 0)


def _of_run(cell: Cell, entry: LogEntry, what: str) -> str:
    run = cell.parts.journal.find_run(entry.ref)
    return f"{run.agent if run else ''} {short_id(entry.ref)} {what}"


# What is worth a line, and its words; the rest is in `remit show` and `remit log`.
_WORDS: Mapping[str, Callable[[Cell, LogEntry], str]] = {
    "run.completed": lambda cell, entry: _of_run(cell, entry, f"{entry.fields['state']}, {entry.fields['outcome']}"),
    "run.parked": lambda cell, entry: _of_run(cell, entry, str(entry.fields["for"])),
    "run.cancelled": lambda cell, entry: _of_run(cell, entry, "cancelled"),
    "event.received": lambda _, entry: f"event {entry.fields['name']} from {entry.fields['source']}",
    "schedule.fired": lambda _, entry: f"schedule of {entry.fields['agent']}, due {entry.fields['due']}",
    "schedule.missed": lambda _, entry: f"schedule of {entry.fields['agent']} was missed",
    "schedule.refused": lambda _, entry: f"schedule of {entry.fields['agent']} was refused: {entry.fields['why']}",
    "switch": lambda _, entry: f"{entry.fields['scope']} {'stopped' if entry.fields['stopped'] else 'resumed'}",
}


async def _first_link(cell: Cell) -> str:
    """Returns the secret of a login link while nobody has a password: for the platform team, or who comes next to it."""
    people = cell.parts.people.everybody()
    if not people or any(person.password for person in people):
        return ""
    ranks = ("platform", "operator")
    first = min(
        people, key=lambda person: next((at for at, role in enumerate(ranks) if role in person.roles), len(ranks))
    )
    return await cell.access.issue_link(first.id, by="remit up")


def _tell(cell: Cell, port: int, link: str, *, as_json: bool, works: bool) -> None:
    """Says once that it is at work, and where."""
    address = cell.settings.http.origin(port)
    waiting = cell.parts.journal.counts()
    if as_json:
        show_json({"address": address, "agents": len(cell.fleet.contracts), "runs": waiting})
        return
    screen.print(
        f"[bold]{escape(cell.settings.name)}[/bold] {'is at work' if works else 'serves'}: {counted(len(cell.fleet.contracts), 'agent')}"
    )
    told = ", ".join(f"{count} {state}" for state, count in sorted(waiting.items())) or "none yet"
    screen.print(f"  runs      {told}")
    for name in sorted(cell.settings.webhooks):
        screen.print(f"  webhook   {address}/webhooks/{escape(name)}")
    screen.print(f"  console   {address}/")
    if link:
        minutes = f"once, within {cell.settings.http.link_minutes:g} minutes; nobody has a password yet"
        screen.print(f"  log in    {address}/login/{link}\n            {minutes}", soft_wrap=True)
    screen.print(f"  health    {address}/healthz\nCtrl-C stops it; runs go on with the next start.")
