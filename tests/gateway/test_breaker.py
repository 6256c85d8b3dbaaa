"""A breaker opens after failures, lets one probe at a time through, and closes when a probe is answered."""

import pytest

from remit.gateway.breaker import ENOUGH, WINDOW, Breaker, BreakerState, Pauses


class Watch:
    """A clock that stands still unless it is set forward, and what a breaker told of itself."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[BreakerState] = []

    def breaker(self, failures: int = 3) -> Breaker:
        return Breaker(
            failures=failures, pauses=Pauses(first=1.0, last=4.0), on_change=self.told.append, now=lambda: self.now
        )


def opened(watch: Watch) -> Breaker:
    breaker = watch.breaker()
    for _ in range(3):
        breaker.failed("refused")
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_tells_once() -> None:
    watch = Watch()
    breaker = watch.breaker()
    for _ in range(2):
        breaker.failed("refused")
    breaker.answered()
    for _ in range(2):
        breaker.failed("refused")
    assert breaker.state is BreakerState.CLOSED
    for _ in range(5):
        breaker.failed("refused")
    assert breaker.state is BreakerState.OPEN
    assert not breaker.lets_through()
    assert (breaker.why, watch.told) == ("refused", [BreakerState.OPEN])


def test_it_opens_when_more_than_half_of_the_latest_calls_fail() -> None:
    watch = Watch()
    breaker = watch.breaker(failures=100)
    for number in range(WINDOW):
        breaker.failed("late") if number % 2 else breaker.answered()
    assert breaker.state is BreakerState.CLOSED
    breaker.failed("late")
    breaker.failed("late")
    assert breaker.state is BreakerState.OPEN


def test_a_few_calls_say_nothing_about_a_share() -> None:
    breaker = Watch().breaker(failures=100)
    for _ in range(ENOUGH - 1):
        breaker.failed("late")
    assert breaker.state is BreakerState.CLOSED
    breaker.failed("late")
    assert breaker.state is BreakerState.OPEN


def test_after_the_pause_one_probe_at_a_time_is_let_through() -> None:
    watch = Watch()
    breaker = opened(watch)
    assert breaker.seconds == 1.0
    watch.now += 1.0
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.give_back()
    assert breaker.lets_through()


def test_a_probe_that_is_answered_closes_it() -> None:
    watch = Watch()
    breaker = opened(watch)
    watch.now += 1.0
    assert breaker.lets_through()
    breaker.answered(is_probe=True)
    assert breaker.state is BreakerState.CLOSED
    assert watch.told == [BreakerState.OPEN, BreakerState.CLOSED]
    assert breaker.why == ""
    breaker.failed("refused")
    assert breaker.state is BreakerState.CLOSED


def test_each_probe_that_fails_makes_the_next_one_later_up_to_a_bound() -> None:
    watch = Watch()
    breaker = opened(watch)
    waits: list[float] = []
    for _ in range(5):
        waits.append(breaker.seconds)
        watch.now += breaker.seconds
        assert breaker.lets_through()
        breaker.failed("refused", is_probe=True)
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0]
    assert watch.told == [BreakerState.OPEN]


@pytest.mark.parametrize("answers", [True, False])
def test_calls_of_before_that_end_late_change_nothing_about_an_open_breaker(answers: bool) -> None:
    watch = Watch()
    breaker = opened(watch)
    before = breaker.seconds
    breaker.answered() if answers else breaker.failed("late")
    assert (breaker.state, breaker.seconds, watch.told) == (BreakerState.OPEN, before, [BreakerState.OPEN])
