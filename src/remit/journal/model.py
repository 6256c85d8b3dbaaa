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

    @property
    def reference(self) -> str:
        """The key it was taken on under, else its id: how recordings know it."""
        return self.dedup or self.id


@dataclass(frozen=True, slots=True)
class Run:
    """One agent version working on a task, and the attempt that may write now."""

    id: str
    task: str
    agent: str
    version: str
    release: str
    parent_run: str | None
    hops: int
    state: RunState
    attempt: int
    secret: bytes | None
    output: str | None
    reason: str
    created_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One action of a run as journaled."""

    run: str
    step: int
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
