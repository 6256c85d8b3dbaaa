"""What every benchmark shares: `--quick`, `--json`, `--keep`, and the form of its report."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure with what it should be: met when `value` is at most, or at least, `goal`."""

    name: str
    value: float
    goal: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        """Returns name, value, goal and whether it is met."""
        told = asdict(self)
        del told["at_least"]
        return told | {"met": self.met}


Measured = tuple[Mapping[str, Any], list[Goal]]


def _database(arguments: argparse.Namespace) -> list[str]:
    """Returns the database that was measured, where a benchmark has several."""
    return [arguments.database] if hasattr(arguments, "database") else []


def main(
    description: str, measure: Callable[[argparse.Namespace], Measured], *options: tuple[str, dict[str, Any]]
) -> None:
    """Parses the options, measures, and reports."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: at most 45 seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object: figures and goals")
    parser.add_argument(
        "--keep", action="store_true", help="write figures and goals to results/, where documents have them"
    )
    for name, settings in options:
        parser.add_argument(name, **settings)
    arguments = parser.parse_args()
    figures, goals = measure(arguments)
    told = json.dumps({"figures": figures, "goals": [goal.as_json() for goal in goals]}, indent=2)
    if arguments.keep:
        kept = RESULTS / f"{'-'.join([Path(sys.argv[0]).stem, *_database(arguments)])}.json"
        kept.write_text(f"{told}\n", encoding="utf-8")
    if arguments.json:
        print(told)
        return
    for name, value in figures.items():
        print(f"{name:<44} {value if not isinstance(value, float) else f'{value:.4g}'}")
    for goal in goals:
        word = "met" if goal.met else "NOT MET"
        print(f"goal {goal.name:<39} {goal.value:.4g}, goal {'≥' if goal.at_least else '≤'} {goal.goal:g}: {word}")
