"""A driver as a process: forked from one that has imported everything and done nothing, which a start would do anew."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.forkserver import ensure_running
from pathlib import Path

from tests.crash import driver

_processes = multiprocessing.get_context("forkserver")
# What is imported late because not every cell needs it: these do.
LATE = ["remit.gateway.servers.mcp", "tests.crash.crew", "psycopg_pool"]
_processes.set_forkserver_preload(["tests.crash.driver", *LATE])
REPOSITORY = Path(__file__).parents[2]
IMPORTED_FROM = os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)])


class Worker:
    """A process that runs `tests.crash.driver`; it is handled like a `subprocess.Popen`."""

    def __init__(self, arguments: list[str], variables: Mapping[str, str], told: Path) -> None:
        """Starts it; what it says goes to the file `told`."""
        self._told = told
        _begin()
        self._process = _processes.Process(target=_work, args=(arguments, dict(variables), str(told)), daemon=True)
        self._process.start()
        self.pid: int = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """How it ended, as far as that is known; minus the signal that killed it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Returns how it ended, if it has."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Returns how it ended; `subprocess.TimeoutExpired` when it has not within `timeout` seconds."""
        self._process.join(timeout)
        if timeout is not None and self._process.exitcode is None:
            raise subprocess.TimeoutExpired("driver", timeout, self._read())
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for its end and returns what it said, as if all of it were errors."""
        self.wait(timeout)
        return "", self._read()

    def send_signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills it."""
        self.send_signal(signal.SIGKILL)

    def _read(self) -> str:
        return self._told.read_text(encoding="utf-8", errors="replace") if self._told.exists() else ""


def _begin() -> None:
    """Has the process begin that others are forked from, with what it imports where this one has it."""
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = IMPORTED_FROM
    try:
        ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if known is not None:
            os.environ["PYTHONPATH"] = known


def _work(arguments: list[str], variables: dict[str, str], told: str) -> None:
    """What the process does."""
    os.environ.clear()
    os.environ.update(variables)
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for place in (1, 2):
        os.dup2(file, place)
    sys.exit(driver.run(arguments))
