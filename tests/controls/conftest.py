"""Fixtures of the controls' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controls.panel import Panel, open_panel


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    """Controls of a store of their own."""
    with open_panel(tmp_path) as panel:
        yield panel
