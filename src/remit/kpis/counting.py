"""What is counted of each task, read from what the other floors keep."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from remit.kpis.tally import TaskFigures
from remit.store import Database, Row, load_queries

_Q = load_queries("remit.kpis")
# Questions that are asked because something did not go as the contract foresees.
UNPLANNED = ("unknown", "answer", "stuck")
_NOTHING_CHARGED: Mapping[str, int] = dict.fromkeys(("tool", "model", "person", "unpriced", "recorded", "simulated"), 0)
_NOTHING_SAID: Mapping[str, int] = dict.fromkeys(("rated", "score", "appeals", "person_asked"), 0)


def count_tasks(database: Database, tasks: Sequence[str]) -> dict[str, TaskFigures]:
    """Returns what is to be counted of those of `tasks` that have ended, as of now."""
    if not tasks:
        return {}
    listed = {"tasks": json.dumps(tasks)}
    charged = {row["task"]: row for row in database.read(_Q["charged"], listed)}
    denied = {row["task"]: row["denied"] for row in database.read(_Q["denied"], listed)}
    said = {row["task"]: row for row in database.read(_Q["said"], listed)}
    questions: dict[str, list[Row]] = {}
    for row in database.read(_Q["questions"], listed):
        questions.setdefault(row["task"], []).append(row)
    counted: dict[str, TaskFigures] = {}
    for row in database.read(_Q["ended"], listed):
        task = row["task"]
        sums = _sums(charged.get(task, _NOTHING_CHARGED), said.get(task, _NOTHING_SAID))
        counted[task] = _count(row, sums, denied, questions.get(task, []))
    return counted


def counted_tasks(database: Database, tasks: Sequence[str]) -> dict[str, TaskFigures]:
    """Returns what has been counted of `tasks` already."""
    rows = database.read(_Q["counted"], {"tasks": json.dumps(tasks)}) if tasks else []
    return {row["task"]: _counted(row) for row in rows}


def as_row(task: TaskFigures) -> dict[str, Any]:
    """Returns what the table keeps of a task."""
    values = {name: getattr(task, name) for name in TaskFigures.__slots__}
    return values | {"answer_times": json.dumps(task.answer_times)}


def _counted(row: Row) -> TaskFigures:
    values: dict[str, Any] = {name: row[name] for name in TaskFigures.__slots__}
    values["answer_times"] = tuple(json.loads(values["answer_times"]))
    return TaskFigures(**values)


def _sums(charged: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, int]:
    """Returns what was charged for a task, and what was said of it."""
    return {name: charged[name] for name in _NOTHING_CHARGED} | {name: said[name] for name in _NOTHING_SAID}


def _count(task: Row, sums: Mapping[str, int], denied: Mapping[str, int], questions: Sequence[Row]) -> TaskFigures:
    begun, ended = task["created_at"], task["ended_at"]
    return TaskFigures(
        task=task["task"],
        agent=task["agent"],
        unit=task["unit"],
        ended_at=ended,
        succeeded=task["succeeded"],
        **sums,
        asked=int(any(row["kind"] not in UNPLANNED for row in questions)),
        intervened=int(any(row["kind"] in UNPLANNED or row["corrected"] for row in questions)),
        answers=sum(row["answers"] for row in questions),
        denied=denied.get(task["task"], 0),
        resolution=max(0, ended - begun),
        waiting=_covered((_open(row, ended) for row in questions), begun, ended) if questions else 0,
        answer_times=tuple(sorted(max(0, row["answered_at"] - row["asked_at"]) for row in questions if _answered(row))),
    )


def _answered(question: Row) -> bool:
    """Whether people's answers have decided it; a first yes of two has not."""
    return question["answered_at"] is not None and question["state"] != "pending"


def _open(question: Row, ended: int) -> tuple[int, int]:
    """Returns from when to when a question was open: until its last answer, or until it expired or was withdrawn."""
    until = question["answered_at"] if _answered(question) else question["decided_at"]
    return question["asked_at"], ended if until is None else until


def _covered(spans: Iterable[tuple[int, int]], begun: int, ended: int) -> int:
    """Returns how much of the time between `begun` and `ended` lies in any of the spans."""
    covered, seen = 0, begun
    for first, last in sorted(spans):
        first, last = max(first, seen), min(last, ended)
        if last > first:
            covered, seen = covered + last - first, last
    return covered
