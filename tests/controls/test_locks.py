"""Locks are taken all or none, are fenced, and end with their time."""

import asyncio
import random

from controls.panel import Panel
from remit.core import SECOND
from remit.store import Commit, Committed


def fences(panel: Panel, holder: str, *resources: str) -> dict[str, int]:
    """Takes locks and returns their fencing numbers."""
    result = panel.store.writer.commit_now(Commit(panel.controls.lock(resources, holder, 5)))
    assert isinstance(result, Committed)
    return {row["resource"]: row["fence"] for rows in result.rows for row in rows}


def test_a_lock_is_held_by_one(panel: Panel) -> None:
    assert panel.take("run_1:1", "order:W1") == ""
    assert panel.take("run_2:1", "order:W1") == "order:W1 is locked"
    assert panel.take("run_2:1", "order:W2") == ""
    assert panel.controls.locks() == [("order:W1", "run_1:1"), ("order:W2", "run_2:1")]


def test_all_are_taken_or_none(panel: Panel) -> None:
    panel.take("run_1:1", "b")
    assert panel.take("run_2:1", "a", "b", "c") == "b is locked"
    assert panel.controls.held_by("run_2:1") == []
    assert panel.take("run_3:1", "a", "c") == ""
    assert panel.controls.held_by("run_3:1") == ["a", "c"]


def test_a_lock_that_was_freed_is_there_for_the_next(panel: Panel) -> None:
    panel.take("run_1:1", "a", "b")
    panel.store.commit(*panel.controls.unlock(["a", "b"], "run_1:1"))
    assert panel.controls.locks() == []
    assert panel.take("run_2:1", "b", "a") == ""


def test_only_the_holder_frees_a_lock(panel: Panel) -> None:
    panel.take("run_1:1", "a")
    panel.store.commit(*panel.controls.unlock(["a"], "run_2:1"))
    assert panel.controls.held_by("run_1:1") == ["a"]


def test_fencing_numbers_grow_with_every_holder(panel: Panel) -> None:
    seen = [fences(panel, "run_1:1", "a", "b")]
    for number in range(2, 6):
        panel.store.commit(*panel.controls.unlock(["a", "b"], f"run_{number - 1}:1"))
        seen.append(fences(panel, f"run_{number}:1", "b", "a"))
    assert [each["a"] for each in seen] == [each["b"] for each in seen] == [1, 2, 3, 4, 5]


def test_the_holder_may_take_it_again_under_a_new_number(panel: Panel) -> None:
    assert fences(panel, "run_1:1", "a") == {"a": 1}
    assert fences(panel, "run_1:1", "a", "a") == {"a": 2}


def test_a_holder_whose_time_is_over_loses_the_lock(panel: Panel) -> None:
    panel.take("run_1:1", "a", seconds=5)
    panel.clock.advance(5 * SECOND - 1)
    assert panel.take("run_2:1", "a") == "a is locked"
    panel.clock.advance(1)
    assert fences(panel, "run_2:1", "a") == {"a": 2}
    panel.store.commit(*panel.controls.unlock(["a"], "run_1:1"))
    assert panel.controls.locks() == [("a", "run_2:1")]


def test_nothing_to_lock_is_nothing_to_commit(panel: Panel) -> None:
    assert panel.controls.lock([], "run_1:1", 5) == []
    assert panel.controls.unlock([], "run_1:1") == []


async def test_callers_with_overlapping_sets_never_wait_for_each_other(panel: Panel) -> None:
    rng, inside, worked = random.Random(7), set[str](), 0

    async def work(holder: str, resources: list[str]) -> None:
        nonlocal worked
        for _ in range(20):
            rng.shuffle(resources)
            lock = Commit(panel.controls.lock(resources, holder, 60))
            while not isinstance(await panel.store.writer.commit(lock), Committed):
                pass
            assert inside.isdisjoint(resources)
            inside.update(resources)
            await asyncio.sleep(0)
            inside.difference_update(resources)
            worked += 1
            await panel.store.writer.commit(Commit(panel.controls.unlock(resources, holder)))

    sets = [["a", "b"], ["b", "a"], ["b", "c"], ["c", "a"], ["a", "b", "c"]]
    async with asyncio.timeout(20):
        await asyncio.gather(*[work(f"run_{number}:1", some) for number, some in enumerate(sets)])
    assert worked == 100
    assert panel.controls.locks() == []
