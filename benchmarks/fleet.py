"""Ten thousand tasks at once, eight governed steps each: how long they take, what they cost, and whether all came out right.

A fleet is generated: a hundred contracts in a hundred business units, each unit with one budget that all its runs share.
Every task is taken on before the workers start. Its agent asks a simulated model once, reads twice and writes five times
through the gateway (policy, facts, a gate, locks, rates, budgets, the log). One task in twenty waits for a person, who is
simulated and says yes; one in a hundred meets a tool that misbehaves: it refuses, is away, breaks off, or loses a call or
its answer. The tools work on a file of their own in the workers' processes; it is read afterwards: a task counts as right
when its case there is closed and every effect is there once. Workers are real processes (`remit worker`).

Beside it, in the same run, on the same server: the same eight steps in plain DBOS and in LangGraph with its PostgreSQL
checkpointer, two processes each, which only save what was done. There nothing is decided, and no tool misbehaves.
"""

import argparse
import asyncio
import logging
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _fleet_beside import ENGINES, beside
from _fleet_checks import Found, look
from _fleet_made import make_fleet
from _fleet_played import Played, Terms, play
from _report import Goal, Measured, main
from _server import Server, server
from remit.core import Limits

TASKS, QUICK_TASKS = 10_000, 1_000
# For the engines beside, which take longer for each.
BESIDE, QUICK_BESIDE = 1_000, 200
STEPS = 8
MEGABYTE = 1_000_000
WALL_GOALS = {"sqlite": 90.0, "postgresql": 60.0}


def measure(arguments: argparse.Namespace) -> Measured:
    """Plays the fleet and looks at what came of it."""
    logging.disable(logging.WARNING)
    tasks = arguments.tasks or (QUICK_TASKS if arguments.quick else TASKS)
    workers = 0 if arguments.one_process else arguments.workers or (1 if arguments.database == "sqlite" else 2)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(server()) if arguments.database == "postgresql" else None
        url, cpu = (postgres.fresh(), postgres.cpu) if postgres else ("", float)
        made = make_fleet(folder / "fleet", domains=arguments.domains, tasks=tasks, database_url=url)
        played = asyncio.run(play(folder / "fleet", made, Terms(workers, arguments.an_hour, cpu, arguments.idle)))
        found = look(folder / "fleet", made)
        figures = _figures(arguments, tasks, played, found)
        if postgres and not arguments.alone:
            figures |= _beside(folder, postgres, QUICK_BESIDE if arguments.quick else BESIDE, figures)
    return figures, _goals(arguments, tasks, played, found)


def _beside(folder: Path, postgres: Server, tasks: int, figures: dict[str, Any]) -> dict[str, Any]:
    """Has the engines that only save steps do the same, fewer of them, and holds Remit's step against theirs."""
    told: dict[str, Any] = {"beside: tasks": tasks}
    for engine in ENGINES:
        row = beside(engine, folder / engine, postgres.fresh(), postgres.process, tasks)
        ours = figures["worker CPU ms a step"] + figures["database server CPU ms a step"]
        told |= {
            f"{engine}: worker CPU ms a step": round(row.cpu_ms, 4),
            f"{engine}: database server CPU ms a step": round(row.server_cpu_ms, 4),
            f"{engine}: wall ms a step": round(row.wall_ms, 4),
            f"Remit / {engine}, CPU of a step, database included": round(ours / (row.cpu_ms + row.server_cpu_ms), 3),
            f"Remit / {engine}, wall of a step": round(figures["wall ms a step"] / row.wall_ms, 3),
        }
    return told


def _figures(arguments: argparse.Namespace, tasks: int, played: Played, found: Found) -> dict[str, Any]:
    steps = tasks * STEPS
    cpu = sum(worker.cpu for worker in played.workers)
    return {
        "database": arguments.database,
        "workers": "this process" if arguments.one_process else len(played.workers),
        "runs at once in a worker": Limits().concurrent_runs,
        "domains": arguments.domains,
        "tasks": tasks,
        "they come": f"{arguments.an_hour} an hour" if arguments.an_hour else "at once",
        "taking on s": round(played.taking_on, 2),
        "taking on, CPU ms a task": round(played.intake_cpu / tasks * 1000, 3),
        "workers at work after s": round(played.starting, 2),
        "wall s": round(played.wall, 2),
        "tasks an hour": round(tasks / played.wall * 3_600),
        "tasks an hour, with taking them on": round(tasks / (played.wall + played.taking_on) * 3_600),
        "steps a second": round(steps / played.wall),
        "wall ms a step": round(played.wall / steps * 1000, 4),
        "worker CPU ms a step": round(cpu / steps * 1000, 4),
        "of it in the tools' own code": round(found.tool_seconds / steps * 1000, 4),
        "database server CPU ms a step": round(played.server_cpu / steps * 1000, 4),
        "workers' cores in use": round(cpu / played.wall, 2),
        "transactions that write": played.transactions,
        **(
            {f"idle, CPU ms a second, {who}": round(of * 1000, 3) for who, of in asdict(played.idle).items()}
            if played.idle
            else {}
        ),
        **found.figures,
        "approvals answered": played.answered,
        "memory MB at most, by worker": [round(worker.peak / MEGABYTE) for worker in played.workers],
        "governed steps": found.steps,
        "tool calls": found.calls,
        "right end states": found.right,
        "effects twice": found.twice,
        "unfinished": played.unfinished,
        "wrong": [*found.wrong[:5], *found.budget_faults[:5]],
        "database kB a task": round(found.database_bytes / tasks / 1_000, 1),
        "log entries": found.log_entries,
        "log verified": found.log_verified,
        "simulated": True,
    }


def _goals(arguments: argparse.Namespace, tasks: int, played: Played, found: Found) -> list[Goal]:
    # Ten thousand have a fixed time; fewer have as much of it as they are, and what starting takes.
    wall = WALL_GOALS[arguments.database] * tasks / TASKS + (0.0 if tasks == TASKS else 5.0)
    return [
        *([] if arguments.an_hour else [Goal("wall s", round(played.wall, 2), wall)]),
        Goal("right end states, share", found.right / tasks, 0.999, at_least=True),
        Goal("effects twice", found.twice, 0),
        Goal("budget faults", len(found.budget_faults), 0),
        Goal("memory MB of a worker at most", max(worker.peak for worker in played.workers) / MEGABYTE, 300),
        Goal("log verified", int(found.log_verified), 1, at_least=True),
    ]


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--tasks", {"type": int, "default": 0, "help": f"how many at once (default {TASKS}, quick {QUICK_TASKS})"}),
    ("--domains", {"type": int, "default": 100, "help": "contracts, each in a business unit of its own"}),
    ("--workers", {"type": int, "default": 0, "help": "processes (default 2, on SQLite 1)"}),
    (
        "--an-hour",
        {"type": int, "default": 0, "help": "so many tasks come by chance while workers work, not all at once"},
    ),
    (
        "--idle",
        {"type": float, "default": 0.0, "help": "with --an-hour: seconds with nothing to do before, measured too"},
    ),
    ("--database", {"choices": ["postgresql", "sqlite"], "default": "sqlite", "help": "where Remit keeps everything"}),
    ("--alone", {"action": "store_true", "help": "without the engines beside, which run on PostgreSQL only"}),
    ("--one-process", {"action": "store_true", "help": "no workers: everything here, for a profiler"}),
)

if __name__ == "__main__":
    main("Ten thousand tasks at once", measure, *OPTIONS)
