"""The demo's worker runs Remit's own code, wherever the demo was started."""

import asyncio
from pathlib import Path

import pytest

from remit.app import DemoTerms
from remit.cli.demo.chaos import Breaker
from remit.cli.demo.looked_at import LookedAt
from remit.cli.demo.worker_process import WorkerProcess
from remit.core import ConflictError, SystemClock
from remit_fleets.support.demo import work


@pytest.mark.slow
async def test_one_that_has_just_ended_by_itself_is_not_killed_and_that_is_told(tmp_path: Path) -> None:
    process, told, clock = WorkerProcess(tmp_path / "no-fleet"), list[str](), SystemClock()
    shop = work(DemoTerms(tmp_path, 1, 1, None))
    breaker = Breaker(shop, process, clock, told.append, LookedAt(clock, 0))
    await process.start()  # there is no fleet to work for, so it ends
    while not process.words():  # noqa: ASYNC110  it ends in another process
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    assert "ended by itself" in await breaker.kill_worker()
    assert "ended by itself" in told[0]
    assert not breaker.killed_at
    shop.close()


@pytest.mark.slow
async def test_nothing_that_lies_where_the_demo_was_started_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('taken from here')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    process = WorkerProcess(tmp_path / "no-fleet")
    await process.start()
    with pytest.raises(ConflictError) as told:  # there is no fleet to work for
        await process.watch()
    assert "no-fleet" in told.value.text()
    assert "taken from here" not in told.value.text()
