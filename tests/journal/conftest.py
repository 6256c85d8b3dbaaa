"""Fixtures of the journal's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from journal.desk import Desk
from remit.journal import Journal
from remit.testing import SettableClock
from store.opened import open_store


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A journal with one task and its queued run."""
    with open_store(tmp_path) as store:
        clock = SettableClock()
        yield Desk.open(store, Journal(store.database, clock), clock)
