"""A shop of its own for each test of the support fleet."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.remit_fleets.support.shops import SMALL_WORLD

from remit_fleets.support.shop import open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Returns an open shop with a small world."""
    database = open_shop(tmp_path / ".remit" / "shop.db", SMALL_WORLD)
    yield database
    database.close()
