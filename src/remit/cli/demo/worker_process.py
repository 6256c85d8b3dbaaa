"""The demo's worker: a process of its own that drives runs, and that may be killed and started again."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from remit.core import ConflictError

LOG_FILE = "worker.log"
# As much of what a worker said last as helps to see why it ended.
TOLD = 2_000
# One that ends by itself so often will not come to stay.
MOST_ENDS = 3


class WorkerProcess:
    """`remit worker` for a fleet, in a process group of its own: Ctrl-C in the terminal does not reach it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / ".remit" / LOG_FILE
        self._process: asyncio.subprocess.Process | None = None
        self._changing = asyncio.Lock()
        self._ends = 0
        self._is_stopping = False

    async def start(self) -> None:
        """Starts it; what it says goes into a file in the fleet's folder."""
        async with self._changing:
            await self._start()

    async def kill(self) -> int | None:
        """Ends it with `kill -9` and starts the next one; returns the process id of the one that is gone.

        None means that it had just ended by itself; the next one is then started by who watches.
        """
        async with self._changing:
            process = self._running()
            try:
                process.kill()
            except ProcessLookupError:
                return None
            await process.wait()
            await self._start()
            return process.pid

    async def watch(self) -> None:
        """Starts it again when it ends by itself; raises `ConflictError` with its last words when that does not help."""
        while True:
            process = self._running()
            await process.wait()
            async with self._changing:
                if self._is_stopping:
                    return
                if self._process is process:
                    self._ends += 1
                    if self._ends == MOST_ENDS:
                        raise ConflictError("The demo's worker does not stay", which=str(self._log), why=self.words())
                    await self._start()

    async def stop(self, seconds: float) -> None:
        """Has it drain, and ends it for good when that takes longer than `seconds`."""
        self._is_stopping = True
        async with self._changing:
            if self._process is None:
                return
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._process.wait()
            with suppress(ProcessLookupError):  # it, and whatever it has left behind
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def words(self) -> str:
        """Returns what it said last."""
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")[-TOLD:].strip()
        except OSError:
            return ""

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ConflictError("The demo's worker is not started yet")
        return self._process

    async def _start(self) -> None:
        self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # -P: nothing is imported from where the demo was started.
        command = (
            sys.executable,
            "-P",
            "-m",
            "remit.cli",
            "worker",
            "--fleet",
            str(self._folder),
            "--until-input-ends",
        )
        with self._log.open("ab") as told:
            # Its standard input is a pipe from us: when we are gone, whatever the way, it ends too.
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=told, stderr=told, start_new_session=True
            )
