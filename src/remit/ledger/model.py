"""Budgets, holds and charges: what may be spent, what is reserved, what was."""

from dataclasses import dataclass
from typing import Literal

ChargeKind = Literal["tool", "model", "person"]
Source = Literal["live", "recorded", "simulated"]


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on money: no hold takes `held + spent` past its holder's `cap` (micro-units; None only meters)."""

    id: str
    cap: int | None
    held: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """One cost with its home: who caused it, for which unit, and whether its price is known."""

    run: str
    step: int
    task: str
    agent: str
    version: str
    unit: str
    kind: ChargeKind
    name: str
    amount: int
    priced: bool
    source: Source
    input_tokens: int
    output_tokens: int
    at: int


def run_budget(run: str) -> str:
    """Returns the id of a run's budget."""
    return f"run:{run}"


def day_budget(kind: Literal["agent", "unit"], name: str, day: str) -> str:
    """Returns the id of an agent's or unit's budget for one UTC day."""
    return f"{kind}:{name}:{day}"
