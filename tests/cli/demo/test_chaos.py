"""What goes wrong on purpose is drawn from the seed, spread over the work, and enough of it."""

from collections.abc import Iterator
from itertools import islice, takewhile

import pytest

from remit.cli.demo.chaos import KILL, Blow, breakdowns, kills

FAULTS = ("slow", "down", "wrong-answer")


def within(due: Iterator[Blow], tasks: int) -> list[Blow]:
    """Returns what goes wrong while there is still something to do."""
    return list(takewhile(lambda blow: blow.after < 0.97 * tasks, due))


@pytest.mark.parametrize("tasks", [20, 40, 200, 1_000])
@pytest.mark.parametrize("seed", [1, 7])
def test_the_worker_dies_at_least_twice_and_each_fault_comes(tasks: int, seed: int) -> None:
    died = within(kills(seed, tasks), tasks)
    assert len(died) == max(2, tasks // 100)
    assert {blow.fault for blow in died} == {KILL}
    assert {blow.fault for blow in within(breakdowns(seed, tasks, FAULTS), tasks)} == {*FAULTS}


def test_the_same_seed_draws_the_same_moments_and_another_draws_others() -> None:
    assert within(kills(1, 200), 200) == within(kills(1, 200), 200)
    assert within(kills(1, 200), 200) != within(kills(2, 200), 200)


def test_things_go_wrong_in_the_order_of_the_work() -> None:
    moments = [blow.after for blow in within(breakdowns(3, 1_000, FAULTS), 1_000)]
    assert moments == sorted(moments)


def test_a_demo_without_end_goes_on_being_hit() -> None:
    assert [blow.after > 1_500 for blow in islice(kills(1, None), 20)][-1]


def test_a_world_that_cannot_be_broken_is_left_alone() -> None:
    assert list(breakdowns(1, 100, ())) == []
