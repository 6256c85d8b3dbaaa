"""Tasks, runs, attempts, steps and payloads, as they are kept."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from remit.core import JsonValue, canonical_bytes

ActionKind = Literal["tool", "model", "handoff", "memory", "value"]
SALT_BYTES = 32
LOWEST_PRIORITY, USUAL_PRIORITY, HIGHEST_PRIORITY = 0, 5, 9


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


TASK_STATES = ("open", "done", "failed", "cancelled")
"""Where a task stands."""


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    DECIDED = "decided"
    DONE = "done"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of business work."""

    id: str
    agent: str
    intent: str
    on_behalf_of: str
    chain: tuple[str, ...]
    salt: bytes
    input: str
    dedup: str | None
    state: str
    outcome: str
    created_at: int
    ended_at: int | None
    erased_at: int | None = None
    """When its content was erased; nothing can be done with it any more."""

    @property
    def reference(self) -> str:
        """The key it was taken on under, else its id: how recordings know it."""
        return self.dedup or self.id


def task_of(row: Mapping[str, Any]) -> Task:
    """Reads a database row."""
    values = {name: row[name] for name in Task.__slots__}
    values["chain"] = tuple(json.loads(values["chain"]))
    return Task(**values)


@dataclass(frozen=True, slots=True)
class Run:
    """One agent version working on a task, and the attempt that may write now."""

    id: str
    task: str
    agent: str
    version: str
    release: str
    parent_run: str | None
    parent_step: int | None
    forked_at: int | None
    hops: int
    input: str
    """Digest of what it was given; empty means what its task was given."""
    effects: bool
    """False for a fork that only looks what would happen."""
    state: RunState
    attempt: int
    secret: bytes | None
    output: str | None
    reason: str
    ready_at: int | None
    """When it can go on, microseconds; None while somebody has to come first."""
    waits_for: str
    """An approval or a run by id, `switch`, `timer`, `release` or an upstream (`tools:…`, `model:…`); else empty."""
    created_at: int
    ended_at: int | None
    priority: int = USUAL_PRIORITY
    """How urgent it is: 0 to 9, the higher the sooner."""
    undoes: str | None = None
    """The run whose changes it undoes, when it is a rollback."""
    asked_by: str = ""
    """Who had that run undone; empty when its contract says so."""

    def is_ready(self, now: int) -> bool:
        """Whether it could go on at the moment `now`."""
        return self.ready_at is not None and self.ready_at <= now

    @property
    def is_fork(self) -> bool:
        """Whether it began with the steps of another run."""
        return self.forked_at is not None

    def handed(self, step: int, given: str) -> "Origin":
        """Returns the origin of the run that takes over what this one hands off; the journal counts the hops."""
        return Origin(parent_run=self.id, parent_step=step, hops=self.hops + 1, input=given, effects=self.effects)

    @property
    def is_child(self) -> bool:
        """Whether another run handed the work to it."""
        return self.parent_step is not None


def run_of(row: Mapping[str, Any]) -> Run:
    """Reads a database row."""
    values = {name: row[name] for name in Run.__slots__}
    values["state"], values["effects"] = RunState(values["state"]), bool(values["effects"])
    return Run(**values)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a run comes from when it is not the first of its task: a hand-off or a fork."""

    parent_run: str | None = None
    parent_step: int | None = None
    forked_at: int | None = None
    hops: int = 0
    input: str = ""
    effects: bool = True
    undoes: str | None = None
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One action of a run as journaled."""

    run: str
    step: int
    attempt: int
    kind: ActionKind
    name: str
    asked: str
    judged: str
    sent: str
    state: StepState
    decision: str
    approval: str
    person: str
    result: str
    is_error: bool
    refused_at: int
    cost: int
    at: int
    ended_at: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "StepRow":
        """Reads a database row."""
        values = {name: row[name] for name in cls.__slots__}
        values["state"] = StepState(values["state"])
        values["is_error"] = bool(values["is_error"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Payload:
    """Content and the name it goes by in steps and log: a digest under its task's salt.

    Whoever holds the salt can check that the log speaks of this content; without it the name says nothing.
    """

    digest: str
    task: str
    body: bytes
    labels: str = ""

    @classmethod
    def of(cls, value: JsonValue, *, task: str, salt: bytes, labels: str = "") -> "Payload":
        """Names the canonical bytes of `value`."""
        body = canonical_bytes(value)
        return cls(name_of(body, salt), task, body, labels)

    def value(self) -> JsonValue:
        """Returns the content as it would be read back."""
        return json.loads(self.body)


def name_of(body: bytes, salt: bytes) -> str:
    """Returns `hmac-sha256:` and the HMAC of `body` under `salt` (RFC 2104)."""
    keyed = _keyed(salt).copy()
    keyed.update(body)
    return "hmac-sha256:" + keyed.hexdigest()


@lru_cache(maxsize=4_096)
def _keyed(salt: bytes) -> hmac.HMAC:
    """Starts an HMAC; copying it costs half of starting anew, and every payload of a task begins like this."""
    return hmac.new(salt, digestmod="sha256")
