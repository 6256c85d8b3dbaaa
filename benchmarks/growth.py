"""How cost grows: 1,000, 10,000 and 100,000 tasks of a hundred agents, and 10, 1,000 and 10,000 agents with as many tasks.

Each point is a play of `fleet.py` in processes of its own. What should not grow is what one task costs: CPU, and bytes in
the database; what grows with agents is how long a worker takes to start, and its memory. `--keep` writes the points to
`results/` too, and draws the plots of the documentation from the files there; `--plot` only draws.

A cell on two cores does some 120 tasks a second and takes 800 a second on: 100,000 take a quarter of an hour, and there is
no shorter way to see what they cost. `--only tasks` is that and two minutes more. `--only agents` is some ten minutes: 10,000
contracts are compiled once, before they are registered. What is kept of the other part stays.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from _fleet_made import make_fleet
from _plays import play_fleet
from _plot import chart, figure
from _report import RESULTS, Goal, Measured, main
from remit.contracts import read_fleet
from remit.core import load_settings
from remit.gateway import Releases
from remit.policy import Policy

IMAGES = Path(__file__).parents[1] / "docs" / "images"
TASKS, QUICK_TASKS = (1_000, 10_000, 100_000), (50, 500)
AGENTS, QUICK_AGENTS = (10, 1_000, 10_000), (10, 100)
# Releases of which memory and time are taken.
RELEASES, QUICK_RELEASES = 800, 100
# What a task costs may differ by so much between the fewest and the most.
GROWTH = 1.25
# What the points of a part differ in.
COUNTED = {"tasks": "tasks", "agents": "domains"}
Points = list[dict[str, Any]]


def measure(arguments: argparse.Namespace) -> Measured:
    """Plays every point."""
    if arguments.plot:
        draw()
        return {"drawn": [str(path) for path in sorted(IMAGES.glob("growth-*.svg"))]}, []
    tasks, agents = (QUICK_TASKS, QUICK_AGENTS) if arguments.quick else (TASKS, AGENTS)
    fixed = 100 if arguments.quick else 10_000
    path = RESULTS / f"points-{arguments.database}.json"
    told: dict[str, Points] = json.loads(path.read_text(encoding="utf-8")) if arguments.only and path.is_file() else {}
    if arguments.only != "agents":
        told["tasks"] = [_play(arguments.database, "--tasks", str(many)) for many in tasks]
    if arguments.only != "tasks":
        told["agents"] = [_play(arguments.database, "--tasks", str(fixed), "--domains", str(many)) for many in agents]
    if arguments.keep:
        path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        draw()
    figures: dict[str, Any] = {"database": arguments.database}
    figures |= release_figures(QUICK_RELEASES if arguments.quick else RELEASES)
    for name, points in told.items():
        for point in points:
            figures |= {f"{point[COUNTED[name]]:,} {name}: {what}": of(point) for what, of in SHOWN.items()}
    return figures, _goals(told)


def _play(database: str, *options: str) -> dict[str, Any]:
    """Plays one point, and says so."""
    print(f"playing fleet.py --database {database} {' '.join(options)}", file=sys.stderr, flush=True)
    return play_fleet(database, *options)


def _goals(told: Mapping[str, Points]) -> list[Goal]:
    wrong = sum(point["tasks"] - point["right end states"] for points in told.values() for point in points)
    goals = [Goal("tasks without their right end state", wrong, 0)]
    if by_tasks := told.get("tasks"):
        ratio = cpu_ms(by_tasks[-1]) / cpu_ms(by_tasks[0])
        goals.append(Goal("CPU of a task, most tasks / fewest", round(ratio, 3), GROWTH))
    return goals


def release_figures(many: int) -> dict[str, Any]:
    """Returns what a compiled release takes: memory of this process, Cedar's included, and CPU; and what many do."""
    with tempfile.TemporaryDirectory() as folder:
        make_fleet(Path(folder) / "fleet", domains=many, tasks=many)
        fleet, _ = read_fleet(Path(folder) / "fleet")
        settings = load_settings(Path(folder) / "fleet")
    told: dict[str, Any] = {}
    held: list[Releases] = []  # what the first has given back would be the second's
    for kept, name in ((many // 8, "kB of each, an eighth of them kept"), (many, "kB of a compiled release")):
        limits = settings.limits.model_copy(update={"compiled_releases": kept})
        releases = Releases(fleet, settings.model_copy(update={"limits": limits}), Policy(bundles_kept=kept))
        held.append(releases)
        before, cpu = _resident(), time.process_time()
        for digest in releases:
            releases[digest]
        told["ms CPU to compile a release"] = round((time.process_time() - cpu) / many * 1000, 2)
        told[name] = round((_resident() - before) / many / 1000, 1)
    return told


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_ms(point: Mapping[str, Any]) -> float:
    """Returns CPU milliseconds of a task: worker, database server and taking on."""
    steps = point["worker CPU ms a step"] + point["database server CPU ms a step"]
    return round(steps * 8 + point["taking on, CPU ms a task"], 3)


def _of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda point: point[name]


def _memory(point: Mapping[str, Any]) -> float:
    return max(point["memory MB at most, by worker"])


SHOWN: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "CPU ms a task": cpu_ms,
    "wall s": _of("wall s"),
    "tasks an hour": _of("tasks an hour"),
    "memory MB of a worker": _memory,
    "database kB a task": _of("database kB a task"),
    "workers at work after s": _of("workers at work after s"),
}


def draw() -> None:
    """Draws the plots from all files of results."""
    kept = {
        path.stem.removeprefix("points-"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(RESULTS.glob("points-*.json"))
    }
    if not kept:
        sys.exit(f"There is nothing in {RESULTS} to draw: `--keep` plays the fleet and writes it.")
    for name, own in (
        ("tasks", _shown("tasks an hour", "database kB a task")),
        ("agents", _shown("wall s", "workers at work after s")),
    ):
        drawn = {database: points for database, points in kept.items() if points.get(name)}
        if not drawn:
            continue
        shown = {**_shown("CPU ms a task", "memory MB of a worker"), **own}
        charts = [_chart(what, name, of, drawn) for what, of in shown.items()]
        said = f"How cost grows with {name}: {', '.join(shown)}"
        (IMAGES / f"growth-{name}.svg").write_text(figure(charts, said), encoding="utf-8")


def _shown(*names: str) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    return {name: SHOWN[name] for name in names}


def _chart(
    what: str, name: str, of: Callable[[Mapping[str, Any]], Any], drawn: Mapping[str, Mapping[str, Points]]
) -> str:
    series: dict[str, Sequence[tuple[float, float]]] = {
        database: [(point[COUNTED[name]], of(point)) for point in points[name]] for database, points in drawn.items()
    }
    return chart(what, name, series)


OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--database", {"choices": ["postgresql", "sqlite"], "default": "sqlite", "help": "where Remit keeps everything"}),
    (
        "--only",
        {
            "choices": ["tasks", "agents"],
            "default": "",
            "help": "one part: some 18 minutes, or some 10; both without it",
        },
    ),
    ("--plot", {"action": "store_true", "help": "only draw the plots from results/"}),
)

if __name__ == "__main__":
    main("How cost grows", measure, *OPTIONS)
