"""A log that cannot be signed: what was decided waits for its place, new work is refused, and all goes on afterwards."""

import asyncio
import logging
from pathlib import Path

import pytest
from tests.gateway.desk import REFUNDS

from remit.app import Cell, probe_of
from remit.audit import verify_log
from remit.core import MINUTE, SECOND, CrowdedError, Settings
from remit.operations.upkeep import database_status
from remit.testing import SettableClock, open_fleet

MOST = 20


async def ask(cell: Cell, number: int) -> None:
    """Hands one task in."""
    ticket = {"order_id": "R-1", "message": str(number)}
    await cell.operations.submit("refund-desk", ticket, on_behalf_of="ann@shop.example")


async def ask_on(cell: Cell) -> None:
    """Hands tasks in until one is refused."""
    for number in range(1, 200):
        await ask(cell, number)
        await asyncio.sleep(0.02)


async def log_word(cell: Cell) -> str:
    """Returns what `/readyz` says of the log."""
    return dict((await probe_of(cell).look()).checks)["log"]


async def test_where_the_log_cannot_be_signed_new_work_is_refused_until_it_can(
    tmp_path: Path, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def small(settings: Settings) -> Settings:
        limits = settings.limits.model_copy(update={"waiting_entries": MOST})
        return settings.model_copy(update={"database_url": postgresql_url, "limits": limits})

    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, change=small) as cell:
        await ask(cell, 0)
        cell.sign()
        kept = tmp_path / "fleet" / cell.settings.checkpoint_file
        good = kept.read_text(encoding="utf-8")
        kept.write_text("what a broken disk gave back", encoding="utf-8")
        clock.advance(2 * SECOND)  # a checkpoint is due
        with caplog.at_level(logging.ERROR), pytest.raises(CrowdedError, match="the bound is 20") as refused:
            await ask_on(cell)
        assert "wait for their place" in refused.value.why
        assert refused.value.retry_after > 0
        waiting = database_status(cell.database)["lag"]
        assert MOST <= waiting <= 200, "and what was taken on before is kept"
        assert await log_word(cell) == "ok", "it may be over soon"
        clock.advance(2 * MINUTE)
        assert await log_word(cell) == "stands still"
        told = [record for record in caplog.records if "could not be moved into the log" in record.message]
        assert len(told) == 1, "and not once a second"

        kept.write_text(good, encoding="utf-8")
        for _ in range(400):
            if not database_status(cell.database)["lag"]:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.1)  # counts are a second old
        await ask(cell, 1_000)
        assert await log_word(cell) == "ok"
        cell.sign()
        assert verify_log(cell.log).ok
