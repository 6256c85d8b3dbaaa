"""Agents' versions: which text, in which stage of its life, and whether its release may act."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Lifecycle(StrEnum):
    """The stages a version goes through (B2); review, shadow and canary come with evaluation."""

    PROTOTYPE = "prototype"
    LIVE = "live"
    PAUSED = "paused"
    RETIRED = "retired"


class ReleaseState(StrEnum):
    """Whether runs may act under a release: a draining one finishes what it has and takes nothing new."""

    PENDING = "pending"
    APPROVED = "approved"
    DRAINING = "draining"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable contract text with everything that was released with it."""

    agent: str
    version: str
    contract: str
    release: str
    unit: str
    agent_class: str
    owner: str
    lifecycle: Lifecycle
    state: ReleaseState
    approved_by: str | None
    approved_at: int | None
    created_at: int
    seen_at: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Version":
        """Reads a database row."""
        values = {name: row["class" if name == "agent_class" else name] for name in cls.__slots__}
        values["lifecycle"] = Lifecycle(values["lifecycle"])
        values["state"] = ReleaseState(values["state"])
        return cls(**values)

    @property
    def id(self) -> str:
        """`agent@version`."""
        return f"{self.agent}@{self.version}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every switch that stops whatever this version does."""
        return ("fleet", f"unit:{self.unit}", f"class:{self.agent_class}", f"agent:{self.agent}", f"version:{self.id}")

    @property
    def may_act(self) -> bool:
        """Whether runs that have begun may go on."""
        return self.lifecycle is Lifecycle.LIVE and self.state in (ReleaseState.APPROVED, ReleaseState.DRAINING)

    @property
    def may_begin(self) -> bool:
        """Whether a new run may begin."""
        return self.lifecycle is Lifecycle.LIVE and self.state is ReleaseState.APPROVED
