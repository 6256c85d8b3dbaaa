"""`remit worker`: a process that drives a fleet's runs and serves nothing; the demo starts and kills it."""

import asyncio
import sys
from typing import Annotated

import typer
from uvicorn.loops.auto import auto_loop_factory

from remit.app import STOP_SIGNALS, build
from remit.cli.options import HERE, FleetOption, checked_folder
from remit.cli.output import screen, show_warning
from remit.runtime import Worker


def worker(
    fleet: FleetOption = HERE,
    until_input_ends: Annotated[
        bool, typer.Option(help="Drain, too, when standard input ends: whoever started it is gone.")
    ] = False,
) -> None:
    """Drive the fleet's runs, its schedules and its log, without HTTP, until SIGTERM drains it."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_work(fleet, until_input_ends=until_input_ends))


async def _work(fleet: FleetOption, *, until_input_ends: bool) -> None:
    cell = build(checked_folder(fleet), engine="durable")
    try:
        await cell.operations.load()
        for changed in cell.operations.changed:
            show_warning(changed)
        await _until_stopped(cell.worker(), until_input_ends=until_input_ends)
    finally:
        await cell.close()


async def _until_stopped(working: Worker, *, until_input_ends: bool) -> None:
    loop = asyncio.get_running_loop()

    def input_ended() -> None:
        loop.remove_reader(sys.stdin)
        working.stop()

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, working.stop)
    if until_input_ends:
        loop.add_reader(sys.stdin, input_ended)  # nobody writes there, so what is to be read is the end
    screen.print("at work")
    try:
        await working.work()
    finally:
        loop.remove_reader(sys.stdin)
