"""A queueing model of a cell, held against a measured one, and then 1, 10 and 100 cells behind a directory of units.

The model (`_queueing.py`) is given what is measured with nothing to do, with few tasks, which hardly ever meet, and of all
tasks at once the CPU and the transactions alone (`_calibrated.py`). It then says how long ten thousand at once take, and how long
a task takes when they come by chance at two rates, of which it was given nothing; all three are held against measured plays. `--measure` makes the plays anew, in
some five minutes, and keeps them in `results/`.

Cells share nothing, so many cells are one cell many times; what is asked there is how evenly the units can be spread, what
saturates first in a cell, and how many machines so many tasks a day take. Arrivals are the Azure trace's, and Poisson with
bursts. Tools, models and people take no time of a machine here.
"""

import argparse
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from _calibrated import Play, costs_of, measured, poisson
from _fleet_checks import share
from _partition import by_hash, by_size, split, unit_shares
from _plays import play_fleet
from _queueing import STEPS, CellModel, Costs, Machine, Outcome
from _report import RESULTS, Goal, Measured, main
from _trace import trace_calls

DAY = 86_400
# Model and measurement may differ by so much of what was measured.
WITHIN = 0.15
UTILISATION = 0.5
CELLS = (1, 10, 100)
A_DAY = (1_000_000, 10_000_000, 100_000_000)
# A thousand units; the largest has an eighth of all work, the smallest a thousandth of that.
UNITS, SKEW = 1_000, 1.0
# A burst: five times the usual rate for ten seconds in every hundred.
BURST, BURST_SECONDS, EVERY_SECONDS = 5.0, 10.0, 100.0
# Plays of which the model is told only when the tasks came.
RATES = ("middling", "busy")
TASKS, QUICK_TASKS = 10_000, 2_000
PLAYS: Mapping[str, Sequence[str]] = {
    # Not one a second: a processor that sleeps in between takes several times as long for the same. And of few agents: what
    # is done once for each, such as compiling its release, is then as small a part as at a higher rate.
    "few": ("--tasks", "300", "--an-hour", "36000", "--idle", "15", "--domains", "20"),
    "middling": ("--tasks", "1350", "--an-hour", "108000"),
    "busy": ("--tasks", "2250", "--an-hour", "180000"),
    "at_once": ("--tasks", "10000"),
}


def measure_plays(database: str, plays: Mapping[str, Sequence[str]] = PLAYS) -> dict[str, Any]:
    """Plays the fleet at three loads and returns the figures of each."""
    told: dict[str, Any] = {}
    for name, options in plays.items():
        print(f"playing {name}: fleet.py {' '.join(options)}", file=sys.stderr, flush=True)
        told[name] = play_fleet(database, *options)
    return told


def check(plays: Mapping[str, Play], costs: Costs, machine: Machine) -> dict[str, Any]:
    """Holds what the model says against what was measured: how long all at once take, and all about the rates."""
    at_once = plays["at_once"]
    whole = CellModel(costs, machine).run([0.0] * at_once["tasks"], taken_on=True)
    started = at_once["workers at work after s"]
    told = {
        "at once: wall s, measured": at_once["wall s"],
        "at once: wall s, by the model": round(whole.wall + started, 2),
        "at once: attempt p50 s, measured": at_once["attempt p50 s"],
        "at once: attempt p50 s, by the model": share(whole.attempts, 0.5),
    }
    for name in RATES:
        if name not in plays:
            continue
        play = plays[name]
        rate = CellModel(costs, machine).run(poisson(play["tasks"], play["tasks"] / play["wall s"]))
        told |= {
            f"{name}: they came": play["they come"],
            f"{name}: task p50 s, measured": play["task, since it was taken on, p50 s"],
            f"{name}: task p50 s, by the model": share(rate.tasks, 0.5),
            f"{name}: cores busy, measured": _cores(play),
            f"{name}: cores busy, by the model": round(rate.core_busy / rate.wall, 3),
            f"{name}: transactions a task, measured": round(
                measured(play, "transactions that write") / play["tasks"], 2
            ),
            f"{name}: transactions a task, by the model": round(rate.transactions / play["tasks"], 2),
        }
    return told


def _cores(play: Play) -> float:
    """Returns how many cores a play of tasks that come at a rate has kept busy."""
    step = play["worker CPU ms a step"] + play["database server CPU ms a step"]
    return round((step * STEPS + play["taking on, CPU ms a task"]) / 1000 * play["tasks"] / play["wall s"], 3)


def off(told: Mapping[str, Any], what: str) -> float:
    """Returns by how much of the measured value the model is off."""
    measured = told[f"{what}, measured"]
    return round(abs(told[f"{what}, by the model"] - measured) / measured, 3) if measured else 1.0


# --- arrivals


def bursts(tasks: int, rate: float, seed: int = 3) -> list[float]:
    """Returns moments at so many a second on average, with bursts of five times as many as between them."""
    busy = BURST_SECONDS / EVERY_SECONDS
    calm = rate / (1 - busy + BURST * busy)
    drawn, at, moments = random.Random(seed), 0.0, list[float]()
    while len(moments) < tasks:
        at += drawn.expovariate(calm * BURST if at % EVERY_SECONDS < BURST_SECONDS else calm)
        moments.append(at)
    return moments


def traced(tasks: int, rate: float) -> list[float]:
    """Returns the moments of the Azure trace, as fast as it takes for so many a second on average."""
    calls, _ = trace_calls(600.0)
    moments = [call.at for call in calls][:tasks]
    faster = len(moments) / max(moments[-1] - moments[0], 1e-9)
    return [(at - moments[0]) * faster / rate for at in moments]


