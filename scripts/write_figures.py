"""Writes the tables of measured figures in the documents from benchmarks/results: `write_figures.py [--check]`.

A table stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`. What nobody has measured yet is a dash.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = (ROOT / "docs" / "fleet.md", ROOT / "docs" / "scale.md")
_TABLE = re.compile(r"(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
UNKNOWN = "–"
Figures = Mapping[str, Any]
Columns = Mapping[str, str]
"""What stands above a column, and the file of results it is from."""
Rows = Mapping[str, str | Callable[[Figures], str]]
"""What a row says, and the figure's name or how it is made."""

DATABASES: Columns = {"SQLite, one worker": "fleet-sqlite", "PostgreSQL, two workers": "fleet-postgresql"}


def _pair(first: str, second: str, unit: str) -> Callable[[Figures], str]:
    return lambda figures: f"{_shown(figures[first])}, {_shown(figures[second])} {unit}"


def _of(name: str, unit: str) -> Callable[[Figures], str]:
    return lambda figures: f"{_shown(figures[name])} {unit}" if name in figures else UNKNOWN


def _most(name: str, unit: str) -> Callable[[Figures], str]:
    return lambda figures: f"{_shown(max(figures[name]))} {unit}"


def _out_of(name: str, whole: str) -> Callable[[Figures], str]:
    return lambda figures: f"{_shown(figures[name])} of {_shown(figures[whole])}"


def _fullest(name: str) -> Callable[[Figures], str]:
    return lambda figures: _shown(figures[name]["fullest cell, of what it could do"])


def _page(path: str) -> Callable[[Figures], str]:
    return _pair(f"{path} ms", f"{path} ms at most", "ms")


def _yes(name: str) -> Callable[[Figures], str]:
    return lambda figures: "yes" if figures[name] else "no"


def _faults(figures: Figures) -> str:
    return "none" if not figures["wrong"] else "; ".join(figures["wrong"])


TABLES: Mapping[str, tuple[Columns, Rows]] = {
    "fleet": (
        DATABASES,
        {
            "tasks, all at once": "tasks",
            "until the last has ended": _of("wall s", "s"),
            "tasks an hour": "tasks an hour",
            "taking them on, before": _of("taking on s", "s"),
            "CPU of a step, workers": _of("worker CPU ms a step", "ms"),
            "of it in the tools' own code": _of("of it in the tools' own code", "ms"),
            "CPU of a step, database server": _of("database server CPU ms a step", "ms"),
            "a step, p50 and p99": _pair("step p50 ms", "step p99 ms", "ms"),
            "an attempt, p50 and p99": _pair("attempt p50 s", "attempt p99 s", "s"),
            "memory of a worker at most": _most("memory MB at most, by worker", "MB"),
            "right end states in the tools' own file": _out_of("right end states", "tasks"),
            "effects twice": "effects twice",
            "approvals answered": "approvals answered",
            "faults of money or end state": _faults,
            "log entries": "log entries",
            "log verified": _yes("log verified"),
        },
    ),
    "beside": (
        {"with PostgreSQL, two processes": "fleet-postgresql"},
        {
            "Remit, CPU of a step: worker, database server": _pair(
                "worker CPU ms a step", "database server CPU ms a step", "ms"
            ),
            "plain DBOS": _pair("dbos: worker CPU ms a step", "dbos: database server CPU ms a step", "ms"),
            "LangGraph": _pair("langgraph: worker CPU ms a step", "langgraph: database server CPU ms a step", "ms"),
            "Remit / DBOS, CPU of a step": "Remit / dbos, CPU of a step, database included",
            "Remit / LangGraph, CPU of a step": "Remit / langgraph, CPU of a step, database included",
            "Remit / DBOS, wall of a step": "Remit / dbos, wall of a step",
            "Remit / LangGraph, wall of a step": "Remit / langgraph, wall of a step",
        },
    ),
    "model-calls": (
        {"SQLite": "model_calls-sqlite", "PostgreSQL": "model_calls-postgresql"},
        {
            "calls, in so many seconds": _pair("calls", "seconds", "s"),
            "calls an hour": "calls an hour",
            "answered, refused by the small budget": _pair(
                "answered", "refused, the small budget being used up", "calls"
            ),
            "faults of money": lambda figures: "none" if not figures["faults of money"] else "some",
            "calls under way at most": "calls under way at most",
            "as fast as it goes": _of("fast: calls a second", "calls a second"),
            "of the rate of 50,000 an hour": _of("fast: times the rate", "times"),
        },
    ),
    "cell": (
        {"SQLite, one worker": "simulate_cells-sqlite", "PostgreSQL, two workers": "simulate_cells-postgresql"},
        {
            "all at once, measured": _of("at once: wall s, measured", "s"),
            "all at once, by the model": _of("at once: wall s, by the model", "s"),
            "108,000 an hour: a task, p50, measured": _of("middling: task p50 s, measured", "s"),
            "108,000 an hour: a task, p50, by the model": _of("middling: task p50 s, by the model", "s"),
            "108,000 an hour: cores busy, measured": "middling: cores busy, measured",
            "108,000 an hour: cores busy, by the model": "middling: cores busy, by the model",
            "180,000 an hour: a task, p50, measured": _of("busy: task p50 s, measured", "s"),
            "180,000 an hour: a task, p50, by the model": _of("busy: task p50 s, by the model", "s"),
            "180,000 an hour: cores busy, measured": "busy: cores busy, measured",
            "180,000 an hour: cores busy, by the model": "busy: cores busy, by the model",
            "saturates first": "saturates first",
            "tasks a second at most, worker CPU": "tasks a second at most, worker CPU",
            "tasks a second at most, all cores": "tasks a second at most, cores",
        },
    ),
    "releases": (
        {"": "growth-postgresql"},
        {
            "a compiled release": _of("kB of a compiled release", "kB"),
            "of each, where an eighth of them is kept": _of("kB of each, an eighth of them kept", "kB"),
            "CPU to compile one": _of("ms CPU to compile a release", "ms"),
        },
    ),
    "pages": (
        {"PostgreSQL": "pages-postgresql"},
        {
            "agents, runs": lambda figures: f"{figures['agents']:,}, {figures['runs']:,}",
            "the overview": _page("/"),
            "the census: agents, of a unit, found by name": lambda figures: (
                ", ".join(_shown(figures[f"{path} ms"]) for path in ("/agents", "/agents?unit=…", "/agents?search=…"))
                + " ms"
            ),
            "an agent": _page("/agents/…"),
            "tasks": _page("/tasks"),
            "a task": _page("/tasks/…"),
            "runs": _page("/runs"),
            "a run": _page("/runs/…"),
            "questions": _page("/approvals"),
            "switches": _page("/switches"),
            "what a switch would stop": _page("/switches/dry-run?scope=fleet"),
            "the log": _page("/log"),
            "figures of a week": _page("/figures"),
            "figures of ninety days": _page("/figures?period=90d"),
        },
    ),
    "spread": (
        {"": "simulate_cells-postgresql"},
        {
            "largest of a thousand units, share of all work": "largest unit, share of all work",
            "the same, of what one of 100 cells could do": "largest unit, of what one of 100 cells could do",
            "10 cells, units by hash": _fullest("10 cells, units by hash"),
            "10 cells, units by size": _fullest("10 cells, units by size"),
            "10 cells, by size, large ones split": _fullest("10 cells, units by size, large ones split"),
            "100 cells, units by hash": _fullest("100 cells, units by hash"),
            "100 cells, units by size": _fullest("100 cells, units by size"),
            "100 cells, by size, large ones split": _fullest("100 cells, units by size, large ones split"),
        },
    ),
    "machines": (
        {"SQLite, one worker": "simulate_cells-sqlite", "PostgreSQL, two workers": "simulate_cells-postgresql"},
        {
            "1 million tasks a day": "machines for 1,000,000 tasks a day",
            "10 million": "machines for 10,000,000 tasks a day",
            "100 million": "machines for 100,000,000 tasks a day",
        },
    ),
    "sequencer": (
        {"": "sequencer"},
        {
            "entries that get their place in a second": "entries moved a second",
            "CPU of an entry: sequencer, database server": _pair(
                "sequencer CPU us an entry", "database server CPU us an entry", "µs"
            ),
            "SQLite, in the commit, entries a second": "SQLite, in the commit, entries a second",
            "tasks of the fleet a second that one sequencer carries": "tasks a second that one sequencer carries",
        },
    ),
}


