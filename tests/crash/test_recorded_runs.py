"""Recorded conversations of real models, killed again and again: they end as if nothing had happened.

A sample of both models' conversations; all of them with `REMIT_RECORDED_RUNS=all`, which takes its time.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.crash.recorded_desk import key_of, open_desk, work_of, write_desk
from tests.crash.sample import FULL
from tests.databases import sqlite_only
from tests.remit_fleets.served import listening, state

from remit.app import Cell
from remit.audit import verify_export, write_export
from remit.journal import Run, StepState
from remit_fleets.retail import GPT_4O, HAIKU_45, Conversation, load_conversations

ROOT = Path(__file__).parents[2]
SEED = 20261121
# Conversations of each model that are played in any case, with at least one write, and how often their process dies.
SAMPLE, DEATHS = 6, 18 if FULL else 5
# With all of them, so many share a cell, and the deaths of a sample.
TOGETHER = 2 * SAMPLE
WRITES = ("cancel_", "modify_", "return_", "exchange_")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one conversation: every step with what it was told, the end, and the shop's documents that differ."""

    state: str
    steps: list[tuple[int, str, str, StepState, Any]]
    output: Any
    rows: list[dict[str, Any]]


def chosen(shared: Path) -> list[list[Conversation]]:
    """Returns conversations in lots that are played together."""
    found = [load_conversations(shared, model) for model in (GPT_4O, HAIKU_45)]
    if os.environ.get("REMIT_RECORDED_RUNS") == "all":
        every = [each for conversations in found for each in conversations]
        return [every[first : first + TOGETHER] for first in range(0, len(every), TOGETHER)]
    drawn = random.Random(SEED)
    return [[each for some in found for each in drawn.sample([one for one in some if one.labels], SAMPLE)]]


def start(folder: Path, seed: str = "") -> int:
    """Has a process play the desk's work; returns how it ended."""
    command = [sys.executable, "-m", "tests.crash.recorded_desk", str(folder), seed]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


async def tell(folder: Path, cell: Cell, url: str) -> dict[str, Told]:
    """Reads what came of every conversation."""
    runs = {cell.parts.journal.task(run.task).dedup: run for run in cell.parts.journal.runs()}
    return {work["key"]: await told(cell, runs[work["key"]], url) for work in work_of(folder)}


async def told(cell: Cell, run: Run, url: str) -> Told:
    """Reads what came of one conversation."""
    content = cell.parts.journal.content
    steps = [
        (step.step, step.kind, step.name, step.state, content(step.result) if step.result else None)
        for step in cell.parts.journal.steps(run.id)
    ]
    rows = sorted(await state(url, run.task), key=lambda row: (row["table"], row["key"]))
    return Told(run.state.value, steps, content(run.output) if run.output else run.reason, rows)


def writes(log: Path, cell: Cell) -> Counter[tuple[str, int]]:
    """Returns how often the shop has changed something, by conversation and step, from its own log of calls."""
    keys = {run.id: cell.parts.journal.task(run.task).dedup or "" for run in cell.parts.journal.runs()}
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Counter(
        (keys[line["run"]], line["step"])
        for line in lines
        if line.get("result") == "done" and line["tool"].startswith(WRITES) and line["run"] in keys
    )


def check_left_nothing(cell: Cell, folder: Path) -> None:
    """No money is held, no lock is kept, no attempt is open, and the log is whole."""
    assert cell.parts.ledger.holds() == 0
    assert cell.parts.journal.open_runs() == []
    assert cell.operations.unfinished_runs() == []
    write_export(cell.log, folder)
    report = verify_export(folder, cell.log.public_key)
    assert report.ok, report


async def play_twice(tmp_path: Path, lot: list[Conversation], url: str, log: Path) -> int:
    """Plays a lot undisturbed and killed, compares, and returns how many attempts were lost."""
    calm, rough = [await write_desk(tmp_path / name, lot, url) for name in ("calm", "rough")]
    assert await asyncio.to_thread(start, calm) == 0
    died = [await asyncio.to_thread(start, rough, f"{key_of(lot[0])}-{n}") for n in range(DEATHS)].count(-9)
    assert await asyncio.to_thread(start, rough) == 0
    assert died > DEATHS // 2, "it was hardly disturbed"

    undisturbed, killed = await open_desk(calm), await open_desk(rough)
    try:
        expected, found = await tell(calm, undisturbed, url), await tell(rough, killed, url)
        for key, one in expected.items():
            assert found[key] == one, key
        assert sum(bool(one.rows) for one in expected.values()) > 0
        once = writes(log, undisturbed)
        assert set(once.values()) == {1}
        assert writes(log, killed) == once
        check_left_nothing(killed, tmp_path / "export")
        return sum(run.attempt for run in killed.parts.journal.runs())
    finally:
        await undisturbed.close()
        await killed.close()


@pytest.mark.slow
@sqlite_only("the process that dies looks into the file for a write under way")
@pytest.mark.skipif("REMIT_SHARED_DATA" not in os.environ, reason="REMIT_SHARED_DATA is not set: no recorded work here")
async def test_recorded_runs_that_are_killed_again_and_again_end_as_if_they_were_not(tmp_path: Path) -> None:
    shared, log = Path(os.environ["REMIT_SHARED_DATA"]), tmp_path / "calls.jsonl"
    database = str(shared / "tau_retail" / "db.json")
    with listening("--per-task", "--database", database, "--log", str(log)) as url:
        for number, lot in enumerate(chosen(shared)):
            folder = tmp_path / str(number)
            folder.mkdir()
            attempts = await play_twice(folder, lot, url, log)
            assert attempts > len(lot)
