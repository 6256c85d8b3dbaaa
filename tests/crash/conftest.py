"""One tool server for all crash tests of a module: it outlives whoever is killed."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from tests.crash.station import DATABASES, Desk, Station, open_desk, open_station
from tests.databases import ON_POSTGRESQL, SQLITE_ONLY, same_database

# A worker that is silent for so long has lost its runs.
EXECUTOR_SECONDS = 2.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    """A tool server in a process of its own."""
    with open_desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
async def station(tmp_path: Path, desk: Desk) -> AsyncGenerator[Station]:
    """A fleet to kill workers of."""
    async with open_station(tmp_path, desk, same_database()) as opened:
        yield opened


@pytest.fixture(params=DATABASES)
def variables(request: pytest.FixtureRequest) -> dict[str, str]:
    """What workers that share a fleet's runs are told, on each database."""
    if ON_POSTGRESQL and request.param == "sqlite":
        pytest.skip(f"{SQLITE_ONLY}: its twin on PostgreSQL stands beside it")
    told = {"REMIT_LIMITS__EXECUTOR_SECONDS": str(EXECUTOR_SECONDS)}
    if request.param == "postgresql":
        told["REMIT_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    return told


@pytest.fixture
async def floor(tmp_path: Path, desk: Desk, variables: dict[str, str]) -> AsyncGenerator[Station]:
    """A fleet of which several workers share the runs."""
    async with open_station(tmp_path, desk, variables) as opened:
        yield opened
