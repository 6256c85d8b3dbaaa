"""Who cancels a run ends those it handed work to as well: all of them or none, and only what they may end."""

from pathlib import Path
from typing import Any

import pytest
from tests.operations.people import done_by
from tests.runtime.relay import CARA, contract, open_relay, take

from remit.app import Cell
from remit.core import ConflictError, RefusedError
from remit.journal import Run, RunState
from remit.runtime import RunHandle

DEPOT = contract("taker", takes_from="giver").replace("unit: care", "unit: depot")
PAIR = {"giver": contract("giver", hands_to="taker"), "taker": DEPOT}


async def hand(run: RunHandle) -> Any:
    return await run.handoff("taker", intent="settle it", context={"order": "R-1"})


async def ask(run: RunHandle) -> Any:
    return dict(await run.ask_person({"resolved": True}, because="it is unusual", role="lead"))


def states(cell: Cell, run: Run) -> dict[str, RunState]:
    return {each.agent: each.state for each in cell.parts.journal.runs_of(run.task)}


def told_of(cell: Cell, kind: str) -> list[Any]:
    return [entry.fields for entry in cell.log.since(0, (kind,), limit=100)]


async def test_nobody_ends_the_run_of_another_unit_in_passing(tmp_path: Path) -> None:
    async with open_relay(tmp_path, PAIR, giver=hand, taker=ask) as (cell, _):
        run = await take(cell)
        taker = cell.parts.journal.children(run.id)[0]
        care, both = done_by(cell, "operator", units=("care",)), done_by(cell, "operator", units=("care", "depot"))
        with pytest.raises(RefusedError) as refused:
            await care.cancel(run.id, because="wrong order")
        assert refused.value.why == f"{taker.id} of taker is of unit depot"
        assert f"remit stop run:{run.id}" in refused.value.hint
        assert set(states(cell, run).values()) == {RunState.WAITING}, "all or nothing"
        assert [entry["permission"] for entry in told_of(cell, "access.refused")] == ["fleet:runs:cancel"]
        await done_by(cell, "operator", units=("depot",)).cancel(taker.id, because="as they asked")
        assert states(cell, run) == {"giver": RunState.WAITING, "taker": RunState.CANCELLED}
        assert (await care.cancel(run.id, because="wrong order")).state is RunState.CANCELLED
        other = await take(cell)
        assert (await both.cancel(other.id, because="wrong order")).state is RunState.CANCELLED
        assert set(states(cell, other).values()) == {RunState.CANCELLED}


async def test_who_is_handed_work_while_a_run_is_being_cancelled_is_asked_about_as_well(tmp_path: Path) -> None:
    """Else the taker would stay at work for a run that is over, or be ended by whoever may not."""
    looked: list[list[str]] = []

    async with open_relay(tmp_path, PAIR, giver=hand, taker=ask) as (cell, _):
        started = await cell.operations.submit("giver", {"order": "R-1"}, on_behalf_of=CARA)

        async def may_end(ending: Any) -> None:
            looked.append([run.agent for run in ending])
            if len(looked) == 1:
                await cell.operations.drive(started.run.id)

        run = await cell.operations.cancel(started.run.id, because="wrong order", by=CARA, may_end=may_end)
        assert looked == [["giver"], ["taker", "giver"]]
        assert run.state is RunState.CANCELLED
        assert set(states(cell, run).values()) == {RunState.CANCELLED}
        assert [fields["run"] for fields in told_of(cell, "run.cancelled")] == [
            run.id,
            cell.parts.journal.children(run.id)[0].id,
        ]


async def test_a_taker_that_ends_while_its_giver_is_being_cancelled_is_told_of_once(tmp_path: Path) -> None:
    async with open_relay(tmp_path, PAIR, giver=hand, taker=ask) as (cell, _):
        run = await take(cell)

        async def may_end(ending: Any) -> None:
            if len(ending) == 2:
                await cell.operations.cancel(ending[0].id, because="ours", by=CARA)

        await cell.operations.cancel(run.id, because="wrong order", by=CARA, may_end=may_end)
        assert set(states(cell, run).values()) == {RunState.CANCELLED}
        assert [fields["because"] for fields in told_of(cell, "run.cancelled")] == ["ours", "wrong order"]


async def test_a_run_that_is_over_is_not_cancelled_and_says_so(tmp_path: Path) -> None:
    async def finish(run: RunHandle) -> Any:
        return {"resolved": True}

    async with open_relay(tmp_path, PAIR, giver=finish) as (cell, _):
        run = await take(cell)
        with pytest.raises(ConflictError, match="over already"):
            await done_by(cell, "operator").cancel(run.id, because="late")
