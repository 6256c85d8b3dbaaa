"""That an upstream is out of reach is logged once, and that it is back once; what is kept of it is gone then."""

import asyncio
from pathlib import Path

from tests.gateway.desk import REFUNDS, limits

from remit.app import Cell
from remit.runtime.outages import LONGEST_WHY, Outages
from remit.store import Query
from remit.testing import open_fleet

ALL = Query("all_outages", "select executor, upstream, why from outages order by upstream")


async def failing(cell: Cell, times: int, why: str = "refused") -> None:
    """Fails to reach the shop so often."""
    shop = cell.parts.upstreams.get("tools:shop", places=1)
    for _ in range(times):
        if shop.is_shut:
            return
        with await shop.enter() as place:
            place.failed(why)


async def test_opening_and_closing_are_logged_once_each(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=limits(upstream_failures=2)) as cell:
        outages = Outages(cell.parts, lambda: cell.runtime.executor)
        cell.parts.upstreams.tell(outages.note)
        await failing(cell, 5, "no\nroute " + "x" * 400)
        await outages.settle()
        (row,) = cell.database.read(ALL)
        assert (row["executor"], row["upstream"]) == (cell.runtime.executor, "tools:shop")
        assert row["why"].startswith("no")
        assert len(row["why"]) == LONGEST_WHY
        entries = [entry for entry in cell.log.entries("cell") if entry.kind.startswith("upstream.")]
        assert [entry.kind for entry in entries] == ["upstream.opened"]
        assert entries[0].fields == {"upstream": "tools:shop", "executor": cell.runtime.executor}
        await asyncio.sleep(1.05)  # until a probe may be made
        with await cell.parts.upstreams.get("tools:shop", places=1).enter() as probe:
            probe.answered()
        await outages.settle()
        assert cell.database.read(ALL) == []
        kinds = [entry.kind for entry in cell.log.entries("cell") if entry.kind.startswith("upstream.")]
        assert kinds == ["upstream.opened", "upstream.closed"]


async def test_what_a_process_left_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", change=limits(upstream_failures=1)) as cell:
        before = Outages(cell.parts, lambda: "host/1/gone")
        cell.parts.upstreams.tell(before.note)
        await failing(cell, 1)
        await before.settle()
        assert len(cell.database.read(ALL)) == 1
        now = Outages(cell.parts, lambda: cell.runtime.executor)
        cell.parts.upstreams.tell(now.note)
        bank = cell.parts.upstreams.get("tools:bank", places=1)
        with await bank.enter() as place:
            place.failed("refused")
        await now.settle()
        assert [row["upstream"] for row in cell.database.read(ALL)] == ["tools:bank"]
