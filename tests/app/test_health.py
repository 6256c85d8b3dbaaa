"""Whether a process lives and can be given work: told in time, to strangers, and without a word too many."""

import asyncio
import os
import signal
import sqlite3
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.gateway.desk import REFUNDS

from remit.app import Cell, serve
from remit.app.health import probe_of, serving_health
from remit.app.serve import http_app
from remit.core import Settings
from remit.operations import Probe
from remit.testing import PostgresServer, open_fleet
from remit.testing.postgresql import is_there

HOST = "127.0.0.1"


async def asked(cell: Cell, probe: Probe, path: str = "/readyz") -> httpx2.Response:
    """Asks the cell's own application."""
    transport = httpx2.ASGITransport(app=http_app(cell, probe=probe))
    async with httpx2.AsyncClient(transport=transport, base_url="http://remit.example") as client:
        return await client.get(path)


@pytest.fixture
def on_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is SQLite's, whatever the other tests have."""
    monkeypatch.delenv("REMIT_DATABASE_URL", raising=False)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Somebody else has the database's write lock."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("begin immediate")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.close()


async def test_a_process_that_can_work_says_so(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        answer = await asked(cell, probe_of(cell))
        checks = {"database": "ok", "tables": "ok", "log": "ok", "work": "ok"}
        assert (answer.status_code, answer.json()["status"], answer.json()["checks"]) == (200, "ready", checks)
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("on_a_file")
async def test_a_database_that_takes_nothing_is_told_in_time_and_found_again(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        probe = Probe(database=cell.database, writer=cell.parts.writer, lag=cell.log.lag, patience=0.3)
        with locked(tmp_path / "fleet" / ".remit" / "remit.db"):
            told = [await asked(cell, probe) for _ in range(3)]
            assert [each.status_code for each in told] == [503] * 3
            assert told[0].json()["checks"] == {"database": "does not answer in time"}
            assert (await asked(cell, probe, "/healthz")).status_code == 200, "the process lives all the same"
            looks = [task for task in asyncio.all_tasks() if task.get_name() == "readiness"]
            assert len(looks) == 1, "one look hangs, however many ask"
        for _ in range(100):
            if (await asked(cell, probe)).status_code == 200:
                return
            await asyncio.sleep(0.1)
        pytest.fail("it never became ready again")


@pytest.mark.usefixtures("on_a_file")
async def test_tables_of_another_remit_are_told_without_saying_which(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        connection = sqlite3.connect(tmp_path / "fleet" / ".remit" / "remit.db")
        newest = connection.execute("select max(number) from migrations").fetchone()[0]
        connection.execute("update migrations set digest = 'another' where number = ?", (newest,))
        connection.commit()
        answer = await asked(cell, probe_of(cell))
        assert (answer.status_code, answer.json()["checks"]["tables"]) == (503, "are other ones than this Remit's")
        connection.execute("delete from migrations where number = ?", (newest,))
        connection.commit()
        connection.close()
        assert (await asked(cell, probe_of(cell))).json()["checks"]["tables"] == "lack migrations"


async def test_a_log_that_lags_is_told_and_takes_nobody_out_of_service(tmp_path: Path) -> None:
    """It lags for all processes at once: a balancer that heeded it would leave nobody to be told to stop."""
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        probe = Probe(database=cell.database, writer=cell.parts.writer, lag=lambda: 10_001)
        answer = await asked(cell, probe)
        assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["log"]) == (200, "ready", "lags")
        assert answer.json()["cannot"] == ["prove what was done lately", "take on any number of new tasks"]


async def test_what_a_process_cannot_do_is_said(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        probe = probe_of(cell)
        assert (await asked(cell, probe)).json()["cannot"] == []
        probe.stop()
        answer = await asked(cell, probe)
        assert (answer.status_code, answer.json()["cannot"]) == (503, ["take work on"])


async def test_the_database_is_looked_at_once_a_second_whoever_asks(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        looks, time = list[int](), [0.0]

        def lag() -> int:
            looks.append(threading.get_ident())
            return 0

        probe = Probe(database=cell.database, writer=cell.parts.writer, lag=lag, now=lambda: time[0])
        await asyncio.gather(*(probe.look() for _ in range(50)))
        assert len(looks) == 1
        assert looks[0] != threading.get_ident(), "the event loop does not wait for the database"
        time[0] += 1.1
        await probe.look()
        assert len(looks) == 2


async def test_whoever_drains_is_not_ready_and_answers_as_long_as_it_was_told_to(
    tmp_path: Path,
) -> None:
    def leaves_late(settings: Settings) -> Settings:
        return settings.model_copy(update={"http": settings.http.model_copy(update={"leave_seconds": 1.0})})

    async with open_fleet(REFUNDS, tmp_path / "fleet", change=leaves_late) as cell, asyncio.timeout(30):
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve(cell, host=HOST, port=0, on_ready=ready.set_result, works=False))
        async with httpx2.AsyncClient(base_url=f"http://{HOST}:{await ready}", trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["checks"]) == (503, {"work": "draining"})
            assert (await client.get("/healthz")).status_code == 200
        await task


async def test_a_process_that_serves_nothing_else_serves_its_health(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        probe = probe_of(cell)
        async with (
            serving_health(cell, probe, host=HOST, port=0) as port,
            httpx2.AsyncClient(trust_env=False) as client,
        ):
            assert (await client.get(f"http://{HOST}:{port}/readyz")).status_code == 200
            assert (await client.get(f"http://{HOST}:{port}/api/v1/cell")).status_code == 404
            probe.stop()
            assert (await client.get(f"http://{HOST}:{port}/readyz")).status_code == 503
            assert (await client.get(f"http://{HOST}:{port}/healthz")).json() == {"status": "ok", "cell": "refunds"}


async def test_a_server_that_is_away_is_told_in_time_and_found_again(tmp_path: Path) -> None:
    if not is_there():
        pytest.skip("PostgreSQL is not installed here")
    with tempfile.TemporaryDirectory(prefix="remit-pg-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103  the server is another user where tests run as root
        server = PostgresServer(Path(folder))
        url = server.fresh()
        try:
            async with open_fleet(
                REFUNDS, tmp_path / "fleet", change=lambda settings: settings.model_copy(update={"database_url": url})
            ) as cell:
                probe = probe_of(cell)
                assert (await probe.look()).ready
                server.stop()
                await asyncio.sleep(1.1)
                begun = asyncio.get_running_loop().time()
                answer = await asked(cell, probe)
                assert answer.status_code == 503
                assert asyncio.get_running_loop().time() - begun < 5
                assert "postgres" not in answer.text, "a stranger is not told which"
                assert (await asked(cell, probe, "/healthz")).status_code == 200
                server = PostgresServer(Path(folder))
                for _ in range(150):
                    if (await asked(cell, probe)).status_code == 200:
                        return
                    await asyncio.sleep(0.1)
                pytest.fail("it never became ready again")
        finally:
            server.stop()
