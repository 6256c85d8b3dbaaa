"""What came of the generated fleet: the desk's end state, money to the micro-unit, latencies, and the log."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _fleet_made import Case, read_desk
from remit.app import Cell, build
from remit.audit import verify_log
from remit.store import Query

ONCE = ("note", "reserve", "pay", "notify", "close_case")
# Micro-units that the tools of a task cost when nothing goes wrong, as tools/desk.yaml has them.
PRICES = {
    "get_case": 200, "get_stock": 100, "note": 500, "reserve": 1_000, "pay": 10_000, "notify": 2_000, "close_case": 200
}  # fmt: skip
# What a fault makes the agent call, and pay for, once more. The others are repeated under the same key or looked up, and
# what a lookup says has not happened costs nothing.
PAID_AGAIN = {"refuses": "note"}
SECOND = 1_000_000

_STEPS = Query("fleet.steps", "select at, ended_at from steps where state = 'done' and kind <> 'value'")
_TASKS = Query("fleet.tasks", "select created_at, ended_at from tasks where ended_at is not null")
_ATTEMPTS = Query("fleet.attempts", "select started_at, ended_at from attempts where ended_at is not null")
_SUCCEEDED = Query("fleet.succeeded", "select count(*) as n from tasks where outcome = 'success'")
_CHARGES = Query(
    "fleet.charges", "select unit, kind, sum(amount) as micros, count(*) as n from charges group by unit, kind"
)
_BUDGETS = Query("fleet.budgets", "select id, cap, held, spent from budgets where id like 'unit:%'")
_RUN_BUDGETS = Query(
    "fleet.over", "select count(*) as n from budgets where held <> 0 or (cap is not null and spent > cap)"
)
_SIZE = Query("fleet.size", "select pg_database_size(current_database()) as bytes")
_PAGES = Query(
    "fleet.pages", "select c.page_count * s.page_size as bytes from pragma_page_count() as c, pragma_page_size() as s"
)
_COSTS = Query("fleet.costs", "select sum(cost) as micros from steps")


@dataclass(frozen=True, slots=True)
class Found:
    """What the checks found."""

    right: int
    """Cases whose end state in the desk is as it should be."""
    wrong: Sequence[str]
    twice: int
    """Effects that are there more than once."""
    calls: int
    tool_seconds: float
    budget_faults: Sequence[str]
    figures: Mapping[str, Any]
    log_entries: int
    log_verified: bool
    steps: int
    database_bytes: int


def look(folder: Path, made: Sequence[Case]) -> Found:
    """Looks at everything after the last task has ended and the workers are gone."""
    right, wrong, twice = _end_state(folder, made)
    with read_desk(folder) as desk:
        calls, seconds = desk.execute("select sum(calls), sum(seconds) from served").fetchone()
    cell = build(folder, engine="remote")
    try:
        figures, steps = _figures(cell)
        faults = _budget_faults(cell, made)
        cell.sign()
        report = verify_log(cell.log)
        size = _size(cell)
        return Found(right, wrong, twice, calls, seconds, faults, figures, report.size, report.ok, steps, size)
    finally:
        asyncio.run(cell.close())


def _size(cell: Cell) -> int:
    """Returns the bytes of the database: of SQLite as they are written, of PostgreSQL as it says."""
    if cell.database.dialect == "postgresql":
        return _one(cell, _SIZE, "bytes")
    return _one(cell, _PAGES, "bytes")


def _end_state(folder: Path, made: Sequence[Case]) -> tuple[int, list[str], int]:
    desk = read_desk(folder)
    try:
        status = dict(desk.execute("select id, status from cases"))
        effects: dict[str, list[tuple[str, int]]] = {}
        for case_id, tool, cents in desk.execute("select case_id, tool, cents from effects"):
            effects.setdefault(case_id, []).append((tool, cents))
        twice = desk.execute(
            "select count(*) from (select 1 from effects group by case_id, tool having count(*) > 1)"
        ).fetchone()[0]
        taken = desk.execute("select sum(taken) from shelves").fetchone()[0]
    finally:
        desk.close()
    wrong = [case.id for case in made if not _is_right(case, status[case.id], effects.get(case.id, []))]
    reserved = sum(1 for each in effects.values() for tool, _ in each if tool == "reserve")
    if taken != reserved:
        wrong.append(f"shelves: {taken} pieces taken for {reserved} reserved")
    return len(made) - len(wrong), wrong, twice


def _is_right(case: Case, status: str, effects: Sequence[tuple[str, int]]) -> bool:
    """A case is right when it is closed, each effect is there once, and what was owed was paid."""
    done = sorted(tool for tool, _ in effects)
    return status == "closed" and done == sorted(ONCE) and ("pay", case.cents) in effects


def _budget_faults(cell: Cell, made: Sequence[Case]) -> list[str]:
    """Holds each unit's budget against its charges, and charges against what the tools' prices make of the tasks."""
    faults: list[str] = []
    charged: dict[str, int] = {}
    tools = 0
    for row in cell.database.read(_CHARGES):
        charged[row["unit"]] = charged.get(row["unit"], 0) + int(row["micros"])
        tools += int(row["micros"]) if row["kind"] == "tool" else 0
    spent: dict[str, int] = {}
    for row in cell.database.read(_BUDGETS):
        unit = row["id"].split(":")[1]
        spent[unit] = spent.get(unit, 0) + row["spent"]
    faults += [
        f"{unit}: spent {spent.get(unit)}, charged {sum_}" for unit, sum_ in charged.items() if spent.get(unit) != sum_
    ]
    expected = sum(sum(PRICES.values()) + PRICES.get(PAID_AGAIN.get(case.fault, ""), 0) for case in made)
    if tools != expected:
        faults.append(f"tools were charged {tools}, their prices make {expected}")
    costs = _one(cell, _COSTS, "micros")
    if sum(charged.values()) != costs:
        faults.append(f"charged {sum(charged.values())}, steps cost {costs}")
    if left := cell.parts.ledger.holds():
        faults.append(f"{left} holds are left")
    if over := _one(cell, _RUN_BUDGETS, "n"):
        faults.append(f"{over} budgets are overspent or still hold something")
    return faults


def _figures(cell: Cell) -> tuple[dict[str, Any], int]:
    steps = [(row["ended_at"] - row["at"]) / 1000 for row in cell.database.read(_STEPS)]
    tasks = [(row["ended_at"] - row["created_at"]) / SECOND for row in cell.database.read(_TASKS)]
    attempts = [(row["ended_at"] - row["started_at"]) / SECOND for row in cell.database.read(_ATTEMPTS)]
    return {
        "step p50 ms": share(steps, 0.5),
        "step p99 ms": share(steps, 0.99),
        "attempt p50 s": share(attempts, 0.5),
        "attempt p99 s": share(attempts, 0.99),
        "task, since it was taken on, p50 s": share(tasks, 0.5),
        "task, since it was taken on, p99 s": share(tasks, 0.99),
        "tasks that succeeded, as Remit says": _one(cell, _SUCCEEDED, "n"),
        "attempts": len(attempts),
    }, len(steps)


def share(values: Sequence[float], part: float) -> float:
    """Returns the value that `part` of all do not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else 0.0


def _one(cell: Cell, query: Query, column: str) -> int:
    row = cell.database.read_one(query)
    return int(row[column] or 0) if row else 0
