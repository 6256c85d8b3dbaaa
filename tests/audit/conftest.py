"""Fixtures of the log's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.cells import Cell, open_cell


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    """An empty cell."""
    with open_cell(tmp_path / "cell") as cell:
        yield cell
