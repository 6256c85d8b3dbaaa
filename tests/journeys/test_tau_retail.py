"""The retail desk plays the recorded ground truth through the gateway: every state and verdict must be right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(
    "REMIT_SHARED_DATA" not in os.environ, reason="REMIT_SHARED_DATA is not set: no recorded tasks here"
)
def test_every_ground_truth_task_ends_right_and_every_verdict_is_right() -> None:
    command = [sys.executable, "benchmarks/tau_retail.py", "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["figures"]["tasks"] == 114
    assert [goal["name"] for goal in report["goals"] if not goal["met"]] == []


def test_without_the_recorded_data_the_benchmark_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/tau_retail.py", "--json", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Nothing was measured" in done.stderr
