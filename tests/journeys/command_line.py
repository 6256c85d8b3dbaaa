"""The command line as journeys use it: started as a user starts it, and what it left behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
