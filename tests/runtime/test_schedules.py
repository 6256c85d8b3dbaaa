"""Each due time starts one task; what passed while nothing ran, or while a switch was pulled, follows the rule."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from tests.gateway.desk import CARA
from tests.runtime.office import OWNER, logged, open_office

from remit.app import Cell
from remit.core import DAY, HOUR, MINUTE, SECOND, Limits, Settings
from remit.runtime.schedules import MOST_AT_ONCE, Missed, split_due
from remit.testing import SettableClock

NOON = int(datetime.fromisoformat("2026-05-05T12:00+00:00").timestamp()) * SECOND
SEVEN = NOON + 19 * HOUR
INPUT = "{order_id: R-1, message: overdue}"


def daily(missed: Missed = "skip", *, hour: int = 7, more: str = "") -> str:
    """Returns the triggers of an agent that works once a day, UTC."""
    return f'triggers:\n  - {{on: schedule, cron: "0 {hour} * * *", missed: {missed}, input: {INPUT}}}{more}'


def times(cell: Cell) -> list[str]:
    """Returns the due times that were fired, as the log has them."""
    return [entry["due"][:16] for entry in logged(cell, "schedule.fired")]


async def test_a_schedule_begins_when_it_is_first_seen_and_fires_each_time_once(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    async with open_office(tmp_path, daily("run-all"), clock=clock) as cell:
        assert await cell.triggers.fire_due() == []
        assert await cell.triggers.fire_due(SEVEN - 1) == []
        (started,) = await cell.triggers.fire_due(SEVEN + 10 * SECOND)
        assert await cell.triggers.fire_due(SEVEN + 20 * SECOND) == []
        assert len(await cell.triggers.fire_due(SEVEN + DAY)) == 1
        assert times(cell) == ["2026-05-06T07:00", "2026-05-07T07:00"]
        assert (started.task.on_behalf_of, started.task.dedup) == (
            OWNER,
            "schedule:0 7 * * *:UTC:2026-05-06T07:00:00.000Z",
        )
        assert cell.parts.journal.content(started.task.input) == {"order_id": "R-1", "message": "overdue"}
        (first, _) = logged(cell, "schedule.fired")
        assert (first["task"], first["run"], first["agent"]) == (started.task.id, started.run.id, "refund-desk")


async def test_however_many_processes_look_one_due_time_starts_one_task(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    async with (
        open_office(tmp_path, daily("run-all"), clock=clock) as cell,
        open_office(tmp_path, daily("run-all"), clock=clock) as other,
    ):
        await cell.triggers.fire_due()
        looks = [each.triggers.fire_due(SEVEN + 2 * DAY) for each in (cell, other) * 4]
        started = [one for found in await asyncio.gather(*looks) for one in found]
        assert sum(one.is_new for one in started) == 3
        assert len(cell.parts.journal.runs()) == 3
        assert times(cell) == ["2026-05-06T07:00", "2026-05-07T07:00", "2026-05-08T07:00"]


@pytest.mark.parametrize(
    ("rule", "looked", "fired", "missed"),
    [
        ("skip", SEVEN + 2 * DAY + HOUR, [], 3),
        ("skip", SEVEN + 2 * DAY + MINUTE - 1, ["2026-05-08T07:00"], 2),
        ("skip", SEVEN + 2 * DAY + MINUTE, [], 3),
        ("run-once", SEVEN + 2 * DAY + HOUR, ["2026-05-08T07:00"], 2),
        ("run-all", SEVEN + 2 * DAY + HOUR, ["2026-05-06T07:00", "2026-05-07T07:00", "2026-05-08T07:00"], 0),
    ],
)
async def test_times_that_passed_while_nothing_ran_follow_the_rule(
    tmp_path: Path, rule: Missed, looked: int, fired: list[str], missed: int
) -> None:
    async with open_office(tmp_path, daily(rule), clock=SettableClock(NOON)) as cell:
        await cell.triggers.fire_due()
        assert len(await cell.triggers.fire_due(looked)) == len(fired)
        assert times(cell) == fired
        told = logged(cell, "schedule.missed")
        assert [(entry["count"], entry["first"][:16], entry["rule"]) for entry in told] == (
            [(missed, "2026-05-06T07:00", rule)] if missed else []
        )
        assert await cell.triggers.fire_due(looked + SECOND) == []
        assert len(logged(cell, "schedule.missed")) == len(told)


def test_what_is_made_up_for_at_once_is_bounded() -> None:
    passed = [n * MINUTE for n in range(1_500)]
    missed, fired = split_due("run-all", passed, passed[-1] + DAY)
    assert (len(missed), len(fired)) == (1_500 - MOST_AT_ONCE, MOST_AT_ONCE)
    assert [*missed, *fired] == passed


@pytest.mark.parametrize("rule", ["skip", "run-once", "run-all"])
def test_what_is_due_now_is_fired_by_every_rule(rule: Missed) -> None:
    assert split_due(rule, [NOON], NOON) == ([], [NOON])
    assert split_due(rule, [], NOON) == ([], [])


async def test_a_process_that_broke_off_after_the_start_starts_no_second_task(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    async with open_office(tmp_path, daily(), clock=clock) as cell:
        await cell.triggers.fire_due()
        key, value = "schedule:0 7 * * *:UTC:2026-05-06T07:00:00.000Z", {"order_id": "R-9", "message": "other input"}
        before = await cell.runtime.start("refund-desk", value, on_behalf_of=OWNER, dedup=key, by="schedule")
        (started,) = await cell.triggers.fire_due(SEVEN)
        assert (started.run.id, started.is_new) == (before.run.id, False)
        assert len(cell.parts.journal.runs()) == 1
        assert times(cell) == ["2026-05-06T07:00"]


async def looks(cell: Cell, *moments: int) -> Sequence[int]:
    """Looks at several moments and returns how many tasks each look started."""
    return [len(await cell.triggers.fire_due(moment)) for moment in moments]


@pytest.mark.parametrize(
    ("rule", "after", "refusals"),
    [("skip", [], 2), ("run-once", ["2026-05-07T07:00"], 2), ("run-all", ["2026-05-06T07:00", "2026-05-07T07:00"], 1)],
)
async def test_while_a_switch_is_pulled_times_count_as_missed(
    tmp_path: Path, rule: Missed, after: list[str], refusals: int
) -> None:
    async with open_office(tmp_path, daily(rule), clock=SettableClock(NOON)) as cell:
        await cell.triggers.fire_due()
        await cell.operations.stop("agent:refund-desk", because="stocktaking", by=CARA)
        assert await looks(cell, SEVEN, SEVEN + SECOND, SEVEN + DAY, SEVEN + DAY + SECOND) == [0, 0, 0, 0]
        told = logged(cell, "schedule.refused")
        assert len(told) == refusals, "a refusal is told once, not at every look"
        assert "stocktaking" in told[0]["why"]
        await cell.operations.resume("agent:refund-desk", because="counted", by=CARA)
        await cell.triggers.fire_due(SEVEN + DAY + 2 * HOUR)
        assert times(cell) == after


async def test_a_time_to_be_skipped_is_not_made_up_for_when_the_switch_is_reset(tmp_path: Path) -> None:
    async with open_office(tmp_path, daily("skip"), clock=SettableClock(NOON)) as cell:
        await cell.triggers.fire_due()
        await cell.operations.stop("agent:refund-desk", because="stocktaking", by=CARA)
        assert await looks(cell, SEVEN) == [0]
        await cell.operations.resume("agent:refund-desk", because="counted", by=CARA)
        assert await looks(cell, SEVEN + 10 * SECOND, SEVEN + DAY) == [0, 1]


async def test_a_start_that_can_never_go_well_is_told_and_not_repeated(tmp_path: Path) -> None:
    def narrow(settings: Settings) -> Settings:
        return settings.model_copy(update={"limits": Limits(result_bytes=5)})

    async with open_office(tmp_path, daily("run-all"), clock=SettableClock(NOON), change=narrow) as cell:
        await cell.triggers.fire_due()
        assert await looks(cell, SEVEN, SEVEN + SECOND, SEVEN + DAY) == [0, 0, 0]
        assert [entry["due"][:16] for entry in logged(cell, "schedule.refused")] == [
            "2026-05-06T07:00",
            "2026-05-07T07:00",
        ]


async def test_one_schedule_that_is_refused_stops_no_other(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    more = 'triggers:\n  - {on: schedule, cron: "0 7 * * *", input: {order_id: R-1, message: x, amount: 100}}'
    async with open_office(tmp_path, daily(), clock=clock, colleague=more) as cell:
        await cell.triggers.fire_due()
        await cell.operations.stop("agent:refund-desk", because="stocktaking", by=CARA)
        assert [one.task.agent for one in await cell.triggers.fire_due(SEVEN)] == ["second-desk"]


async def test_another_cron_line_is_another_schedule_that_begins_anew(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    async with open_office(tmp_path, daily("run-all"), clock=clock) as cell:
        await cell.triggers.fire_due()
    clock.set(SEVEN + 3 * DAY + HOUR)
    async with open_office(tmp_path, daily("run-all", hour=9), version="1.1.0", clock=clock) as cell:
        assert await cell.triggers.fire_due() == []
        (state,) = cell.triggers.schedules(clock.now())
        assert (state.last_due, state.next_due) == (None, SEVEN + 3 * DAY + 2 * HOUR)
        assert len(await cell.triggers.fire_due(SEVEN + 3 * DAY + 2 * HOUR)) == 1
    clock.set(SEVEN + 9 * DAY)
    async with open_office(tmp_path, daily("run-all"), version="1.2.0", clock=clock) as cell:
        assert await cell.triggers.fire_due() == [], "one that comes back begins anew too"


async def test_another_input_is_the_same_schedule(tmp_path: Path) -> None:
    clock = SettableClock(NOON)
    async with open_office(tmp_path, daily("run-once"), clock=clock) as cell:
        await cell.triggers.fire_due()
    changed = daily("run-once").replace("overdue", "new")
    clock.set(SEVEN + HOUR)
    async with open_office(tmp_path, changed, version="1.1.0", clock=clock) as cell:
        (started,) = await cell.triggers.fire_due()
        assert cell.parts.journal.content(started.task.input) == {"order_id": "R-1", "message": "new"}


async def test_two_schedules_at_the_same_times_start_two_tasks(tmp_path: Path) -> None:
    second = '\n  - {on: schedule, cron: "0 7 * * *", input: {order_id: R-2, message: new}}'
    async with open_office(tmp_path, daily(more=second), clock=SettableClock(NOON)) as cell:
        await cell.triggers.fire_due()
        started = await cell.triggers.fire_due(SEVEN)
        assert [cell.parts.journal.subjects(one.task.id)["order"] for one in started] == ["R-1", "R-2"]


async def test_schedules_are_listed_with_their_times(tmp_path: Path) -> None:
    async with open_office(tmp_path, daily("run-once"), clock=SettableClock(NOON)) as cell:
        (state,) = cell.triggers.schedules(NOON)
        assert (state.schedule.agent, state.last_due, state.next_due) == ("refund-desk", None, SEVEN)
        await cell.triggers.fire_due()
        await cell.triggers.fire_due(SEVEN)
        (state,) = cell.triggers.schedules(SEVEN)
        assert (state.last_due, state.next_due) == (SEVEN, SEVEN + DAY)


async def test_a_night_in_which_the_clock_changes_fires_once(
    tmp_path: Path, another_database: Callable[[], None]
) -> None:
    for start, at in (("2026-03-28T12:00+01:00", "2026-03-29T01:00"), ("2026-10-24T12:00+02:00", "2026-10-25T00:30")):
        clock = SettableClock(int(datetime.fromisoformat(start).timestamp()) * SECOND)
        text = daily().replace('"0 7 * * *"', '"30 2 * * *", timezone: Europe/Berlin')
        another_database()
        async with open_office(tmp_path / start[:10], text, clock=clock) as cell:
            await cell.triggers.fire_due()
            started = sum(await looks(cell, *(clock.now() + n * 5 * MINUTE for n in range(12 * 24))))
            assert (started, times(cell)) == (1, [at])
