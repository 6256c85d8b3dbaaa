"""What goes wrong on purpose is drawn from the seed, spread over the work, and enough of it."""

from itertools import islice, takewhile

import pytest

from remit.cli.demo.chaos import KILL, Blow, blows

FAULTS = ("slow", "down", "wrong-answer")


def due(seed: int, tasks: int) -> list[Blow]:
    """Returns what goes wrong before all tasks have ended."""
    return list(takewhile(lambda blow: blow.after < tasks, blows(seed, tasks, FAULTS)))


@pytest.mark.parametrize("tasks", [20, 40, 200, 1_000])
@pytest.mark.parametrize("seed", [1, 7])
def test_the_worker_dies_at_least_twice_and_each_fault_comes(tasks: int, seed: int) -> None:
    came = [blow.fault for blow in due(seed, tasks)]
    assert came.count(KILL) == max(2, tasks // 100)
    assert {*came} == {KILL, *FAULTS}


def test_the_same_seed_draws_the_same_moments_and_another_draws_others() -> None:
    assert due(1, 200) == due(1, 200)
    assert due(1, 200) != due(2, 200)


def test_things_go_wrong_in_the_order_of_the_work() -> None:
    moments = [blow.after for blow in due(3, 1_000)]
    assert moments == sorted(moments)


def test_a_demo_without_end_goes_on_being_hit() -> None:
    came = list(islice(blows(1, None, FAULTS), 60))
    assert came[-1].after > 500
    assert sum(blow.fault == KILL for blow in came) > 5


def test_a_world_that_cannot_be_broken_still_loses_its_worker() -> None:
    assert [blow.fault for blow in islice(blows(1, 100, ()), 3)] == [KILL] * 3
