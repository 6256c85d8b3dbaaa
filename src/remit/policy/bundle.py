"""Everything one agent version is judged by, in one immutable value with one digest."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import orjson

from remit.core import IntegrityError, canonical_bytes, digest
from remit.policy.cedar import Est, Handles, Schema, parse_schema
from remit.policy.model import Note, RoleVotes
from remit.policy.schema import NAMESPACE, PROBE, entity
from remit.policy.values import Converter, Moment, converter

_SCHEMAS_KEPT = 256
MEMORY = "fleet"
"""The one shared memory, as a resource."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """The policies, entities and schema of one agent version, parsed, with what is known of each policy."""

    digest: str
    """Of schema, policies, notes and entities together."""
    agent: str
    version: str
    handles: Handles
    notes: Mapping[str, Note]
    uids: frozenset[tuple[str, str]]
    """Every entity that may be asked about."""
    contexts: Mapping[str, Converter]
    """By action: takes the four records of a question to what Cedar reads."""
    vote_keys: tuple[str, ...]
    packed: bytes
    """The source, compressed: what is kept of a bundle."""

    def source(self) -> bytes:
        """Returns JSON from which `load` makes the same bundle, for replay."""
        return zlib.decompress(self.packed)

    @property
    def actions(self) -> frozenset[str]:
        """Every action the agent can be judged about."""
        return frozenset(self.contexts) - {PROBE}


def build(
    agent: str,
    version: str,
    *,
    schema: Mapping[str, Any],
    policies: Mapping[str, Est],
    notes: Mapping[str, Note],
    entities: Iterable[Est],
) -> Bundle:
    """Puts a bundle together from its parts and tests that it is whole."""
    parts = {
        "agent": agent,
        "version": version,
        "schema": schema,
        "policies": policies,
        "notes": {name: asdict(note) for name, note in notes.items()},
        "entities": list(entities),
    }
    return load(canonical_bytes(parts))


def load(source: bytes) -> Bundle:
    """Makes the bundle `source` describes; one that does not hold together is an `IntegrityError`."""
    parts = orjson.loads(source)
    try:
        typed = _typed(orjson.dumps(parts["schema"]))
        handles = Handles.parse(typed.schema, parts["policies"], parts["entities"])
        _check_notes(parts["policies"], parts["notes"])
    except ValueError as error:
        raise IntegrityError(
            "The policy bundle does not hold together", which=parts["agent"], why=str(error)
        ) from error
    bundle = Bundle(
        digest=digest(source),
        agent=parts["agent"],
        version=parts["version"],
        handles=handles,
        notes={name: _note(note) for name, note in parts["notes"].items()},
        uids=frozenset((each["uid"]["type"], each["uid"]["id"]) for each in parts["entities"]),
        contexts=typed.contexts,
        vote_keys=typed.vote_keys,
        packed=zlib.compress(source, 1),
    )
    _self_test(bundle)
    return bundle


def unpack(packed: bytes) -> Bundle:
    """Makes the bundle that was kept as `packed`; what is none is an `IntegrityError`."""
    try:
        return load(zlib.decompress(packed))
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise IntegrityError("A kept policy bundle cannot be read", why=str(error) or "it was changed") from error


@dataclass(frozen=True, slots=True)
class _Typed:
    schema: Schema
    contexts: Mapping[str, Converter]
    vote_keys: tuple[str, ...]


@lru_cache(_SCHEMAS_KEPT)
def _typed(text: bytes) -> _Typed:
    """Parses a schema once for all bundles that have it: agents with the same tools, versions of one agent."""
    schema = orjson.loads(text)
    return _Typed(parse_schema(schema), _contexts(schema), _vote_keys(schema))


def _contexts(schema: Mapping[str, Any]) -> dict[str, Converter]:
    actions = schema[NAMESPACE]["actions"].items()
    return {name: converter(action["appliesTo"]["context"], "") for name, action in actions if "appliesTo" in action}


def _vote_keys(schema: Mapping[str, Any]) -> tuple[str, ...]:
    context = schema[NAMESPACE]["actions"][PROBE]["appliesTo"]["context"]["attributes"]
    approval = context["session"]["attributes"].get("approval")
    return tuple(approval["attributes"]["votes"]["attributes"]) if approval else ()


def _check_notes(policies: Mapping[str, Est], notes: Mapping[str, Any]) -> None:
    """Whether a failed policy was a forbid is read from its note, so every note has to be right."""
    if {name: est["effect"] for name, est in policies.items()} != {
        name: each["effect"] for name, each in notes.items()
    }:
        raise ValueError("policies and what is known of them differ")


def _note(parts: dict[str, Any]) -> Note:
    quorum = tuple(RoleVotes(**each) for each in parts.pop("quorum"))
    return Note(**parts, quorum=quorum)


def _self_test(bundle: Bundle) -> None:
    """Asks what the built-in forbid must stop through an action group, with an enum in the question."""
    session = {
        "autonomy": "autonomous",
        "on_behalf_of": "",
        "digest": "",
        "hops": 0,
        "intent": "",
        "subject": "outside",
        "refused_before": False,
    }
    context = bundle.contexts[PROBE]({"input": {}, "facts": {}, "session": session, "system": {"now": Moment(0)}})
    request = {
        "principal": entity("Agent", bundle.agent),
        "action": entity("Action", PROBE),
        "resource": entity("Memory", MEMORY),
        "context": context,
    }
    (answer,) = bundle.handles.ask([request])
    if answer.allowed or "remit/subjects" not in answer.diagnostics.reasons:
        why = f"it answered {answer.decision.value} {answer.diagnostics.reasons} {answer.diagnostics.errors}"
        raise IntegrityError("The policy bundle failed its self-test", which=bundle.agent, why=why)
