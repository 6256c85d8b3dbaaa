"""Fixtures of identity's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from identity.doors import Doors, open_doors


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    """What lets people in, on a store of its own."""
    with open_doors(tmp_path) as doors:
        yield doors
