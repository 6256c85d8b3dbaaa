"""What somebody asked `remit demo` for."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Answers(StrEnum):
    """By which rule people answer when nobody sits at the prompt."""

    APPROVE = "approve"
    REJECT = "reject"
    SEEDED = "seeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTerms:
    """How a live demo goes."""

    headless: bool
    stays: bool
    """Whether the console stays open when everything has ended, until somebody ends it."""
    people: Answers
    seed: int
    tasks: int | None
    file: Path | None
    """The user's own work instead of invented work."""
    rate: float
    """Arrivals a minute; 0 lets them come as fast as the fleet takes them."""
    moments: tuple[float, ...]
    """When each arrives instead, in seconds since the start; empty leaves it to the rate."""
    most_open: int
    patience: float
    """Seconds until a simulated colleague answers what nobody has answered."""
    chaos: bool
    port: int | None
    trace: Path | None
    keep: Path | None
    as_json: bool
