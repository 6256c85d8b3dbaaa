"""Due times by the clock on the wall: each once, in the hour that is missing and in the hour that comes twice too."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.core import DAY, HOUR, MINUTE, SECOND
from remit.runtime.cron import Cron

BERLIN = "Europe/Berlin"
LINES = ("30 2 * * *", "*/30 * * * *", "0 * * * *", "17 1-3 * * sun", "0 0 29 2 *", "5 4 13 * fri")
# Their clocks change by an hour, by half an hour, and once skipped a whole day.
ZONES = (BERLIN, "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "UTC")


def moment(text: str, zone: str = BERLIN) -> int:
    """Returns the instant of a text with offset, or of a time on the wall in `zone`."""
    found = datetime.fromisoformat(text)
    found = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    return int(found.timestamp()) * SECOND


def wall(instant: int, zone: str = BERLIN) -> str:
    """Returns how the instant is written in `zone`, with the offset."""
    return datetime.fromtimestamp(instant / SECOND, UTC).astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z")


def passed(line: str, after: str, until: str) -> list[str]:
    """Returns the due times between two moments in Berlin."""
    return [wall(due) for due in Cron(line, BERLIN).passed(moment(after), moment(until), most=100)]


def test_a_schedule_keeps_to_the_clock_on_the_wall() -> None:
    assert passed("0 7 * * mon-fri", "2026-03-26", "2026-03-31T12:00") == [
        "26 07:00+0100",
        "27 07:00+0100",
        "30 07:00+0200",
        "31 07:00+0200",
    ]


def test_a_time_that_does_not_exist_is_due_at_the_next_that_does() -> None:
    assert passed("30 2 * * *", "2026-03-28", "2026-03-30T12:00") == ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]
    due = Cron("30 2 * * *", BERLIN).next(moment("2026-03-29T01:59:59+01:00"))
    assert due == moment("2026-03-29T03:00+02:00")


def test_several_times_that_do_not_exist_are_due_once() -> None:
    assert passed("*/30 * * * *", "2026-03-29T01:15", "2026-03-29T03:45") == [
        "29 01:30+0100",
        "29 03:00+0200",
        "29 03:30+0200",
    ]


def test_a_time_that_comes_twice_is_due_the_first_time_only() -> None:
    assert passed("30 2 * * *", "2026-10-24T12:00", "2026-10-26") == ["25 02:30+0200"]
    cron = Cron("30 2 * * *", BERLIN)
    assert cron.next(moment("2026-10-25T02:30+02:00")) == moment("2026-10-26T02:30+01:00")
    assert cron.next(moment("2026-10-25T02:15+01:00")) == moment("2026-10-26T02:30+01:00")


def test_in_the_second_round_of_an_hour_all_of_its_first_round_has_passed() -> None:
    found = passed("*/30 * * * *", "2026-10-25T01:45+02:00", "2026-10-25T02:15+01:00")
    assert found == ["25 02:00+0200", "25 02:30+0200"]
    assert wall(Cron("*/30 * * * *", BERLIN).next(moment("2026-10-25T02:15+01:00")) or 0) == "25 03:00+0100"


def test_until_is_due_and_after_is_not() -> None:
    cron, seven = Cron("0 7 * * *", "UTC"), moment("2026-05-05T07:00", "UTC")
    assert cron.passed(seven - DAY, seven, most=10) == [seven]
    assert cron.passed(seven - DAY, seven - 1, most=10) == []
    assert cron.passed(seven - DAY - 1, seven - 1, most=10) == [seven - DAY]
    assert (cron.next(seven - 1), cron.next(seven)) == (seven, seven + DAY)


def test_of_too_many_the_latest_are_told() -> None:
    now = moment("2026-05-05T07:00", "UTC")
    assert Cron("* * * * *", "UTC").passed(now - DAY, now, most=3) == [now - 2 * MINUTE, now - MINUTE, now]


def test_a_line_that_never_comes_is_never_due() -> None:
    cron = Cron("0 0 31 2 *", "UTC")
    assert cron.next(moment("2026-01-01")) is None
    assert cron.passed(0, moment("2026-01-01"), most=10) == []


def test_a_leap_day_is_found_years_ahead() -> None:
    assert Cron("0 0 29 2 *", "UTC").next(moment("2026-01-01")) == moment("2028-02-29", "UTC")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LINES),
    st.sampled_from(ZONES),
    st.sampled_from(["2011-12-29", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]),
    st.integers(0, 60 * HOUR),
    st.integers(0, 24 * HOUR),
)
def test_looking_back_finds_what_looking_ahead_promised(
    line: str, zone: str, day: str, offset: int, length: int
) -> None:
    cron, after = Cron(line, zone), moment(day, "UTC") + offset
    ahead: list[int] = []
    due = cron.next(after)
    while due is not None and due <= after + length:
        ahead.append(due)
        due = cron.next(due)
    assert cron.passed(after, after + length, most=10_000) == ahead
    assert all(one < other for one, other in pairwise(ahead))


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_has_its_time_once(zone: str) -> None:
    year = moment("2026-01-01", zone)
    found = Cron("30 2 * * *", zone).passed(year, year + 365 * DAY, most=1_000)
    assert len(found) == 365
