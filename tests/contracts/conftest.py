"""The sound fleet that tests spoil."""

from pathlib import Path

import pytest

from contracts.fleet_folder import FILES, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A fleet without a mistake."""
    folder = Folder(tmp_path / "fleet")
    for name, text in FILES.items():
        folder.write(name, text)
    return folder
