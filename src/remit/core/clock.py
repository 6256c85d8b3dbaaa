"""Time: integer microseconds since 1970, UTC."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Tells the time; the second implementation is `remit.testing.SettableClock`."""

    def now(self) -> int:
        """Returns microseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Returns microseconds since the epoch, UTC."""
        return time.time_ns() // 1000


def iso(moment: int) -> str:
    """Returns RFC 3339 text with milliseconds and `Z`."""
    return datetime.fromtimestamp(moment / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(moment: int) -> str:
    """Returns the UTC calendar day, `YYYY-MM-DD`: what budgets per day count by."""
    return _day_named(moment // DAY)


@lru_cache(maxsize=64)
def _day_named(number: int) -> str:
    return datetime.fromtimestamp(number * DAY / SECOND, UTC).strftime("%Y-%m-%d")
