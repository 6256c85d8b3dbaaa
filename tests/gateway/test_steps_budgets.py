"""Steps 9 and 10: money is reserved before it is spent, and resources are locked while they are touched."""

import asyncio
from pathlib import Path

import pytest
from tests.gateway.desk import (
    Counter,
    Desk,
    Refusing,
    Slow,
    Till,
    another_run,
    contract,
    denied_entry,
    done,
    limits,
    open_desk,
    refused,
    swap,
    tools,
)

from remit.core import DAY, SECOND
from remit.gateway import Check
from remit.testing import SettableClock


def nothing_is_held(desk: Desk) -> bool:
    parts = desk.cell.parts
    return (
        parts.ledger.holds() == 0 and parts.controls.locks() == [] and not any(b.held for b in parts.ledger.budgets())
    )


async def test_a_run_spends_its_budget_and_no_more(tmp_path: Path) -> None:
    async with open_desk(tmp_path, edit=contract(("0.40 EUR", "0.025 EUR"))) as desk:
        for amount in (1, 2):
            done(await desk.refund(amount))
        outcome = await desk.refund(3)
        assert refused(outcome).step is Check.RESERVE
        assert f"run:{desk.run.id}" in denied_entry(desk, outcome)["reason"]
        budget = desk.cell.parts.ledger.budget(f"run:{desk.run.id}")
        assert budget is not None
        assert (budget.spent, budget.held, budget.cap) == (20_000, 0, 25_000)
        assert nothing_is_held(desk)


async def test_an_agents_day_has_a_budget_and_the_next_day_another(tmp_path: Path) -> None:
    clock = SettableClock()
    edit = contract(("0.40 EUR", "0.01 EUR"), ("cost_per_day: 200 EUR", "cost_per_day: 0.015 EUR"))
    async with open_desk(tmp_path, clock=clock, edit=edit) as desk:
        done(await desk.refund(1))
        other = await another_run(desk)
        outcome = await other.refund(2)
        assert refused(outcome).step is Check.RESERVE
        assert "agent:refund-desk:" in denied_entry(other, outcome)["reason"]
        clock.advance(DAY)
        done(await (await another_run(desk)).refund(3))


async def test_a_units_day_has_a_budget(tmp_path: Path) -> None:
    edit = {"remit.toml": swap(("500 EUR", "0.015 EUR"))}
    async with open_desk(tmp_path, edit=edit) as desk:
        done(await desk.refund(1))
        outcome = await desk.refund(2)
        assert refused(outcome).step is Check.RESERVE
        assert "unit:customer-care:" in denied_entry(desk, outcome)["reason"]
        assert nothing_is_held(desk)


async def test_many_at_once_never_pass_the_cap(tmp_path: Path) -> None:
    edit = contract(("0.40 EUR", "0.055 EUR"))
    async with open_desk(tmp_path, edit=edit, order="R-2") as desk:
        outcomes = await asyncio.gather(*(desk.refund(amount, order="R-2") for amount in range(1, 13)))
        assert sum(not hasattr(outcome, "reason") for outcome in outcomes) == 5
        assert len(desk.server.effects) == 5
        assert nothing_is_held(desk)


async def test_a_refusing_tool_releases_what_was_reserved(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Refusing()) as desk:
        outcome = await desk.refund()
        assert outcome.is_error  # type: ignore[union-attr]
        assert nothing_is_held(desk)


async def test_a_busy_resource_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop, change=limits(lock_seconds=0.06)) as desk:
        other = await another_run(desk)
        first = asyncio.create_task(desk.refund(10))
        await shop.begun.wait()
        assert desk.cell.parts.controls.locks() == [("shop:order_id:R-1", f"{desk.run.id}:1")]
        outcome = await other.refund(11)
        assert refused(outcome).step is Check.LOCK
        assert "shop:order_id:R-1" in denied_entry(other, outcome)["reason"]
        shop.go.set()
        done(await first)
        assert shop.amounts == [10]
        assert nothing_is_held(desk)


async def test_a_freed_resource_lets_the_waiting_through(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop, change=limits(lock_seconds=5)) as desk:
        other = await another_run(desk)
        first = asyncio.create_task(desk.refund(10))
        await shop.begun.wait()
        second = asyncio.create_task(other.refund(11))
        await asyncio.sleep(0)
        shop.go.set()
        done(await first)
        done(await second)
        assert shop.amounts == [10, 11]
        assert other.verdicts() == ["permit"]


async def test_another_resource_is_not_waited_for(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop, change=limits(lock_seconds=0)) as desk:
        other = await another_run(desk, "R-2")
        first = asyncio.create_task(desk.refund(10))
        await shop.begun.wait()
        second = asyncio.create_task(other.refund(11, order="R-2"))
        shop.go.set()
        done(await first)
        done(await second)


async def test_the_fencing_number_reaches_the_tool_and_grows(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for amount in (1, 2, 3):
            done(await desk.refund(amount))
        assert [dict(call.fences) for call in desk.server.effects] == [{"shop:order_id:R-1": n} for n in (1, 2, 3)]


async def test_a_busy_lock_that_an_agent_was_told_of_stays_so_when_the_run_is_driven_again(tmp_path: Path) -> None:
    shop = Slow()
    async with open_desk(tmp_path, server=shop, change=limits(lock_seconds=0)) as desk:
        other = await another_run(desk)
        first = asyncio.create_task(desk.refund(10))
        await shop.begun.wait()
        told = refused(await other.refund(11))
        shop.go.set()
        done(await first)
        again = await other.drive_again()
        assert refused(await again.refund(11)) == told


async def test_a_lock_outlives_every_try_of_the_call_it_protects(tmp_path: Path) -> None:
    clock = SettableClock()
    edit = tools(("    locks: [order_id]\n", "    locks: [order_id]\n    seconds: 20\n"))
    async with open_desk(tmp_path, clock=clock, edit=edit, server=Late(clock), change=limits(lock_seconds=0)) as desk:
        desk.server.other = await another_run(desk)
        done(await desk.refund(10))
        assert refused(desk.server.overtook).step is Check.LOCK
        assert len(desk.server.calls) == 3


class Late(Counter):
    """Uses its whole time at every try, and lets another run ask for the same order during the last."""

    def __init__(self, clock: SettableClock) -> None:
        super().__init__(failures=2)
        self.clock = clock
        self.other: Desk | None = None
        self.overtook: object = None

    async def issue_refund(self, call: object, **arguments: object) -> object:  # type: ignore[override]
        self.clock.advance(20 * SECOND - 1)
        if len(self.calls) == 2 and self.other:
            other, self.other = self.other, None
            self.overtook = await other.refund(11)
        return await super().issue_refund(call, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("server", [Till(), Counter()])
async def test_what_was_spent_is_charged_to_its_home(tmp_path: Path, server: object) -> None:
    async with open_desk(tmp_path, server=server) as desk:
        done(await desk.look())
        done(await desk.refund())
        charges = desk.cell.parts.ledger.charges(desk.run.id)
        assert [(c.name, c.amount, c.unit, c.agent) for c in charges] == [
            ("shop__get_order", 200, "customer-care", "refund-desk"),
            ("shop__issue_refund", 10_000, "customer-care", "refund-desk"),
        ]
