"""A tool bounded over all processes: who finds its places taken waits a little, then is parked; nothing was decided."""

import asyncio
from pathlib import Path
from typing import Any

from tests.gateway.desk import (
    CARA,
    NO_RETRY,
    Crash,
    Desk,
    Slow,
    Till,
    another_run,
    contract,
    done,
    limits,
    open_desk,
    tools,
)
from tests.gateway.test_patience import Away

from remit.core import MINUTE
from remit.gateway import Outcome, Waiting
from remit.gateway.upstreams import UpstreamState
from remit.operations import local_actor
from remit.testing import SettableClock

TOOL = "shop__issue_refund"
BOUNDED = ("    idempotent: true\n", "    idempotent: true\n    cell_concurrency: 1\n")
ONE = tools(BOUNDED)
OTHER = "run_of_another_process:1"


async def take_elsewhere(desk: Desk) -> None:
    """Another process takes the only place."""
    await desk.commit(*desk.cell.parts.controls.take_place(TOOL, 1, OTHER, 60))


async def leave_elsewhere(desk: Desk) -> None:
    await desk.commit(*desk.cell.parts.controls.unlock([f"{TOOL}#0"], OTHER))


def is_parked(outcome: Outcome) -> bool:
    """Whether it waits for the tool, and may go on by itself later."""
    told = (outcome.for_what, outcome.approval) if isinstance(outcome, Waiting) else None
    return told == ("upstream", f"tools:{TOOL}")


def state(desk: Desk, name: str) -> UpstreamState:
    (found,) = [each for each in desk.cell.parts.upstreams.states() if each.name == name]
    return found


async def test_who_finds_it_taken_elsewhere_is_parked_and_nothing_is_decided(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE, change=limits(busy_seconds=0.1)) as desk:
        await take_elsewhere(desk)
        assert is_parked(await desk.refund())
        assert (desk.server.amounts, desk.verdicts()) == ([], [])
        parts = desk.cell.parts
        assert (parts.ledger.holds(), parts.controls.locks()) == (0, [(f"{TOOL}#0", OTHER)])
        assert (state(desk, "tools:shop").under_way, state(desk, f"tools:{TOOL}").under_way) == (0, 0)
        await leave_elsewhere(desk)
        done(await desk.refund(step=1))
        assert parts.controls.locks() == []


async def test_a_place_that_comes_free_in_time_is_taken(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE, change=limits(busy_seconds=5)) as desk:
        await take_elsewhere(desk)
        asked = asyncio.create_task(desk.refund())
        await asyncio.sleep(0.2)
        assert not asked.done()
        await leave_elsewhere(desk)
        done(await asked)
        assert desk.verdicts() == ["permit"]


async def test_within_one_process_it_is_a_bound_too(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Slow(), edit=ONE, change=limits(busy_seconds=0)) as desk:
        other = await another_run(desk, "R-2")
        under_way = asyncio.create_task(other.refund(order="R-2"))
        await desk.server.begun.wait()
        assert is_parked(await desk.refund())
        assert desk.verdicts() == []
        desk.server.go.set()
        done(await under_way)
        done(await desk.refund(step=1))
        assert desk.server.amounts == [20, 20]


async def test_other_tools_of_the_server_do_not_wait_for_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE) as desk:
        await take_elsewhere(desk)
        done(await desk.look())


async def test_who_waits_for_a_place_elsewhere_keeps_nobody_from_the_server(tmp_path: Path) -> None:
    edit = tools(BOUNDED, ("server: shop\n", "server: shop\nconcurrency: 1\n"))
    async with open_desk(tmp_path, edit=edit, change=limits(busy_seconds=5)) as desk:
        await take_elsewhere(desk)
        other = await another_run(desk)
        asked = asyncio.create_task(desk.refund())
        await asyncio.sleep(0.1)
        done(await other.look())
        assert not asked.done()
        await leave_elsewhere(desk)
        done(await asked)


async def slow_gate(*_: Any) -> str:
    """Takes its time to say that a refund is right."""
    await asyncio.sleep(0.4)
    return ""


async def test_the_next_of_the_same_process_waits_in_order_until_the_outcome_is_kept(tmp_path: Path) -> None:
    gates = "gates:\n  slow: tests.gateway.test_cell_concurrency:slow_gate\n"
    edit = {
        **tools(BOUNDED, ("gates:\n", gates)),
        **contract(
            ("    gate: {before: refund_matches_order, after: refund_is_in_ledger}\n", "    gate: {after: slow}\n")
        ),
    }
    async with open_desk(tmp_path, edit=edit, change=limits(busy_seconds=2)) as desk:
        other = await another_run(desk, "R-2")
        first = asyncio.create_task(desk.refund())
        while not desk.server.effects:  # noqa: ASYNC110  the shop has no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # its gate has begun
        assert state(desk, f"tools:{TOOL}").under_way == 1
        done(await other.refund(order="R-2"))
        done(await first)


