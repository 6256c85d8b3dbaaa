"""Questions to people and their answers, bound to the digest of what was asked."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from typing import Any, Literal

ApprovalKind = Literal["action", "proposal", "unknown", "answer", "stuck"]
"""An action that needs a yes; a human-led proposal a person carries out; an unknown outcome; an agent's answer; a run
that cannot go on by itself."""
VoteAnswer = Literal["approve", "edit", "reject"]
Needs = tuple[tuple[tuple[str, int], ...], ...]
"""Alternatives; each is a set of (role, votes of that role), all of which must be there."""


class ApprovalState(StrEnum):
    """Where a question stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer, with the roles they held and the digest they answered to."""

    person: str
    answer: VoteAnswer
    roles: tuple[str, ...]
    digest: str
    reason: str
    at: int
    category: str = ""
    """Why it is not what the agent proposed: an `OverrideCategory`, or nothing."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One question to people."""

    id: str
    kind: ApprovalKind
    run: str
    step: int
    task: str
    agent: str
    version: str
    name: str
    digest: str
    proposed: str
    options: str
    needs: Needs
    because: str
    on_behalf_of: str
    state: ApprovalState
    revision: int
    asked_at: int
    expires_at: int
    decided_at: int | None
    used_at: int | None
    reason: str
    confidence: str = ""
    """What the agent said of its own certainty, when it did."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Approval":
        """Reads a database row."""
        values = {name: row[name] for name in cls.__slots__}
        values["state"] = ApprovalState(values["state"])
        values["needs"] = read_needs(values["needs"])
        return cls(**values)

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that may answer, sorted."""
        return tuple(sorted({role for alternative in self.needs for role, _ in alternative}))


@lru_cache(maxsize=1_024)
def read_needs(text: str) -> Needs:
    """Reads the JSON form of `Needs`; contracts ask for the same few again and again."""
    return tuple(tuple((role, count) for role, count in alternative) for alternative in json.loads(text))


def is_satisfied(needs: Needs, votes: Sequence[Vote], digest: str) -> bool:
    """Whether the yeses to exactly `digest` fill one alternative; nobody counts twice, nor for two roles."""
    yes = {vote.person: vote.roles for vote in votes if vote.answer != "reject" and vote.digest == digest}
    return any(alternative and _can_fill(alternative, yes.values()) for alternative in needs)


def _can_fill(alternative: Sequence[tuple[str, int]], people: Collection[Sequence[str]]) -> bool:
    """Hall's theorem: everybody can be given one role when any set of roles is held by as many as it needs."""
    return all(
        sum(any(role in held for role, _ in some) for held in people) >= sum(count for _, count in some)
        for size in range(1, len(alternative) + 1)
        for some in combinations(alternative, size)
    )


def why_not(
    approval: Approval, person: str, roles: Sequence[str], owner: str, now: int, *, asked_by: Collection[str] = ()
) -> str:
    """Says why `person` may not answer, or nothing: separation of duties before a vote is even taken."""
    if approval.state is not ApprovalState.PENDING:
        return f"it is {approval.state} already"
    if now >= approval.expires_at:
        return "it has expired"
    if person == approval.on_behalf_of:
        return "the work is done on their own behalf; somebody else must answer"
    if person in asked_by:
        return "they had the work done; somebody else must answer"
    if person == owner and approval.kind == "action":
        return "they own the agent; somebody else must answer"
    if not set(roles) & set(approval.roles):
        return f"it takes one of the roles {', '.join(approval.roles)}; they hold {', '.join(roles) or 'none'}"
    return ""


def passed_on(needs: Needs, to: str) -> Needs:
    """Returns the ways to a yes that `to` takes part in: a role, or a person who is asked by name.

    Nothing when there is no such way, or no other: policy has said who may answer, and nobody adds to that.
    """
    ways = tuple(way for way in needs if any(role in (to, own_role(to)) for role, _ in way))
    return ways if len(ways) < len(needs) else ()


def anyone_of(roles: Sequence[str], owner: str) -> Needs:
    """Returns needs that one person of any of `roles`, or the agent's owner, can fill."""
    return (*(((role, 1),) for role in roles), ((own_role(owner), 1),))


def own_role(person: str) -> str:
    """Returns the role that exactly one person holds, so that a question can be put to them by name."""
    return f"person:{person}"
