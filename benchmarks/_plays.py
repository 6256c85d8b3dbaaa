"""Plays of `fleet.py` by other benchmarks, each in processes of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE = 3_600


def play_fleet(database: str, *options: str) -> dict[str, Any]:
    """Returns the figures of one play, without the engines beside it."""
    command = [sys.executable, str(Path(__file__).with_name("fleet.py")), "--json", "--alone", "--database", database]
    # What it says meanwhile is told to whoever waits.
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        sys.exit(f"fleet.py {' '.join(options)} ended with {done.returncode}.")
    return json.loads(done.stdout)["figures"]
