"""A fleet to work with, and two ways to the command line: inside this process, and as a user starts it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remit.cli import main

REPOSITORY = Path(__file__).parents[2]
REFUNDS = REPOSITORY / "src" / "remit_fleets" / "refunds"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What it wrote, read as JSON."""
        return json.loads(self.out)


Command = Callable[..., Ended]


def environment(**more: str) -> Mapping[str, str]:
    """Returns the variables a command is started with: none of ours but those given."""
    ours = ("REMIT_", "COLUMNS", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(REPOSITORY / "src"), "NO_COLOR": "1", **more}


def started(*arguments: str, cwd: Path = REPOSITORY, **variables: str) -> Ended:
    """Runs `remit` as a process of its own."""
    command = [sys.executable, "-m", "remit.cli", *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


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
