"""The support fleet at 50,000 tickets an hour: whether the backlog stays bounded while they come in.

Tickets arrive at the moments at which a production service was called (Azure LLM inference trace 2023, conversation and
code, played 1.77 times as fast: 50,000 an hour) for five minutes, or evenly without the trace, and the figures say which.
They go through the real command: `remit demo --headless` with its worker process, the shop's own processes, and people
who answer by rule. The model is simulated and answers at once: these are figures of Remit and the shop, not of a model.

The backlog is the number of tickets that have arrived and are not ended, looked at every second. The named alternative
is the shop itself: CPU of Remit's processes over CPU of the shop's, in the same run; and a run of the same tickets that
arrive all at once tells what the machine does at most.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _report import Goal, Measured, main
from _trace import trace_calls

SECONDS, QUICK_SECONDS = 300.0, 12.0
LOOK_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1_000_000
# A ticket whose work takes this long was kept waiting by others: the work itself takes about a second.
PATIENCE = 300.0


@dataclass(slots=True)
class Looks:
    """What was seen every second."""

    backlog: list[int] = field(default_factory=list[int])
    arrived: list[int] = field(default_factory=list[int])
    memory: dict[str, int] = field(default_factory=dict[str, int])
    """Bytes at most, by kind of process."""
    cpu: dict[int, tuple[str, float]] = field(default_factory=dict[int, tuple[str, float]])
    """Kind and seconds, by process id."""

    def seconds_of(self, kind: str) -> float:
        """Returns the CPU seconds of all processes of a kind."""
        return sum(seconds for each, seconds in self.cpu.values() if each == kind)


def measure(arguments: argparse.Namespace) -> Measured:
    """Lets tickets come in for some minutes, then all at once."""
    seconds = QUICK_SECONDS if arguments.quick else arguments.seconds
    calls, shape = trace_calls(seconds)
    moments = [call.at for call in calls]
    report, looks = _demo(moments, len(moments))
    at_once = min(len(moments), 100 if arguments.quick else 1_500)
    fast, _ = _demo((), at_once)
    figures: dict[str, Any] = {
        "shape": shape,
        "tickets": len(moments),
        "offered an hour": round(len(moments) / seconds * 3_600),
        **_backlog(looks, seconds),
        "time to resolution p50 s": report["ttr_seconds"]["p50"],
        "time to resolution p90 s": report["ttr_seconds"]["p90"],
        "cpu s per ticket": _rounded(sum(each for _, each in looks.cpu.values()) / len(moments)),
        "cpu of Remit over cpu of the shop": _rounded(_remit(looks) / max(0.01, looks.seconds_of("shop"))),
        **{f"memory MB at most, {kind}": round(most / MEGABYTE) for kind, most in sorted(looks.memory.items())},
        "actions": report["actions"]["total"],
        "log entries": report["log"]["size"],
        "unfinished": report["tasks"]["unfinished"],
        "failed": report["tasks"]["failed"],
        "right ends": report["correct_outcomes"],
        "at once: tickets an hour": round(at_once / fast["wall_seconds"] * 3_600),
        "simulated": report["simulated"],
    }
    return figures, _goals(figures, report)


def _goals(figures: dict[str, Any], report: dict[str, Any]) -> list[Goal]:
    return [
        Goal("backlog when the last arrives, s of arrivals", figures["backlog at the end s"], 10),
        Goal("time to resolution p90 s", report["ttr_seconds"]["p90"] or PATIENCE, PATIENCE),
        Goal("right ends", report["correct_outcomes"] or 0, 0.99, at_least=True),
        Goal("unfinished or failed", figures["unfinished"] + figures["failed"], figures["tickets"] // 1_000),
        Goal("log verified", int(report["log"]["verified"]), 1, at_least=True),
    ]


def _backlog(looks: Looks, seconds: float) -> dict[str, Any]:
    """Returns the backlog over time: bounded when the last part looks like the middle."""
    last = next((at for at, arrived in enumerate(looks.arrived) if arrived == looks.arrived[-1]), 0)
    during = [backlog for backlog, arrived in zip(looks.backlog, looks.arrived, strict=True) if arrived][: last + 1]
    third = max(1, len(during) // 3)
    return {
        "backlog at most": max(during, default=0),
        "backlog, middle third, mean": _rounded(statistics.fmean(during[third : 2 * third] or [0])),
        "backlog, last third, mean": _rounded(statistics.fmean(during[2 * third :] or [0])),
        "backlog at the end s": _rounded((during[-1] if during else 0) / (looks.arrived[-1] / seconds)),
    }


def _demo(moments: Sequence[float], tickets: int) -> tuple[dict[str, Any], Looks]:
    """Plays tickets through the command, and looks at it from outside meanwhile."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, when = Path(temporary) / "fleet", Path(temporary) / "arrivals.txt"
        when.write_text("".join(f"{moment:.3f}\n" for moment in moments), encoding="utf-8")
        command = [sys.executable, "-m", "remit.cli", "demo", "support", "--headless", "--json", "--people", "approve"]
        command += ["--tasks", str(tickets), "--keep", str(folder), *(("--arrivals", str(when)) if moments else ())]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            looks = Looks()
            while process.poll() is None:
                _look(process.pid, folder / ".remit" / "remit.db", looks)
                time.sleep(LOOK_SECONDS)
            assert process.stdout is not None
            told = process.stdout.read()
    if not told:
        sys.exit(f"The demo ended with {process.returncode} and told nothing. Nothing was measured.")
    return json.loads(told), looks


def _look(demo: int, database: Path, looks: Looks) -> None:
    if database.exists():
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1.0)) as store:
                arrived, ended = store.execute("SELECT COUNT(*), COUNT(ended_at) FROM tasks").fetchone()
        except sqlite3.OperationalError:  # it is being made
            arrived = ended = 0
        looks.arrived.append(arrived)
        looks.backlog.append(arrived - ended)
    for pid, kind in _processes(demo).items():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        looks.cpu[pid] = kind, (int(fields[11]) + int(fields[12])) / TICKS
        looks.memory[kind] = max(looks.memory.get(kind, 0), int(fields[21]) * PAGE)


def _processes(demo: int) -> dict[int, str]:
    """Returns the demo's process and all below it, each with its kind."""
    below, found = _children(), {demo: "console and people"}
    waiting = [demo]
    while waiting:
        for child, line in below.get(waiting.pop(), ()):
            found[child] = "shop" if "support.shop" in line else "worker" if "worker" in line else "other"
            waiting.append(child)
    return found


def _children() -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found.setdefault(parent, []).append((int(entry.name), line))
    return found


def _remit(looks: Looks) -> float:
    return looks.seconds_of("worker") + looks.seconds_of("console and people")


def _rounded(value: float) -> float:
    return round(value, 3)


if __name__ == "__main__":
    seconds = {"type": float, "default": SECONDS, "help": "how long tickets come in"}
    main("The support fleet at 50,000 tickets an hour", measure, ("--seconds", seconds))
