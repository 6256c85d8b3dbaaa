"""The demo's worker runs Remit's own code, wherever the demo was started."""

from pathlib import Path

import pytest

from remit.cli.demo.worker_process import WorkerProcess
from remit.core import ConflictError


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
