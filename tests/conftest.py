"""What holds for every test: in CI nothing is skipped, and pictures that were taken are named."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.databases import ON_POSTGRESQL, SQLITE_ONLY

from remit.store import open_database
from remit.testing import PostgresServer
from remit.testing.postgresql import PACKAGE, is_there

LOOKS = "test_console_looks.py"
# Images of containers often forbid compiled modules. Hundreds of processes are started here, and each would compile all
# of Remit anew, which takes half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SHARED, ROOM = "/dev/shm", 4 << 30  # noqa: S108 - the folder below has a name of its own


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says where the pictures of the console's pages lie, when they were taken."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    if any(LOOKS in report.nodeid for report in reports):
        terminalreporter.write_line("pictures of every page of the console: .artefacts/screenshots/")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a CI run that left something out: a skip there hides a missing part of the machine."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(session.config, "workerinput"):
        return
    if skipped := [each for each in reporter.stats.get("skipped", []) if not is_about_sqlite(each)]:
        reporter.write_line(f"CI skips nothing, and {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_about_sqlite(report: pytest.TestReport) -> bool:
    """Whether a test was left out because the suite runs on another database."""
    return ON_POSTGRESQL and isinstance(report.longrepr, tuple) and SQLITE_ONLY in report.longrepr[2]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one for each process of the tests."""
    if not is_there():
        pytest.skip(f"{PACKAGE} is not installed: no PostgreSQL here")
    # Not in a folder of pytest's, which another run beside this one may clear away.
    with tempfile.TemporaryDirectory(prefix="remit-pg-", dir=memory(), ignore_cleanup_errors=True) as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.stop()


def memory() -> str | None:
    """Returns a folder in memory with room for a server, if there is one: no commit waits for a disk there."""
    return SHARED if os.path.isdir(SHARED) and shutil.disk_usage(SHARED).free > ROOM else None


@pytest.fixture(scope="session")
def migrated_url(postgresql_server: PostgresServer) -> str:
    """A database there with all tables and nothing in them: copying it takes a tenth of making it."""
    url = postgresql_server.fresh()
    with closing(open_database(url, folder=Path())) as database:
        database.migrate()
    return url


@pytest.fixture(scope="session")
def untouched() -> list[str]:
    """Databases that no test has connected to: most tests need none."""
    return []


@pytest.fixture(autouse=ON_POSTGRESQL)
def every_cell_on_postgresql(
    postgresql_server: PostgresServer, migrated_url: str, untouched: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Gives every test a database of its own there, whatever it builds: for whole suites on PostgreSQL."""
    url = untouched.pop() if untouched else postgresql_server.fresh(like=migrated_url)
    monkeypatch.setenv("REMIT_DATABASE_URL", url)
    yield
    if postgresql_server.is_untouched(url):
        untouched.append(url)
    else:
        postgresql_server.drop(url)


@pytest.fixture
def another_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Gives what is built from then on a database of its own, as on SQLite another folder does by itself."""

    def turn() -> None:
        if ON_POSTGRESQL:
            server: PostgresServer = request.getfixturevalue("postgresql_server")
            url = server.fresh(like=request.getfixturevalue("migrated_url"))
            request.addfinalizer(lambda: server.drop(url))
            monkeypatch.setenv("REMIT_DATABASE_URL", url)

    return turn


@pytest.fixture
def postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """An empty database on it."""
    url = postgresql_server.fresh()
    yield url
    postgresql_server.drop(url)
