"""Moments are integer microseconds, UTC."""

import time

from remit.core import DAY, HOUR, MINUTE, SECOND, Clock, SystemClock, day_of, iso
from remit.testing import SettableClock


def test_the_systems_clock_counts_microseconds_since_1970() -> None:
    before = time.time_ns() // 1000
    assert before <= SystemClock().now() <= time.time_ns() // 1000


def test_a_settable_clock_moves_only_when_told() -> None:
    clock: Clock = SettableClock(5)
    assert isinstance(clock, SettableClock)
    assert clock.now() == clock.now() == 5
    assert clock.advance(SECOND) == clock.now() == SECOND + 5
    clock.set(7)
    assert clock.now() == 7


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert iso(1_700_000_000_123_456) == "2023-11-14T22:13:20.123Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"


def test_a_day_ends_at_midnight_utc() -> None:
    midnight = 1_700_006_400 * SECOND
    assert (day_of(midnight - 1), day_of(midnight)) == ("2023-11-14", "2023-11-15")
    assert DAY == 24 * HOUR == 24 * 60 * MINUTE
