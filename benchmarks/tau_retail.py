"""The retail desk against ground truth: 114 τ³ tasks played through the whole gateway, states and verdicts compared.

Each task's ground-truth actions are handed to the desk as the answers of a recorded model, so they travel the way any
agent's actions do: policy with facts and subjects, approvals (every question is answered yes), budget, log. The figures
count; the only times in them say how long the whole thing took.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from _report import Goal, Measured, main
from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.audit import verify_export, write_export
from remit.core import ModelRoute, load_settings
from remit.gateway.providers import RecordedProvider
from remit.journal import Run, RunState, StepState
from remit_fleets.retail.customer import Customer
from remit_fleets.retail.demo import rounded
from remit_fleets.retail.per_task import ShopPerTask
from remit_fleets.retail.shop import Shop

MODEL = "ground truth"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Returns the objects of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answers_of(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the ground truth as what a model would say: one tool call a message, then a last word."""
    calls = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": f"call_{number}",
                    "type": "function",
                    "function": {"name": f"shop__{action['tool']}", "arguments": json.dumps(action["args"])},
                }
            ],
        }
        for number, action in enumerate(task["actions"])
    ]
    return [*calls, {"role": "assistant", "content": "Done."}]


def open_cell(folder: Path, shared: Path, tasks: list[dict[str, Any]]) -> tuple[Cell, ShopPerTask]:
    """Returns the desk's cell with the recorded shop and the ground truth as its model."""
    source = Path(str(files("remit_fleets"))) / "retail"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    database = json.loads((shared / "tau_retail" / "db.json").read_text(encoding="utf-8"))
    shop = ShopPerTask(Shop.load(database))
    route = ModelRoute(kind="recorded", model=MODEL, cloud=False)
    cell = build(
        folder,
        settings=load_settings(folder).model_copy(update={"models": {"recorded": route}}),
        servers={"shop": shop, "customer": Customer({task["id"]: () for task in tasks})},
        providers={"recorded": RecordedProvider({task["id"]: answers_of(task) for task in tasks}, model=MODEL)},
    )
    return cell, shop


async def play(cell: Cell, task: Mapping[str, Any]) -> tuple[Run, int]:
    """Plays one task to its end, answering every question with yes; returns its run and how often people were asked."""
    value = {"ticket": task["id"], "message": "ground truth"}
    if task["user_id"] and not any(action["tool"].startswith("find_user_id") for action in task["actions"]):
        value["customer"] = task["user_id"]  # these ground truths begin with the customer already established
    started = await cell.operations.submit("retail-desk", value, on_behalf_of="the benchmark", dedup=task["id"])
    run, asked = await cell.operations.drive(started.run.id), 0
    while run.state is RunState.WAITING:
        for approval in cell.parts.approvals.of_run(run.id):
            if approval.state is ApprovalState.PENDING:
                asked += 1
                person = cell.parts.people.holding(approval.roles)[0]
                await cell.operations.answer(approval.id, person=person.id, answer="approve")
        run = await cell.operations.drive(run.id)
    return run, asked


def verdicts(cell: Cell, run: Run) -> list[str]:
    """Returns `allow` or `deny` for each tool call of a run, in order."""
    steps = [step for step in cell.parts.journal.steps(run.id) if step.kind == "tool"]
    return ["deny" if step.state is StepState.DENIED else "allow" for step in steps]


def entries_match(cell: Cell, run: Run) -> bool:
    """Whether every permitted action has one permit and one outcome in the log, and every refused one a refusal."""
    entries = cell.log.entries(run.id)
    permits = [e.fields["decision"] for e in entries if e.kind == "decision" and e.fields["verdict"] == "permit"]
    outcomes = [e.fields["decision"] for e in entries if e.kind == "outcome"]
    denied = [e.fields["decision"] for e in entries if e.kind == "decision" and e.fields["verdict"] == "deny"]
    steps = [step for step in cell.parts.journal.steps(run.id) if step.kind != "value"]
    refused = [step.decision for step in steps if step.state is StepState.DENIED]
    done = [step.decision for step in steps if step.state is StepState.DONE]
    return sorted(permits) == sorted(outcomes) == sorted(done) and sorted(denied) == sorted(refused)


async def compare(folder: Path, shared: Path, tasks: list[dict[str, Any]], expected: dict[str, Any]) -> dict[str, Any]:
    """Plays every task and counts what is equal."""
    cell, shop = open_cell(folder, shared, tasks)
    counts = dict.fromkeys(
        ("states_equal", "verdicts_right", "writes", "false_denials", "runs_logged", "asked", "actions"), 0
    )
    wrong: list[str] = []
    await cell.operations.load()
    for task in tasks:
        run, asked = await play(cell, task)
        want = expected[task["id"]]
        rows = {(row["table"], row["key"]): row["after"] for row in want["rows"]}
        found = verdicts(cell, run)
        judged = [(write["verdict"], found[write["i"]]) for write in want["writes"]]
        counts["states_equal"] += (same := rounded(shop.of(run.task).changed_since(shop.start)) == rounded(rows))
        counts["verdicts_right"] += sum(a == b for a, b in judged)
        counts["writes"] += len(judged)
        counts["false_denials"] += sum(
            found[i] == "deny" for i in range(len(found)) if i not in {w["i"] for w in want["writes"]}
        )
        counts["false_denials"] += sum(a == "allow" and b == "deny" for a, b in judged)
        counts["runs_logged"] += entries_match(cell, run)
        counts["asked"] += asked
        counts["actions"] += len(found)
        if not same or any(a != b for a, b in judged):
            wrong.append(task["id"])
        shop.forget(run.task)
    if commit := cell.log.checkpoint_commit():
        await cell.parts.writer.commit(commit)
    write_export(cell.log, folder / "export")
    report = verify_export(folder / "export", cell.log.public_key)
    await cell.close()
    return {"tasks": len(tasks), **counts, "wrong": wrong, "log_entries": report.size, "log_verified": report.ok}


def measure(arguments: argparse.Namespace) -> Measured:
    """Plays the tasks of the shared data."""
    place = arguments.data or os.environ.get("REMIT_SHARED_DATA")
    if not place or not (Path(place) / "tau_retail").is_dir():
        sys.exit("The recorded data is not here: set REMIT_SHARED_DATA or give --data. Nothing was measured.")
    shared = Path(place)
    tasks = read_lines(shared / "tau_retail" / "tasks_v3.jsonl")
    expected = {e["task"].partition("/")[2]: e for e in read_lines(shared / "tau_retail" / "expected_v3.jsonl")}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        figures = asyncio.run(compare(Path(temporary) / "fleet", shared, tasks, expected))
    figures["seconds"] = round(time.perf_counter() - began, 2)
    return figures, [
        Goal("final states equal", figures["states_equal"], len(tasks), at_least=True),
        Goal("verdicts right", figures["verdicts_right"], figures["writes"], at_least=True),
        Goal("false denials", figures["false_denials"], 0),
        Goal("runs with one decision and one outcome per action", figures["runs_logged"], len(tasks), at_least=True),
        Goal("log verified", figures["log_verified"], 1, at_least=True),
    ]


if __name__ == "__main__":
    main(__doc__ or "", measure, ("--data", {"help": "the folder of the shared data"}))
