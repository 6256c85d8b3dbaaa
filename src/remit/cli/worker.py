"""`remit worker`: a process that drives a fleet's runs and serves nothing; the demo starts and kills it."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from uvicorn.loops.auto import auto_loop_factory

from remit.app import STOP_SIGNALS, Cell, build, probe_of, serving_health, set_interpreter
from remit.cli.options import HERE, FleetOption, checked_folder
from remit.cli.output import counted, screen, show_warning
from remit.core import SECOND, Settings, iso, load_settings, short_id
from remit.journal import LeftRun, executor_place
from remit.operations import Probe
from remit.runtime import end_at_once


def worker(
    fleet: FleetOption = HERE,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Runs it drives at once, instead of limits.concurrent_runs.")
    ] = None,
    until_input_ends: Annotated[
        bool, typer.Option(help="Drain, too, when standard input ends: whoever started it is gone.")
    ] = False,
    health_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Answer /healthz and /readyz there, and nothing else.")
    ] = None,
    health_host: Annotated[str, typer.Option(help="Where to answer them.")] = "127.0.0.1",
    as_json: Annotated[
        bool, typer.Option("--json", help="Write what happens to it as JSON, an object a line.")
    ] = False,
) -> None:
    """Drive the fleet's runs, its schedules and its log, without HTTP, until SIGTERM drains it; a second one ends it.

    Any number of them may share a database; what one that dies or freezes leaves, the others take over.
    """
    telling = _Telling(as_json=as_json, until_input_ends=until_input_ends)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_work(checked_folder(fleet), concurrency, health_host, health_port, telling))


async def _work(
    folder: Path, concurrency: int | None, health_host: str, health_port: int | None, telling: "_Telling"
) -> None:
    cell = build(folder, settings=_settings(folder, concurrency), engine="claims")
    try:
        await cell.operations.load()
        set_interpreter()
        for changed in cell.operations.changed:
            show_warning(changed)
        probe = probe_of(cell)
        async with AsyncExitStack() as serving:
            if health_port is not None:
                await serving.enter_async_context(serving_health(cell, probe, host=health_host, port=health_port))
            await _until_stopped(cell, probe, telling)
    finally:
        await cell.close()
    telling.say("stopped")


def _settings(folder: Path, concurrency: int | None) -> Settings:
    settings = load_settings(folder)
    limits = settings.limits.model_copy(update={"concurrent_runs": concurrency} if concurrency else {})
    return settings.model_copy(update={"limits": limits})


async def _until_stopped(cell: Cell, probe: Probe, telling: "_Telling") -> None:
    loop, working, limits = asyncio.get_running_loop(), cell.worker(last_resort=end_at_once), cell.settings.limits

    def stop() -> None:
        for each in STOP_SIGNALS:  # the next one has its usual effect
            loop.remove_signal_handler(each)
        telling.say("stopping", f"what is under way has {limits.drain_seconds:g} s", seconds=limits.drain_seconds)
        probe.stop()
        working.stop()

    def input_ended() -> None:
        loop.remove_reader(sys.stdin)
        stop()

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stop)
    if telling.until_input_ends:
        loop.add_reader(sys.stdin, input_ended)  # nobody writes there, so what is to be read is the end
    cell.runtime.tell_of_takeovers(lambda left: telling.took_over(left, cell.parts.clock.now()))
    agents, runs = len(cell.fleet.contracts), limits.concurrent_runs
    words = f"as {place_of(cell.runtime.executor)}: {counted(agents, 'agent')}, {counted(runs, 'run')} at once"
    telling.say("at work", words, executor=cell.runtime.executor, agents=agents, concurrency=runs)
    try:
        await working.work()
    finally:
        with suppress(ValueError):  # a standard input that cannot be waited for
            loop.remove_reader(sys.stdin)


class _Telling:
    """Says on standard output what happens to the worker, in lines for people or for programs."""

    def __init__(self, *, as_json: bool, until_input_ends: bool) -> None:
        self._as_json = as_json
        self.until_input_ends = until_input_ends

    def say(self, what: str, words: str = "", **fields: Any) -> None:
        """Says one thing: `words` to people, `fields` to programs."""
        if self._as_json:
            sys.stdout.write(json.dumps({"event": what, **fields}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            screen.print(escape(f"{what} {words}".strip()), soft_wrap=True)

    def took_over(self, left: LeftRun, now: int) -> None:
        """Says whose run goes on here."""
        fields = {"run": left.run.id, "agent": left.run.agent, "from": left.executor, "at": iso(now)}
        self.say("took over", takeover_words(left, now), **fields, silent_seconds=_silent(left, now))


def takeover_words(left: LeftRun, now: int) -> str:
    """Returns which run was taken over, and from whom."""
    silent = _silent(left, now)
    heard = f"heard of {silent:.1f} s ago" if silent is not None else "never heard of"
    return f"{left.run.agent} {short_id(left.run.id)} from {place_of(left.executor)}, last {heard}"


def place_of(executor: str) -> str:
    """Returns `host/pid` of an executor, as people know it."""
    host, pid = executor_place(executor)
    return f"{host.partition('+')[0]}/{pid}"


def _silent(left: LeftRun, now: int) -> float | None:
    return round((now - left.seen_at) / SECOND, 1) if left.seen_at else None
