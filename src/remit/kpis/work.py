"""What was done in all, for reports: it looks at every action and every entry of the log."""

from collections.abc import Mapping
from dataclasses import dataclass

from remit.store import Database, Row, load_queries

_Q = load_queries("remit.kpis")
HOW = ("autonomous", "approved", "human_led", "denied")
ANSWERS = ("approved", "edited", "rejected", "open")


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """Every action, gate and question of tasks, each counted once."""

    actions: Mapping[str, int]
    """Decided actions by how they came about: see `HOW`."""
    blocked: Mapping[str, int]
    """Denied actions by reason."""
    gates: Mapping[str, int]
    """How often a gate `passed` a claim, and `refuted` one."""
    questions: Mapping[str, int]
    """Questions to people by what they said: see `ANSWERS`; withdrawn and expired ones are left out."""
    taken_over: frozenset[str]
    """Tasks in which a person acted, or was asked what no contract plans to ask."""


def count_work(database: Database) -> WorkCounts:
    """Counts everything there is, as of one moment."""
    with database.snapshot():
        return WorkCounts(
            actions=_by(database.read(_Q["actions"]), "how", HOW),
            blocked=_by(database.read(_Q["blocked"]), "why"),
            gates=_by(
                [*database.read(_Q["gates_before"]), *database.read(_Q["gates_after"])], "held", ("passed", "refuted")
            ),
            questions=_by(database.read(_Q["answered"]), "answer", ANSWERS),
            taken_over=frozenset(row["task"] for row in database.read(_Q["taken_over"])),
        )


def _by(rows: list[Row], name: str, known: tuple[str, ...] = ()) -> dict[str, int]:
    counts = dict.fromkeys(known, 0)
    for row in rows:
        counts[row[name]] = counts.get(row[name], 0) + row["count"]
    return counts
