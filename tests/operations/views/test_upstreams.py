"""What is out of reach is told to whoever looks: for which process, since when, and what waits for it."""

from dataclasses import replace
from pathlib import Path

from tests.gateway.desk import CARA
from tests.web.pages.visit import VERA, open_house

from remit.app import Cell
from remit.core import MINUTE
from remit.operations import Views, local_actor
from remit.operations.views.model import NOT_SHOWN
from remit.runtime.outages import Outages
from remit.store import Commit, Query, Statement

WHY = "refused by 10.0.0.7"
BEGIN = """insert into executors (id, host, pid, started_at, seen_at) values (:id, :id, 7, :at, :at)"""
PARK = "update runs set state = 'waiting', waits_for = 'tools:shop', ready_at = :at where id = :id"


async def put(cell: Cell, sql: str, **values: str | int) -> None:
    """Changes what the database knows, as another process would."""
    await cell.parts.writer.commit(Commit([Statement(Query("test.put", sql), values, want=None)]))


async def fail(cell: Cell, executor: str) -> None:
    """Has a process find out that the shop is out of reach."""
    await put(cell, BEGIN, id=executor, at=cell.parts.clock.now())
    outages = Outages(cell.parts, lambda: executor)
    cell.parts.upstreams.tell(outages.note)
    shop = cell.parts.upstreams.get("tools:shop", places=1)
    while not shop.is_shut:
        with await shop.enter() as place:
            place.failed(WHY)
    await outages.settle()


async def test_what_is_out_of_reach_is_told_with_who_says_so_and_what_waits(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        cell = house.cell
        async with house.visitor(CARA) as cara:
            assert "None is out of reach, and no run waits" in (await cara.get("/")).text
        views = seen(cell)
        assert {each.state for each in views.upstreams.listing()} == {"closed"}
        assert views.upstreams.troubled() == []

        ticket = {"order_id": "R-1", "message": "please"}
        run = (await cell.operations.submit("refund-desk", ticket, on_behalf_of="ann@shop.example")).run
        await put(cell, PARK, id=run.id, at=cell.parts.clock.now() + MINUTE)
        await fail(cell, "worker-1")
        shop, *others = views.upstreams.listing()
        assert (shop.name, shop.state, shop.parked) == ("tools:shop", "open", 1)
        assert {each.state for each in others} == {"closed"}
        (out,) = shop.out_of_reach_for
        assert (out.executor, out.pid, out.why, out.since) == ("worker-1", 7, WHY, shop.since)
        assert shop.next > shop.since
        assert shop.here is not None
        assert (shop.here.state, shop.here.why, shop.here.waiting) == ("open", WHY, 0)

        async with house.visitor(CARA) as cara:
            page = (await cara.get("/")).text
            assert "worker-1 pid 7 refused by 10.0.0.7" in page
        async with house.visitor(VERA) as vera:
            page = (await vera.get("/")).text
            assert "worker-1 pid 7" in page
            assert WHY not in page, "a server's words may be about somebody"
            assert NOT_SHOWN in page

        ours = cell.views(replace(local_actor("tests"), units=frozenset({"another"}))).upstreams.listing()[0]
        assert ours.here is not None
        assert {ours.here.why, *(out.why for out in ours.out_of_reach_for)} == {NOT_SHOWN}, "it may be another unit's"

        await put(cell, "update executors set seen_at = 0 where id = :id", id="worker-1")
        cell.parts.upstreams.get("tools:shop", places=1)._breaker._opened = 0  # pyright: ignore[reportPrivateUsage]
        assert [(each.name, each.state, each.parked) for each in views.upstreams.troubled()] == [
            ("tools:shop", "closed", 1)
        ]
        async with house.visitor(CARA) as cara:
            assert "waited for" in (await cara.get("/")).text


def seen(cell: Cell) -> Views:
    """Returns what whoever sits at the machine sees."""
    return cell.views(local_actor("tests"))
