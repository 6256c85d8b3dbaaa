"""The retail desk plays recorded work, its shop behind an MCP server: every state and every verdict must be right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif("REMIT_SHARED_DATA" not in os.environ, reason="REMIT_SHARED_DATA is not set: no recorded work here")
def test_recorded_work_ends_right_and_every_verdict_is_right() -> None:
    command = [sys.executable, "benchmarks/tau_retail.py", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    figures = report["figures"]
    played = {name: figures[f"{name} runs"] for name in ("v3", "v1", "gpt-4o", "haiku-4.5")}
    assert played == {"v3": 114, "v1": 40, "gpt-4o": 15, "haiku-4.5": 15}
    assert figures["stopped_by_gateway_only"] > 0
    assert [figures[f"{name} differences"] for name in played] == [[], [], [], []]
    assert [goal["name"] for goal in report["goals"] if not goal["met"]] == []


def test_without_the_recorded_data_the_benchmark_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/tau_retail.py", "--json", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Nothing was measured" in done.stderr
