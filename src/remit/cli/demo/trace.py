"""What was decided, task by task, in a form that two runs with one seed have in common: no ids, no times, no salts."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.app import Cell
from remit.cli.demo.arrivals import Arrivals, Piece
from remit.core import canonical_bytes
from remit.journal import Run, StepRow


def write_trace(path: Path, cell: Cell, arrivals: Arrivals) -> None:
    """Writes a JSON line for each arrival, in the order of keys: its actions as (agent, tool, arguments, rung, verdict)."""
    with path.open("w", encoding="utf-8") as file:
        for key in sorted(arrivals.pieces):
            line = {"key": key, "actions": actions_of(cell, arrivals.pieces[key])}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def actions_of(cell: Cell, piece: Piece) -> list[list[str]]:
    """Returns every decided call of a tool; arguments by their plain SHA-256, which no salt makes differ."""
    runs = [run for task in piece.tasks for run in cell.parts.journal.runs_of(task) if run.effects]
    return [
        _action(cell, run, step)
        for run in sorted(runs, key=lambda run: run.created_at)
        for step in cell.parts.journal.steps(run.id)
        if step.kind == "tool" and step.decision
    ]


def _action(cell: Cell, run: Run, step: StepRow) -> list[str]:
    asked: Any = cell.parts.journal.content(step.judged or step.asked)
    digest = hashlib.sha256(canonical_bytes(asked["arguments"])).hexdigest()
    entry = cell.log.entry_by_ref(step.decision)
    told: Mapping[str, Any] = entry.fields if entry else {}
    return [step.person or run.agent, step.name, digest, str(told.get("rung") or ""), str(told.get("verdict", ""))]
