"""Periods are whole days until now, and are held against as much time before; times fall into narrow buckets."""

from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core import DAY, HOUR, InputError
from remit.kpis import PERIODS, Period
from remit.kpis.model import scope_of
from remit.kpis.tally import PER_DOUBLING, Distribution, bucket_of

NOON = 20_000 * DAY + 12 * HOUR
TIMES = st.integers(0, 400 * DAY)


@pytest.mark.parametrize(("name", "days"), [("today", 1), ("7d", 7), ("30d", 30), ("90d", 90)])
def test_a_period_ends_now_and_begins_at_midnight(name: str, days: int) -> None:
    period = Period.of(name, NOON)
    assert (period.since, period.until) == ((20_000 - days + 1) * DAY, None)
    before = period.before(NOON)
    assert before is not None
    assert (before.since, before.until) == (period.since - days * DAY, NOON - days * DAY)


def test_everything_has_nothing_before_it() -> None:
    assert Period.of("all", NOON) == Period("all", 0)
    assert Period.of("all", NOON).before(NOON) is None


def test_a_period_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match=", ".join(PERIODS)):
        Period.of("year", NOON)


def test_a_scope_is_named_as_switches_name_theirs() -> None:
    assert [scope_of("", ""), scope_of("desk", ""), scope_of("", "care")] == ["fleet", "agent:desk", "unit:care"]


@given(TIMES, TIMES)
def test_longer_times_never_fall_into_lower_buckets(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other
    if bucket_of(one) == bucket_of(other):
        assert abs(one - other) <= Fraction(min(one, other), PER_DOUBLING)


@given(st.lists(TIMES, min_size=1), st.lists(TIMES))
def test_what_is_taken_back_leaves_no_trace(times: list[int], more: list[int]) -> None:
    told, plain = Distribution(), Distribution()
    for time in [*times, *more]:
        told.add(bucket_of(time), 1, time)
    for time in more:
        told.add(bucket_of(time), -1, -time)
    for time in times:
        plain.add(bucket_of(time), 1, time)
    assert (told.median(), told.percentile(90)) == (plain.median(), plain.percentile(90))
    middle = told.median()
    assert middle is not None
    assert abs(middle - median(times)) <= median(times) / PER_DOUBLING + 1


def test_few_times_are_told_exactly() -> None:
    told = Distribution()
    assert (told.median(), told.percentile(90)) == (None, None)
    for time in (7, 1_000_000, 3_000_000, 9_000_001):
        told.add(bucket_of(time), 1, time)
    assert (told.median(), told.percentile(90), told.percentile(50)) == (2_000_000, 9_000_001, 1_000_000)