# --- one cell


def capacity(at_once: Play, machine: Machine) -> dict[str, float]:
    """Returns how many tasks a second each part of a cell does when it never waits, as measured with all at once."""
    worker = at_once["worker CPU ms a step"] / 1000 * STEPS
    server = at_once["database server CPU ms a step"] / 1000 * STEPS
    return {"worker CPU": machine.workers / worker, "cores": machine.cores / (worker + server)}


def loads(costs: Costs, machine: Machine, most: float, tasks: int) -> dict[str, Any]:
    """Returns utilisation and latency of one cell at parts of the `most` it does, for each kind of arrivals."""
    told: dict[str, Any] = {}
    for part in (0.3, 0.5, 0.7, 0.9):
        for name, arrive in (("Poisson", poisson), ("bursts", bursts), ("Azure trace", traced)):
            done = CellModel(costs, machine).run(arrive(tasks, most * part))
            told[f"{name} at {part:.0%}: task p50, p99 s"] = [share(done.tasks, 0.5), share(done.tasks, 0.99)]
            told[f"{name} at {part:.0%}: cores busy"] = _busy(done, machine)
    return told


def _busy(done: Outcome, machine: Machine) -> float:
    return round(done.core_busy / done.wall / machine.cores, 3) if done.wall else 0.0


# --- many cells


def spread(costs: Costs, machine: Machine, most: float, tasks: int) -> dict[str, Any]:
    """Returns how evenly 1, 10 and 100 cells are used when half of what they could do arrives, and p99 in the fullest."""
    shares, told = unit_shares(UNITS, SKEW), dict[str, Any]()
    for cells in CELLS:
        for name, place in (("by hash", by_hash), ("by size", by_size), ("by size, large ones split", _split)):
            parts = place(shares, cells)
            fullest = max(parts) * cells * UTILISATION
            row: dict[str, Any] = {"fullest cell, of what it could do": round(fullest, 3)}
            if fullest < 1:
                done = CellModel(costs, machine).run(bursts(tasks, most * fullest))
                row["task p99 s there"] = share(done.tasks, 0.99)
            told[f"{cells} cells, units {name}"] = row
    largest = shares[0]
    told["largest unit, share of all work"] = round(largest, 3)
    told["largest unit, of what one of 100 cells could do"] = round(largest * 100 * UTILISATION, 2)
    told["cells that can be half used before the largest unit fills one"] = int(1 / (largest * UTILISATION))
    return told


def _split(shares: Sequence[float], cells: int) -> list[float]:
    return by_size(split(shares, cells), cells)


def machines(most: float) -> dict[str, int]:
    """Returns how many machines so many tasks a day take at half of the `most` they do."""
    a_second = most * UTILISATION
    return {f"machines for {tasks:,} tasks a day": -(-tasks // int(a_second * DAY)) for tasks in A_DAY}


def given(costs: Costs) -> dict[str, float]:
    """Returns what the model was given, as figures."""
    return {f"given, ms: {name.replace('_', ' ')}": round(of * 1000, 4) for name, of in asdict(costs).items()}


def measure(arguments: argparse.Namespace) -> Measured:
    """Checks the model and asks it."""
    path = Path(arguments.plays) if arguments.plays else RESULTS / f"cell-{arguments.database}.json"
    if arguments.measure:
        path.write_text(json.dumps(measure_plays(arguments.database), indent=2) + "\n", encoding="utf-8")
    if not path.is_file():
        sys.exit(f"{path} is not there: `--measure` plays the fleet and writes it.")
    plays = json.loads(path.read_text(encoding="utf-8"))
    at_once = plays["at_once"]
    slots = at_once.get("runs at once in a worker", 300)
    machine = Machine(arguments.cores, at_once["workers"], slots, moves=at_once["database"] == "postgresql")
    costs, able = costs_of(plays, machine), capacity(at_once, machine)
    most, tasks = min(able.values()), arguments.tasks or (QUICK_TASKS if arguments.quick else TASKS)
    figures: dict[str, Any] = {
        "database": at_once["database"],
        "cores, workers": [machine.cores, machine.workers],
        **given(costs),
        **check(plays, costs, machine),
        **{f"tasks a second at most, {name}": round(each, 1) for name, each in able.items()},
        "saturates first": min(able.items(), key=lambda each: each[1])[0],
        **loads(costs, machine, most, tasks),
        **spread(costs, machine, most, tasks),
        **machines(most),
        "simulated": True,
    }
    return figures, [
        Goal("model off, wall of all at once", off(figures, "at once: wall s"), WITHIN),
        *(
            Goal(f"model off, task p50, {name}", off(figures, f"{name}: task p50 s"), WITHIN)
            for name in RATES
            if name in plays
        ),
    ]


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--database", {"choices": ["postgresql", "sqlite"], "default": "postgresql", "help": "whose measured plays"}),
    ("--plays", {"default": "", "help": "a file of measured plays, instead of the one in results/"}),
    ("--cores", {"type": int, "default": 2, "help": "of the machine on which it was measured"}),
    ("--tasks", {"type": int, "default": 0, "help": f"simulated for each question (default {TASKS})"}),
    ("--measure", {"action": "store_true", "help": "play the fleet at three loads first, and keep the figures"}),
)

if __name__ == "__main__":
    main("A queueing model of cells", measure, *OPTIONS)