async def test_who_found_no_room_in_the_cell_calls_nobody_who_is_parked(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE, change=limits(busy_seconds=0)) as desk:
        await take_elsewhere(desk)
        called: list[str] = []

        async def on_room(name: str, number: int) -> int:
            called.append(name)
            return number

        desk.cell.parts.upstreams.tell(lambda _: None, on_room)
        assert is_parked(await desk.refund())
        await asyncio.sleep(0.5)
        assert called == []


async def test_what_may_have_happened_and_finds_no_place_for_too_long_is_put_to_a_person(tmp_path: Path) -> None:
    clock, change = SettableClock(), limits(busy_seconds=0, upstream_minutes=1)
    crashing = Till(failures=1, error=Crash())
    async with open_desk(tmp_path, clock=clock, server=crashing, edit=ONE, change=change) as desk:
        await asyncio.gather(desk.refund(), return_exceptions=True)
        clock.advance(10 * MINUTE)  # its lease is over
        await take_elsewhere(desk)
        again = await desk.drive_again()
        assert is_parked(await again.refund())
        reason = f"waits for tools:{TOOL} at step 1"
        await desk.commit(*desk.cell.parts.journal.park(desk.run.id, again.credentials.attempt, reason))
        clock.advance(2 * MINUTE)
        await desk.commit(*desk.cell.parts.controls.take_place(TOOL, 1, OTHER, 60))
        latest = await desk.drive_again()
        asked = await latest.refund()
        assert desk.question(asked).kind == "unknown"
        assert desk.verdicts() == ["permit", "unknown"]


async def test_the_place_is_held_until_the_outcome_is_kept(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Slow(), edit=ONE) as desk:
        asked = asyncio.create_task(desk.refund())
        await desk.server.begun.wait()
        assert (f"{TOOL}#0", f"{desk.run.id}:1") in desk.cell.parts.controls.locks()
        desk.server.go.set()
        done(await asked)
        assert desk.cell.parts.controls.locks() == []


async def test_a_fencing_number_goes_with_locks_only(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE) as desk:
        done(await desk.refund())
        assert [*desk.server.effects[0].fences] == ["shop:order_id:R-1"]


async def test_who_died_has_its_place_still_and_calls_again_with_it(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1, error=Crash()), edit=ONE) as desk:
        await asyncio.gather(desk.refund(), return_exceptions=True)
        assert desk.cell.parts.controls.held_by(f"{desk.run.id}:1") == ["shop:order_id:R-1", f"{TOOL}#0"]
        again = await desk.drive_again()
        done(await again.refund())
        assert desk.verdicts() == ["permit", "resume"]
        assert desk.cell.parts.controls.locks() == []


async def test_a_call_whose_outcome_nobody_knows_keeps_its_lock_and_leaves_its_place_to_others(
    tmp_path: Path,
) -> None:
    edit = tools(NO_RETRY, ("    rate:", "    cell_concurrency: 1\n    rate:"))
    async with open_desk(tmp_path, server=Till(failures=1), edit=edit) as desk:
        asked = await desk.refund()
        assert desk.question(asked).kind == "unknown"
        assert desk.cell.parts.controls.locks() == [("shop:order_id:R-1", f"{desk.run.id}:1")]
        await desk.answer(asked, CARA)
        await desk.refund(step=1)
        assert desk.cell.parts.controls.locks() == []


async def test_what_was_permitted_and_could_not_be_sent_gives_its_place_back(tmp_path: Path) -> None:
    change = limits(outage_seconds=0.3, upstream_failures=2)
    edit = tools(NO_RETRY, ("    rate:", "    cell_concurrency: 1\n    rate:"))
    async with open_desk(tmp_path, server=Away(refunds=2), edit=edit, change=change) as desk:
        assert isinstance(await desk.refund(), Waiting)
        assert desk.verdicts() == ["permit", "withdraw"]
        assert desk.cell.parts.controls.locks() == []


async def test_people_see_which_tool_is_waited_for_and_how_much_it_may_do_at_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE, change=limits(busy_seconds=0)) as desk:
        await take_elsewhere(desk)
        assert is_parked(await desk.refund())
        journal = desk.cell.parts.journal
        until = desk.cell.parts.clock.now() + MINUTE
        await desk.commit(
            *journal.park(desk.run.id, desk.credentials.attempt, "busy", waits_for=f"tools:{TOOL}", until=until)
        )
        views = desk.cell.views(local_actor("tests"))
        (shown,) = [each for each in views.upstreams.troubled() if each.name == f"tools:{TOOL}"]
        assert (shown.kind, shown.places, shown.parked, shown.state) == ("tool", 1, 1, "closed")


async def test_an_agent_is_told_how_much_at_once_in_the_record_of_why(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=ONE) as desk:
        done(await desk.refund())
        (decision,) = desk.entries("decision")
        assert "at most 1 at once" in decision.fields["constraints"]
