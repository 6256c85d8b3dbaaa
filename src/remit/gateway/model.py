"""What comes in at the gateway and what goes out: actions, and one of three outcomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from enum import IntEnum
from typing import Any, Literal

from remit.core import JsonValue, canonical_bytes
from remit.guardrails import UNDECIDED
from remit.journal import ActionKind

# A person compares three options at a glance; more is a report.
MOST_ALTERNATIVES = 3
# Of what an agent says about its own action; longer thoughts are results of a step.
LONGEST_WORDS = 8_000
CONFIDENCE_STEP = Decimal("0.0001")
# What is not from 0 to 1 is none: policy denies it, whatever it was.
NO_CONFIDENCE = Decimal(-1)
# How the words begin that an agent reads instead of a result its gate did not find true.
REFUTED = "the result failed its gate"


class Check(IntEnum):
    """The numbered steps of one action; a refusal names the one that refused."""

    IDENTIFY = 1
    SWITCHES = 2
    LIFECYCLE = 3
    LIMITS = 4
    INPUT = 5
    AUTHORITY = 6
    GUARDRAILS = 7
    APPROVAL = 8
    RESERVE = 9
    LOCK = 10
    PERFORM = 11
    AFTER = 12
    OUTCOME = 13


@dataclass(frozen=True, slots=True)
class Action:
    """What an agent asks to do, and what it says about it."""

    kind: ActionKind
    name: str
    """A tool's full name, or a model route."""
    arguments: Mapping[str, Any]
    step: int
    """Its number in the run, from 1, without gaps."""
    confidence: Decimal | None = None
    """The agent's own word, 0 to 1; it can only lower authority."""
    alternatives: tuple[Mapping[str, Any], ...] = ()
    """What else was considered, each `{option, consequence}`; three at most are kept."""
    reasoning: str = ""

    def as_asked(self) -> dict[str, Any]:
        """Returns what the digest of what was asked names."""
        return {"kind": self.kind, "name": self.name, "arguments": dict(self.arguments)}

    def bounded(self) -> "Action":
        """Returns the action with the agent's own words cut to what a record can hold."""
        if self.confidence is None and not self.alternatives and not self.reasoning:
            return self
        told = [one for one in self.alternatives if _is_small_json(one)][:MOST_ALTERNATIVES]
        sure = self.confidence
        if sure is not None:
            known = sure.is_finite() and 0 <= sure <= 1
            sure = sure.quantize(CONFIDENCE_STEP, ROUND_DOWN).normalize() if known else NO_CONFIDENCE
        return replace(
            self,
            confidence=sure,
            alternatives=tuple(told),
            reasoning=self.reasoning[:LONGEST_WORDS].encode(errors="replace").decode(),
        )


def _is_small_json(value: Any) -> bool:
    try:
        return len(canonical_bytes(value)) <= LONGEST_WORDS
    except (TypeError, ValueError, RecursionError):
        return False


@dataclass(frozen=True, slots=True)
class Denied:
    """Not permitted: which step refused, why, and what the agent may do instead."""

    step: Check
    reason: str
    hint: str = ""
    decision: str = ""
    words: str = ""
    """What a gate, a person or a fault said about it. It may be personal, so the log has only its digest."""

    @property
    def is_undecided(self) -> bool:
        """Whether it was refused because of a fault (a source that cannot be read), and not by a rule."""
        return UNDECIDED in self.reason or UNDECIDED in self.words

    def sentence(self) -> str:
        """Returns what the agent reads."""
        why = f"{self.reason}: {self.words.rstrip('.')}" if self.words else self.reason
        return f"Not permitted: {why}." + (f" {self.hint.rstrip('.')}." if self.hint else "")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing happened yet: a person has to answer first, and the run is parked."""

    for_what: Literal["approval", "person", "outcome", "handoff", "upstream"]
    approval: str
    """The question it waits for, or the upstream."""
    decision: str = ""
    child: str = ""
    """The run that was handed the work."""
    until: int | None = None
    """When it may go on by itself, microseconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """It happened, once. `is_error` says that the tool itself refused; `value` then holds its words."""

    value: JsonValue
    decision: str
    is_error: bool = False
    cost: int = 0
    """Micro-units of the cell's currency."""
    acted: bool = False
    """Of an error: the tool has acted all the same, and what it returned cannot be used or failed its gate."""

    @property
    def is_refuted(self) -> bool:
        """Whether the tool returned something and its gate did not find it true."""
        return self.is_error and self.words().startswith(REFUTED)

    def words(self) -> str:
        """Returns what the agent reads of a refusal by the tool."""
        told: Any = self.value
        said = told.get("error") if isinstance(told, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return said if isinstance(said, str) else json.dumps(self.value, ensure_ascii=False)


Outcome = Denied | Waiting | Done