PLOTS: Mapping[str, str] = {
    "growth-tasks": "CPU and memory, tasks an hour and bytes of the database by tasks",
    "growth-agents": "CPU and memory, wall time and start of the workers by agents",
}


def shown(name: str) -> str:
    """Returns what stands under a name: a table, or the plots that were drawn."""
    return plots() if name == "growth" else table(name)


def plots() -> str:
    """Returns the plots of `benchmarks/growth.py`."""
    drawn = [
        f"![{said}](images/{name}.svg)\n"
        for name, said in PLOTS.items()
        if (ROOT / "docs" / "images" / f"{name}.svg").is_file()
    ]
    return "\n".join(drawn) or f"{UNKNOWN}\n"


def table(name: str) -> str:
    """Returns one table."""
    columns, rows = TABLES[name]
    read = [_figures(file) for file in columns.values()]
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {words} | {' | '.join(_cell(figures, made) for figures in read)} |" for words, made in rows.items()]
    return "\n".join(lines) + "\n"


def _figures(file: str) -> Figures | None:
    path = RESULTS / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8"))["figures"] if path.is_file() else None


def _cell(figures: Figures | None, made: str | Callable[[Figures], str]) -> str:
    if figures is None:
        return UNKNOWN
    return _shown(figures.get(made, UNKNOWN)) if isinstance(made, str) else made(figures)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main(arguments: Sequence[str]) -> int:
    """Writes the documents, or with `--check` says which of them are not as they would be written."""
    stale: list[Path] = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        written = _TABLE.sub(lambda found: found[1] + shown(found["name"]) + found[3], text)
        if written != text:
            stale.append(path)
            if "--check" not in arguments:
                path.write_text(written, encoding="utf-8")
    told = "not as benchmarks/results has it" if "--check" in arguments else "written"
    print("\n".join(f"{path.relative_to(ROOT)}: {told}" for path in stale) or "Every table is as it should be.")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
