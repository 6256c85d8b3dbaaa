"""A fleet to work with, the command line inside this process, and people before the console."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.web.browser import OpenWindow
from tests.web.browser import chromium as chromium
from tests.web.browser import open_window as open_window

from journeys.command_line import REFUNDS, Command, Ended
from journeys.console import Desk, Person, Visit, at_work, make_fleet
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


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    """The refund desk at work, for the journeys of a module."""
    with at_work(make_fleet(tmp_path_factory.mktemp("console") / "refunds")) as working:
        yield working


@pytest.fixture
def visit(desk: Desk, open_window: OpenWindow) -> Visit:
    """Sits somebody before a browser of their own, logged in if they are named."""

    def sit_down(person: str = "", **options: Any) -> Person:
        sitting = Person(open_window(**options), desk.address)
        return sitting.log_in(person) if person else sitting

    return sit_down
