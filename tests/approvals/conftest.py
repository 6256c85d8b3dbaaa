"""Fixtures of the approvals' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from approvals.question import Inbox, open_inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """An inbox without questions."""
    with open_inbox(tmp_path) as inbox:
        yield inbox
