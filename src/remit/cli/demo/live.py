"""A live demo: work arrives as events, a worker in a process of its own does it, people answer, and things go wrong."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.markup import escape

from remit.app import STOP_SIGNALS, Cell, LiveDemo, serve
from remit.cli.demo.answers import Colleagues
from remit.cli.demo.arrivals import Arrivals, Piece
from remit.cli.demo.chaos import Breaker, breakdowns, kills, strike
from remit.cli.demo.looked_at import LookedAt
from remit.cli.demo.progress import Display, Standing
from remit.cli.demo.report import LiveReport, make_report
from remit.cli.demo.terms import LiveTerms
from remit.cli.demo.trace import write_trace
from remit.cli.demo.worker_process import WorkerProcess
from remit.cli.output import errors, screen, show_warning
from remit.core import BusyError, ConflictError

LOOK_SECONDS, BUSY_SECONDS = 0.1, 1.0
# Headless, nothing that would ever move again stands still for so long.
STALL_SECONDS = 120.0


class Live:
    """One live demo from its first arrival to its report."""

    def __init__(self, cell: Cell, work: LiveDemo, terms: LiveTerms) -> None:
        self._cell = cell
        self._work = work
        self._terms = terms
        self._display = Display(terms.tasks)
        self._worker = WorkerProcess(cell.folder)
        self._arrivals = Arrivals(cell, work, terms)
        looked_at = LookedAt(cell.parts.clock, terms.patience)
        self._colleagues = Colleagues(cell, work, terms, self._arrivals, looked_at)
        self._breaker = Breaker(work, self._worker, cell.parts.clock, self._display.tell, looked_at)
        self._ready = asyncio.Event()
        """Set once everything is said that stands above the progress."""
        self._has_told = False
        self._hearing: list[asyncio.Task[None]] = []
        """What hands in what customers say of tasks that have ended."""

    async def run(self) -> bool:
        """Goes on until everything has ended, or somebody stops it; returns whether everything has."""
        await self._worker.start()
        doing = {
            asyncio.create_task(self._follow_through(), name="work to its end"),
            asyncio.create_task(self._until_stopped(), name="until somebody stops it"),
            asyncio.create_task(self._worker.watch(), name="watch the worker"),
        }
        beside = {asyncio.create_task(self._display.follow(self._standing, self._ready), name="progress")}
        if self._terms.chaos:
            doing |= self._chaos()
        try:
            ended, _ = await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*doing, *beside):
                task.cancel()
            await asyncio.gather(*doing, *beside, return_exceptions=True)
            await self._worker.stop(self._cell.settings.limits.drain_seconds)
        for task in ended:
            task.result()  # what went wrong goes on
        self._arrivals.ended()
        return self._is_over()

    def report(self, started: float) -> LiveReport:
        """Returns the report; the worker has drained by now."""
        report = make_report(self._cell, self._work, self._arrivals, killed_at=self._breaker.killed_at, started=started)
        if self._terms.trace:
            write_trace(self._terms.trace, self._cell, self._arrivals)
        return report

    def _chaos(self) -> set[asyncio.Task[None]]:
        seed, tasks = self._terms.seed, self._terms.tasks
        return {
            asyncio.create_task(strike(self._breaker, due, self._ended), name="chaos")
            for due in (kills(seed, tasks), breakdowns(seed, tasks, self._work.faults))
        }

    # --- work

    async def _follow_through(self) -> None:
        """Lets work arrive, answers what people are asked, and sees everything to its end."""
        feeding = asyncio.create_task(self._arrivals.feed(), name="let work arrive")
        try:
            while not self._may_end(feeding):
                await self._colleagues.answer_due()
                self._hearing += [asyncio.create_task(self._hear(piece)) for piece in self._arrivals.ended()]
                self._hearing = [task for task in self._hearing if not _is_done(task)]
                if self._is_stalled():
                    show_warning(self._stalled())
                    return
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in (feeding, *self._hearing):
                task.cancel()
            await asyncio.gather(feeding, *self._hearing, return_exceptions=True)

    def _may_end(self, feeding: asyncio.Task[None]) -> bool:
        """Whether everything has arrived and ended; then a console at a terminal stays open all the same."""
        if not feeding.done():
            return False
        feeding.result()  # what went wrong goes on
        if self._is_over() and self._terms.stays and not self._has_told:
            self._has_told = True
            self._display.tell("Everything has ended; the console stays open. Ctrl-C ends the demo.")
        return self._is_over() and not self._terms.stays

    async def _hear(self, piece: Piece) -> None:
        """Hands in what the customer says once their work is done; an appeal comes in as an event besides."""
        if not piece.succeeded:
            return
        verbs = self._cell.verbs(self._arrivals.actor)
        for number, said in enumerate(self._work.signals(piece.arrival), 1):
            key = f"{piece.arrival.key}/{number}"
            for task in piece.tasks:
                await _surely(verbs.feedback, task, kind=said.kind, score=said.score, words=said.words, key=key)
            if said.arrival is not None:
                await self._arrivals.send([said.arrival], belongs_to=piece.belongs_to)

    def _is_over(self) -> bool:
        return self._arrivals.is_over and not self._arrivals.open and not self._hearing

    def _is_stalled(self) -> bool:
        if not self._terms.headless or not self._arrivals.open:
            return False
        return asyncio.get_running_loop().time() - self._arrivals.moved_at > STALL_SECONDS

    def _stalled(self) -> ConflictError:
        why = f"{self._arrivals.open} tasks are open and nothing has moved for {STALL_SECONDS:g} seconds"
        return ConflictError("The demo does not come to its end", why=why, hint="Look at it with --keep FOLDER")

    def _ended(self) -> int:
        return sum(piece.has_ended for piece in self._arrivals.tickets)

    def _standing(self) -> Standing:
        tickets = self._arrivals.tickets
        return Standing(
            arrived=len(tickets),
            ended=sum(piece.has_ended for piece in tickets),
            open=self._arrivals.open,
            asked=len(self._colleagues.open()),
            killed=len(self._breaker.killed_at),
        )

    # --- until somebody stops it

    async def _until_stopped(self) -> None:
        if self._terms.headless:
            self._ready.set()
            await _signalled()
            return
        link = await self._cell.access.issue_link(self._work.guide, by="remit demo")
        try:
            await self._serve(self._terms.port, link)
        except ConflictError:
            if self._terms.port is not None or self._ready.is_set():
                raise
            self._display.tell(f"Port {self._cell.settings.http.port} is taken here; the console is at a free one.")
            await self._serve(0, link)

    async def _serve(self, port: int | None, link: str) -> None:
        def on_ready(at: int) -> None:
            self._tell_where(at, link)
            self._ready.set()

        await serve(self._cell, on_ready=on_ready, port=port, works=False, practice=self._breaker)

    def _tell_where(self, port: int, link: str) -> None:
        address = self._cell.settings.http.origin(port)
        said = errors if self._terms.as_json else screen
        for line in (
            f"  console   {address}/",
            f"  log in    {address}/login/{link}",
            f"            once, within {self._cell.settings.http.link_minutes:g} minutes, as {self._work.guide}",
            "  look at   the tour: it leads through approvals, a run, its proof, a crash and the kill switch",
            f"  worker    its own process; what it says is in {self._cell.folder / '.remit'}",
            f"  commands  {_shell_words(self._cell.folder)}",
            f"What nobody answers for {self._terms.patience:g} s, nor looks at, a simulated colleague answers. "
            "Ctrl-C ends the demo.",
        ):
            said.print(escape(line), soft_wrap=True)


def _shell_words(folder: Path) -> str:
    """Returns what a shell is told so that commands as the console shows them work in it."""
    beside = Path(sys.executable).parent
    path = f'PATH="{beside}:$PATH" ' if (beside / "remit").exists() else ""
    return f"export {path}REMIT_FLEET={shlex.quote(str(folder))}"


def _is_done(task: asyncio.Task[None]) -> bool:
    """Whether it is over; what went wrong in it goes on here."""
    return task.done() and task.result() is None


async def _surely(do: Callable[..., Awaitable[object]], *given: Any, **named: Any) -> None:
    """Does what the store may be too busy for, as often as it takes; `do` has a key and happens once."""
    while True:
        with suppress(BusyError):
            await do(*given, **named)
            return
        await asyncio.sleep(BUSY_SECONDS)


async def _signalled() -> None:
    """Returns once somebody asks the process to end; a second time ends it at once."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, stopping.set)
    try:
        await stopping.wait()
    finally:
        for each in STOP_SIGNALS:
            loop.remove_signal_handler(each)
