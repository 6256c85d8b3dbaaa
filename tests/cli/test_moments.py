"""Moments as people type them: ago, a day, or a time."""

import pytest

from remit.cli.moments import moment_of
from remit.core import DAY, HOUR, InputError, iso

NOW = 1_800_000_000_000_000


@pytest.mark.parametrize(("text", "ago"), [("30m", HOUR // 2), ("24h", DAY), ("7d", 7 * DAY), ("2w", 14 * DAY)])
def test_how_long_ago_counts_from_now(text: str, ago: int) -> None:
    assert moment_of(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", "2026-11-20T00:00:00.000Z"),
        ("2026-11-20T08:30", "2026-11-20T08:30:00.000Z"),
        ("2026-11-20T08:30:00Z", "2026-11-20T08:30:00.000Z"),
        ("2026-11-20T08:30:00+02:00", "2026-11-20T06:30:00.000Z"),
    ],
)
def test_a_day_or_a_time_is_in_utc_unless_it_says_otherwise(text: str, moment: str) -> None:
    assert iso(moment_of(text, NOW)) == moment


def test_nothing_is_the_beginning() -> None:
    assert moment_of("", NOW) == 0


@pytest.mark.parametrize("text", ["soon", "7", "d", "-1d", "2026-13-01", "1234567d"])
def test_what_is_no_moment_is_told_with_what_is(text: str) -> None:
    with pytest.raises(InputError, match="30m, 24h"):
        moment_of(text, NOW)
