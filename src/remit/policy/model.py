"""The questions put to policy and its answers. Frozen, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

ActionKind = Literal["tool", "model", "handoff", "memory"]
Subject = Literal["inside", "outside", "unknown", "none"]
Effect = Literal["permit", "forbid"]


class Rung(StrEnum):
    """How freely an action may be taken; one question to policy each."""

    AUTONOMOUS = "autonomous"
    """Now, without asking anybody."""
    ASK = "ask"
    """May it be put to people?"""
    APPROVED = "approved"
    """Now, with the approval in context: the only rung asked once people have answered."""
    SUGGEST = "suggest"
    """May it be proposed, for a person to do?"""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's yes, and the roles the person holds."""

    person: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """What people said yes to: the digest of the action, and when (microseconds)."""

    votes: tuple[Vote, ...]
    digest: str
    at: int


@dataclass(frozen=True, slots=True)
class Question:
    """May this action be taken? `name` is the tool, the model route, the target agent, or `read` / `write` of memory."""

    kind: ActionKind
    name: str
    arguments: Mapping[str, Any]
    """The normalised input. A model call gives `privacy` and `max_tokens`."""
    facts: Mapping[str, Any]
    """What the tool's facts function found; None is not known."""
    digest: str
    now: int
    on_behalf_of: str
    hops: int
    intent: str
    subject: Subject
    confidence: Decimal | None
    """What the agent says of itself, 0 to 1. It can only lower authority."""
    approval: ApprovalGiven | None = None
    person: str = ""
    """Set when a person acts: the principal is that person, in `roles`."""
    roles: tuple[str, ...] = ()
    spent_today: int | None = None
    """Micro-units of the cell's currency, holds included; None is not known."""
    amount: int | None = None
    """Micro-units of the cell's currency this action moves; None is not known."""
    refused_before: bool = False
    """Whether people have said no to this tool in this task. It can only lower authority."""
    undoes: str = ""
    """In a rollback: what the call undoes and how freely that was done, see `undoes`; empty for any other call."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One policy that determined an answer, in words."""

    policy: str
    effect: Effect
    because: str
    source: str
    """`file:line`."""
    text: str


@dataclass(frozen=True, slots=True)
class RungAnswer:
    """What policy said to one rung: permits when allowed, forbids (or nothing) when not."""

    rung: Rung
    allowed: bool
    reasons: tuple[Reason, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleVotes:
    """At least `count` people of `role`; nobody is counted for two roles."""

    role: str
    count: int


Quorum = tuple[RoleVotes, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The most autonomous rung policy permits, or None: denied."""

    rung: Rung | None
    answers: tuple[RungAnswer, ...]
    """One per rung asked, in order."""
    approvers: tuple[Quorum, ...]
    """On `ask`: alternatives, any one suffices. On `suggest`: whoever is named may act."""
    hint: str
    """What the agent may do instead, in one sentence; empty when it may act."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of one policy beyond what Cedar evaluates."""

    effect: Effect
    because: str
    source: str
    text: str
    action: str = ""
    """The one action a contract's policy is about; empty for org policies."""
    quorum: Quorum = ()
    """Who answers (`ask`, `approved`) or may act (`suggest`) under this permit."""


def undoes(tool: str, level: str) -> str:
    """Returns what a rollback says of a call: that it undoes one of `tool`, which was made at `level`."""
    return f"{tool}/{level}"
