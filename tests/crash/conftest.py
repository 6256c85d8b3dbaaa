"""One tool server for all crash tests of a module: it outlives whoever is killed."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from tests.crash.station import Desk, Station, open_desk, open_station


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    """A tool server in a process of its own."""
    with open_desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
async def station(tmp_path: Path, desk: Desk) -> AsyncGenerator[Station]:
    """A fleet to kill workers of."""
    async with open_station(tmp_path, desk) as opened:
        yield opened
