"""How far a live demo is, on standard error: a bar in a terminal, else a line every few seconds."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from remit.cli.output import errors

DRAW_SECONDS, LINE_SECONDS = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a demo stands."""

    arrived: int
    ended: int
    open: int
    asked: int
    killed: int

    def text(self) -> str:
        """Returns it in one line."""
        killed = f", worker killed {self.killed} times" if self.killed else ""
        return f"{self.arrived} arrived, {self.open} open, {self.asked} asked of people{killed}"


class Display:
    """Shows a demo's progress, and what is worth a line of its own."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._bar: Progress | None = None

    @contextmanager
    def _shown(self) -> Generator[None]:
        """Shows a bar while it lasts, where there is a terminal."""
        if not errors.is_terminal:
            yield
            return
        amount = [BarColumn(), MofNCompleteColumn()] if self._total else []
        columns = (SpinnerColumn(), *amount, TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=errors, transient=True, redirect_stdout=False) as self._bar:
            self._bar.add_task("starting", total=self._total)
            yield
        self._bar = None

    def tell(self, line: str) -> None:
        """Says something that happened."""
        errors.print(escape(line))

    async def follow(self, standing: Callable[[], Standing], ready: asyncio.Event) -> None:
        """Goes on showing from when it is `ready`, for as long as the demo lasts."""
        await ready.wait()
        with self._shown():
            told_at, told = time.monotonic(), ""
            while True:
                await asyncio.sleep(DRAW_SECONDS)
                now = standing()
                if self._bar is not None:
                    self._bar.update(self._bar.task_ids[0], description=now.text(), completed=now.ended)
                elif time.monotonic() - told_at >= LINE_SECONDS and now.text() != told:
                    told_at, told = time.monotonic(), now.text()
                    of = f" of {self._total}" if self._total else ""
                    self.tell(f"{now.ended}{of} ended: {told}")
