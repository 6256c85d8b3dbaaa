"""Whoever waits for a lock gets it in the order of coming; nobody goes before, and nobody waits for what others need not."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import Slow, another_run, done, limits, open_desk, refused

from remit.gateway import Check, ToolCall
from remit.gateway.turns import PAUSE, STREAK_SECONDS, Turn, Turns

RUNS = 8
# Far more than anything here takes; no test waits for it to pass.
LONG = 30.0


class Slower(Slow):
    """Takes its time with the first refund, until it is let go, and then a moment with each."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        told = await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
        await asyncio.sleep(PAUSE / 5)
        return told


async def test_who_waits_for_a_lock_gets_it_in_the_order_of_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[Turn] = []
    monkeypatch.setattr(Turns, "wait", coming(came))
    async with open_desk(tmp_path, server=Slower(), change=limits(lock_seconds=LONG)) as desk:
        runs = [desk, *[await another_run(desk) for _ in range(RUNS)]]
        asked = [asyncio.create_task(desk.refund(1))]
        await desk.server.begun.wait()
        for number, run in enumerate(runs[1:], start=1):
            asked.append(asyncio.create_task(run.refund(1)))
            async with asyncio.timeout(LONG):
                while len(came) < number:  # noqa: ASYNC110  until then it is judged, for as long as that takes
                    await asyncio.sleep(PAUSE / 10)
        desk.server.go.set()
        for each in asked:
            done(await each)
        assert [call.run for call in desk.server.effects] == [run.run.id for run in runs]


def coming(came: list[Turn]) -> Callable[[Turns, Turn], None]:
    """Returns how a turn waits, and keeps in `came` who has begun to."""
    wait = Turns.wait

    def kept(turns: Turns, turn: Turn) -> None:
        if turn not in came:
            came.append(turn)
        wait(turns, turn)

    return kept


async def test_who_waits_too_long_is_told_that_it_is_locked(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Slower(), change=limits(lock_seconds=2 * PAUSE)) as desk:
        others = [await another_run(desk) for _ in range(2)]
        first = asyncio.create_task(desk.refund(1))
        await desk.server.begun.wait()
        for outcome in await asyncio.gather(*(other.refund(1) for other in others)):
            denied = refused(outcome)
            assert (denied.step, "is locked" in denied.reason) == (Check.LOCK, True)
        desk.server.go.set()
        done(await first)


async def test_whoever_comes_goes_behind_those_who_wait_for_one_of_the_same_locks() -> None:
    turns = Turns()
    with turns.turn(["a", "b"]) as first, turns.turn(["b"]) as second, turns.turn(["c"]) as other:
        assert (first.is_first, second.is_first) == (True, True)  # nobody waits yet
        waiting = asyncio.create_task(first.wait(LONG))
        await asyncio.sleep(0)
        assert (first.is_first, second.is_first, other.is_first) == (True, False, True)
        assert not turns.turn(["a"]).is_first
        behind = asyncio.create_task(second.wait(LONG))
        turns.freed(["b"])
        await waiting
        assert not behind.done()
        turns.leave(first)
        assert await behind > LONG - 1
        assert second.is_first


async def test_a_process_hands_a_lock_on_directly_only_for_a_while() -> None:
    now = [0.0]
    turns = Turns(lambda: now[0])

    async def is_handed_on() -> bool:
        with turns.turn(["a"]) as turn:
            waiting = asyncio.create_task(turn.wait(LONG))
            await asyncio.sleep(0)
            turns.freed(["a"])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            is_woken = waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            return is_woken

    with turns.turn(["z"]) as somebody:
        others = asyncio.create_task(somebody.wait(LONG))
        found: list[bool] = []
        for _ in range(5):
            found.append(await is_handed_on())
            now[0] += STREAK_SECONDS * 0.4
        assert found == [True, True, True, False, True]
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
