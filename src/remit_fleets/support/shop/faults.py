"""What goes wrong with the shop on purpose: switched on for some seconds, in whatever process serves it."""

import sqlite3
import time
from collections.abc import Mapping
from typing import Literal, get_args
from zlib import crc32

Fault = Literal["slow", "down", "wrong-answer", "lost-reply"]
"""`slow`: some calls take longer. `down`: the server ends, and ends again when it is started. `wrong-answer`: some reads
are answered with what belongs to somebody else. `lost-reply`: some writes are done, and the server ends instead of
answering."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

SLOW_SECONDS = 1.0
# One call of so many is met, by its key: the same call is met again, another one not.
_ONE_OF: Mapping[Fault, int] = {"slow": 2, "down": 1, "wrong-answer": 3, "lost-reply": 3}


def set_fault(database: sqlite3.Connection, kind: Fault, seconds: float) -> None:
    """Switches a fault on for some seconds from now."""
    until = _now() + int(seconds * 1_000_000)
    database.execute(
        "INSERT INTO faults VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET until = excluded.until", (kind, until)
    )


def clear_faults(database: sqlite3.Connection) -> None:
    """Switches every fault off."""
    database.execute("DELETE FROM faults")


def faults_now(database: sqlite3.Connection) -> frozenset[Fault]:
    """Returns the faults that are on."""
    rows = database.execute("SELECT kind FROM faults WHERE until > ?", (_now(),))
    return frozenset(kind for (kind,) in rows)


def meets(fault: Fault, key: str) -> bool:
    """Whether a fault that is on meets the call with this key."""
    return crc32(f"{fault} {key}".encode()) % _ONE_OF[fault] == 0


def _now() -> int:
    return time.time_ns() // 1_000
