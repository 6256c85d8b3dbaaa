"""Executors: the processes that drive attempts, known by a heartbeat."""

import json
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from remit.core import SECOND, Clock
from remit.journal.model import Run, run_of
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.journal")
# Attempts that are looked at in one round of reconciliation.
LEFT_LIMIT = 1_000
# Linux: which start of the kernel this is; the same in all containers of a machine.
BOOT = Path("/proc/sys/kernel/random/boot_id")
# How long a process that is gone is still shown and kept.
REMEMBERED = 24 * 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class Executor:
    """One process: where it is, when it was last heard of, and how many attempts it drives."""

    id: str
    host: str
    pid: int
    started_at: int
    seen_at: int
    ended_at: int | None
    attempts: int


@dataclass(frozen=True, slots=True)
class LeftRun:
    """A run whose attempt somebody has left, as of the heartbeat `seen_at` (0: never heard of)."""

    run: Run
    executor: str
    seen_at: int


class Executors:
    """Reads who is at work; its changes are statements for the runtime's commits."""

    def __init__(self, database: Database, clock: Clock, *, seconds: float) -> None:
        """Counts a process as gone when it was not heard of for `seconds`."""
        self._database = database
        self._clock = clock
        self._patience = int(seconds * SECOND)

    def beat(self, executor: str) -> Statement:
        """Notes that an executor is alive."""
        host, pid = executor_place(executor)
        return Statement(_Q["beat"], {"id": executor, "host": host, "pid": pid, "at": self._clock.now()})

    def database_time(self) -> Statement:
        """Asks for the database's own clock, where it has one."""
        return Statement(_Q["database_time"], {}, want=None)

    def loads(self, executor: str, releases: Collection[str]) -> Statement:
        """Notes which releases an executor has loaded, and so can drive."""
        return Statement(_Q["say_loaded"], {"id": executor, "releases": json.dumps(sorted(releases))})

    def loaded(self) -> dict[str, frozenset[str]]:
        """Returns the digests of what each executor that has not ended has loaded, as far as they have said."""
        return {row["executor"]: frozenset(json.loads(row["releases"])) for row in self._database.read(_Q["loaded"])}

    def end(self, executor: str) -> Statement:
        """Notes that an executor stopped by itself and drives nothing any more."""
        return Statement(_Q["end_executor"], {"id": executor, "at": self._clock.now()}, want=None)

    def forget(self) -> list[Statement]:
        """Drops what was not heard of for a day."""
        before = {"before": self._clock.now() - REMEMBERED}
        return [Statement(_Q["forget_executors"], before, want=None), Statement(_Q["forget_loaded"], {}, want=None)]

    def listing(self) -> list[Executor]:
        """Returns the processes at work and those that ended in the last day, oldest first."""
        since = {"since": self._clock.now() - REMEMBERED}
        return [
            Executor(**{n: row[n] for n in Executor.__slots__}) for row in self._database.read(_Q["executors"], since)
        ]

    def at_work(self) -> list[str]:
        """Returns the ids of processes that have not ended, were heard of lately, and were not killed on this machine."""
        alive = (e for e in self.listing() if e.ended_at is None and not self._is_late(e.seen_at))
        return [executor.id for executor in alive if not is_dead_here(executor.id)]

    def left(self, run: Run, executor: str) -> LeftRun | None:
        """Returns `run` as left when its executor has ended, is not heard of any more, or was killed on this machine."""
        row = self._database.read_one(_Q["executor"], {"id": executor})
        seen_at = int(row["seen_at"]) if row else 0
        ended = row is not None and row["ended_at"] is not None
        return LeftRun(run, executor, seen_at) if ended or self._is_late(seen_at) or is_dead_here(executor) else None

    def left_runs(self, own: str, driving: Collection[str]) -> list[LeftRun]:
        """Returns runs nobody drives any more, oldest first: their process is gone, or `own` and not `driving` them."""
        late = self._clock.now() - self._patience
        alive = self._database.read(_Q["heard_of"], {"host": here(), "before": late})
        killed = [row["id"] for row in alive if is_dead_here(row["id"])]
        asked = {"executor": own, "before": late, "limit": LEFT_LIMIT}
        listed = {"killed": json.dumps(killed), "driving": json.dumps(list(driving))}
        return [_left(row) for row in self._database.read(_Q["left_runs"], asked | listed)]

    def _is_late(self, seen_at: int) -> bool:
        return seen_at <= self._clock.now() - self._patience


def new_executor_name(unique: str) -> str:
    """Returns `host/pid/unique` of this process; no two starts share one."""
    return f"{here()}/{os.getpid()}/{unique}"


def here() -> str:
    """Returns where process numbers mean what they mean to us: this machine, and in it our own number space.

    Containers may share a host's name and each have a process 1 of their own; machines made from one image share its name
    and the number of their first space, but each start of a kernel has an id that no other has.
    """
    try:
        return f"{socket.gethostname()}+{_boot()}.{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # no Linux, and so no number spaces
        return socket.gethostname()


@cache
def _boot() -> str:
    try:
        return BOOT.read_text(encoding="ascii").strip().replace("-", "")[:16]
    except OSError:  # a sandbox may hide it; the number space is told all the same
        return ""


def executor_place(executor: str) -> tuple[str, int]:
    """Returns the host and process id of an executor's name."""
    host, _, rest = executor.partition("/")
    pid = rest.partition("/")[0]
    return host, int(pid) if pid.isdigit() else 0


def is_dead_here(executor: str) -> bool:
    """Whether its process was on this machine and is no more; nobody need wait for its heartbeat then."""
    host, pid = executor_place(executor)
    if host != here() or pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _left(row: Any) -> LeftRun:
    return LeftRun(run_of(row), row["executor"], int(row["seen_at"] or 0))
