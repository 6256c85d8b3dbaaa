"""A process that dies at the worst moment: the effect has happened, its outcome is not kept."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from tests.crash.sample import pairs
from tests.databases import execute

from remit.core import load_settings
from remit.store import open_database

DYING = """
import os, signal
from pathlib import Path
from remit_fleets.refunds.shop import Shop

class Dying(Shop):
    async def {method}(self, call, **arguments):
        {before}
        result = await super().{method}(call, **arguments)
        {after}
        return result

def die_once():
    marker = Path(__file__).with_name("died")
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)

def connect(folder):
    return Dying(folder / "shop.db")
"""
DIE, GO_ON = "die_once()", "pass"
TICKET = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'


def fleet(folder: Path, *, method: str, before: str = GO_ON, after: str = GO_ON) -> Path:
    """Copies the refund desk, whose shop now kills the process once, before or after a call."""
    shutil.copytree(
        Path(str(files("remit_fleets"))) / "refunds", folder, ignore=shutil.ignore_patterns("*.py", ".remit")
    )
    (folder / "dying_shop.py").write_text(DYING.format(method=method, before=before, after=after), encoding="utf-8")
    tools = folder / "tools" / "shop.yaml"
    text = tools.read_text(encoding="utf-8").replace("remit_fleets.refunds.shop:connect", "dying_shop:connect")
    tools.write_text(text, encoding="utf-8")
    return folder


def remit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own."""
    command = [sys.executable, "-m", "remit.cli", *arguments, "--fleet", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "moment"), pairs(["get_order", "issue_refund"], ["before", "after"]))
def test_a_run_killed_at_a_tool_goes_on_there_and_refunds_once(tmp_path: Path, method: str, moment: str) -> None:
    folder = fleet(tmp_path / "desk", method=method, **{moment: DIE})
    killed = remit(folder, "run", "refund-desk", "--input", TICKET)
    assert killed.returncode == -9, killed.stderr

    driven = remit(folder, "runs", "--drive", "--json")
    (run,) = json.loads(driven.stdout)
    assert (run["state"], run["outcome"], run["attempts"]) == ("done", "success", 2), driven.stderr

    with sqlite3.connect(folder / "shop.db") as shop:
        refunds = shop.execute("select cents from refunds where order_id = 'R-1'").fetchall()
    shop.close()
    assert refunds == [(4000,)]
    with closing(open_database(load_settings(folder).database_url, folder=folder)) as store:
        assert execute(store, "select * from holds") == []
        assert execute(store, "select * from locks where holder is not null") == []
    assert remit(folder, "log", "verify").returncode == 0
