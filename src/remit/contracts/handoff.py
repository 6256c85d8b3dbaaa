"""The envelope of a hand-off: what one agent tells another with the work it hands over (E1)."""

from collections.abc import Mapping
from typing import Any

from remit.contracts.conditions import holds, parse_condition
from remit.contracts.schemas import SchemaValidator, compile_schema
from remit.core import InputError

# Models see a hand-off as a function of this server; no tools file may take its name.
HANDOFF_SERVER = "handoff"

_WORDS: Mapping[str, Any] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 2_000},
    "maxItems": 100,
}

ENVELOPE_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Hand-off",
    "type": "object",
    "properties": {
        "intent": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2_000,
            "description": "What the taker is to bring about.",
        },
        "context": {"type": "object", "description": "The taker's input; it fits the input schema of its contract."},
        "constraints": {**_WORDS, "description": "What the taker must respect, in words."},
        "verification": {
            **_WORDS,
            "description": "Conditions over the taker's output, such as `refunded and amount <= 50`; checked by code.",
        },
        "attempted": {**_WORDS, "description": "What was tried before, with what result."},
    },
    "required": ["intent", "context"],
    "additionalProperties": False,
}


def compile_envelope() -> SchemaValidator:
    """Returns the validator of envelopes."""
    return compile_schema(dict(ENVELOPE_SCHEMA))


def unreadable_criteria(envelope: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with verification criteria that are no conditions."""
    problems: list[str] = []
    for criterion in envelope.get("verification", ()):
        try:
            parse_condition(criterion)
        except InputError as fault:
            problems.append(f"{criterion!r}: {fault.text()}")
    return problems


def unmet_criteria(envelope: Mapping[str, Any], output: Mapping[str, Any]) -> list[str]:
    """Returns the verification criteria that do not hold for the taker's output."""
    return [one for one in envelope.get("verification", ()) if not holds(parse_condition(one), output)]
