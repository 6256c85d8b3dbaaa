"""Overrides: what people did not let stand of what an agent proposed, each with its category."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


class OverrideCategory(StrEnum):
    """Why a person changed or refused what an agent proposed. `MEANINGS` defines each."""

    WRONG_AMOUNT = "wrong-amount"
    WRONG_SUBJECT = "wrong-subject"
    WRONG_ACTION = "wrong-action"
    NOT_ALLOWED = "not-allowed"
    UNSUPPORTED = "unsupported"
    MISSING_INFORMATION = "missing-information"
    BAD_TONE = "bad-tone"
    BETTER_WAY = "better-way"
    OTHER = "other"


MEANINGS: Mapping[OverrideCategory, str] = {
    OverrideCategory.WRONG_AMOUNT: "The action is right, its sum or quantity is not.",
    OverrideCategory.WRONG_SUBJECT: "It is about another person, order or record than it should be.",
    OverrideCategory.WRONG_ACTION: "Something else should be done, or nothing at all.",
    OverrideCategory.NOT_ALLOWED: "A rule of the house forbids it, whether or not a policy says so yet.",
    OverrideCategory.UNSUPPORTED: "It claims something for which there is no evidence.",
    OverrideCategory.MISSING_INFORMATION: "It may be right, but something must be known first.",
    OverrideCategory.BAD_TONE: "What it says is right, how it says it is not.",
    OverrideCategory.BETTER_WAY: "It is not wrong, but another way serves better.",
    OverrideCategory.OTHER: "None of these; the reason says what.",
}
"""Every category in one sentence, as it is shown to whoever chooses."""

OVERRIDABLE = ("action", "proposal", "answer")
"""Kinds of questions about what an agent proposed; the others are about what happened."""


@dataclass(frozen=True, slots=True)
class Override:
    """What one person did not let stand, as it is kept; content lies in payloads under its digests."""

    id: str
    approval: str
    kind: Literal["action", "proposal", "answer"]
    answer: Literal["edit", "reject"]
    category: OverrideCategory
    person: str
    agent: str
    version: str
    name: str
    task: str
    run: str
    step: int
    input: str
    proposed: str
    decided: str
    """What it was changed to; empty says that it must not be."""
    reason: str
    at: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Override":
        """Reads a database row."""
        values = {name: row[name] for name in cls.__slots__}
        values["category"] = OverrideCategory(values["category"])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overriding:
    """What is said when something is overridden."""

    person: str
    answer: Literal["edit", "reject"]
    category: OverrideCategory
    input: str
    decided: str
    reason: str
