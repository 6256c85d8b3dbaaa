"""A fleet to work with, and the command line inside this process."""

import os
import shutil
from pathlib import Path

import pytest

from journeys.command_line import REFUNDS, Command, Ended
from remit.cli import main


@pytest.fixture
def remit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `remit` in this process: the same commands without the half second a new interpreter takes."""
    for name in [name for name in os.environ if name.startswith("REMIT_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def refunds(tmp_path: Path) -> Path:
    """A copy of the refund desk in a folder of its own."""
    folder = tmp_path / "refunds"
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    return folder
