"""The command line as journeys use it: started as a user starts it, and what it left behind."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
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


def started(*arguments: str, cwd: Path = REPOSITORY, seconds: float = 60, **variables: str) -> Ended:
    """Runs `remit` as a process of its own."""
    command = [sys.executable, "-m", "remit.cli", *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=seconds, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def typed(*arguments: str, **variables: str) -> Ended:
    """Runs `remit` in this process, with no variables of ours but those given: without the second an interpreter takes."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("REMIT_")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())
