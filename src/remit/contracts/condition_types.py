"""Is a condition about fields that exist, compared with values they can have?"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from remit.contracts.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Field,
    Not,
    OneOf,
    Operator,
    Scalar,
    Truth,
)
from remit.contracts.field_types import FieldType, Kind
from remit.contracts.validation import did_you_mean

# What the policy engine's numbers can hold.
MOST_DECIMALS = 4
LARGEST_NUMBER = Decimal("922337203685477.5807")
LARGEST_INTEGER = 2**63 - 1

CONFIDENCE: Mapping[str, FieldType] = {"confidence": FieldType("number")}
"""Given by the agent with each action; known in every authority and escalation condition."""

Problem = tuple[str, str]
_ORDERED: tuple[Kind, ...] = ("integer", "number", "date", "date-time")


def condition_problems(condition: Condition, types: Mapping[str, FieldType]) -> Iterator[Problem]:
    """Yields what is wrong with `condition` over fields of `types`, each with a suggestion."""
    match condition:
        case Not(operand):
            yield from condition_problems(operand, types)
        case All(operands) | AnyOf(operands):
            for operand in operands:
                yield from condition_problems(operand, types)
        case Truth(field) | Compare(field) | OneOf(field) | Contains(field):
            found = types.get(str(field))
            yield from _unknown(field, types) if found is None else _atom(condition, str(field), found)


def _unknown(field: Field, types: Mapping[str, FieldType]) -> Iterator[Problem]:
    inner = [name for name in types if name.startswith(f"{field}.")]
    if inner:
        yield f"{field} is an object", f"name one of its fields: {', '.join(inner)}"
    else:
        yield f"There is no field {str(field)!r} here", did_you_mean(str(field), types)


def _atom(atom: Truth | Compare | OneOf | Contains, name: str, found: FieldType) -> Iterator[Problem]:
    if found.kind == "opaque":
        yield f"{name} is free-form; no condition can judge it", "let a fact say what matters about it"
        return
    match atom:
        case Truth():
            if found.kind != "boolean":
                yield f"{name} is {_article(found.kind)}, not true or false", f"compare it: {name} == …"
        case Compare(_, operator, literal):
            yield from _operator(name, found.kind, operator)
            yield from _literal(name, found.kind, found.values, literal)
        case OneOf(_, literals):
            yield from _operator(name, found.kind, "==")
            for literal in literals:
                yield from _literal(name, found.kind, found.values, literal)
        case Contains(_, literal):
            if found.kind != "array":
                yield f"{name} is {_article(found.kind)}, not a list", f"write: {name} == …"
            elif found.items == "opaque":
                yield f"{name} holds free-form values; no condition can judge them", "let a fact say what matters"
            else:
                yield from _literal(name, found.items, found.values, literal)


def _operator(name: str, kind: Kind, operator: Operator) -> Iterator[Problem]:
    if kind == "array":
        yield f"{name} is a list", f"write: value in {name}"
    elif operator not in ("==", "!=") and kind not in _ORDERED:
        yield f"{name} is {_article(kind)} and has no order", "use == or !="
    elif operator in ("==", "!=") and kind == "date-time":
        yield f"{name} is a point in time, which is hardly ever met exactly", "use < <= > or >="


def _literal(name: str, kind: Kind, values: tuple[str, ...], literal: Scalar) -> Iterator[Problem]:
    shown = repr(literal) if isinstance(literal, str) else str(literal)
    if kind in ("integer", "number"):
        yield from _number(name, kind, shown, literal)
    elif kind == "enum" and literal not in values:
        yield f"{name} is never {shown}", did_you_mean(str(literal), values)
    elif kind == "boolean" and not isinstance(literal, bool):
        yield f"{name} needs True or False, not {shown}", f"write: {name}, or: not {name}"
    elif kind == "string" and not isinstance(literal, str):
        yield f"{name} needs a text, not {shown}", f"write: '{shown}'"
    elif kind in ("date", "date-time") and not (isinstance(literal, str) and _is_moment(literal, kind)):
        example = "'2026-11-20'" if kind == "date" else "'2026-11-20T09:00:00Z'"
        yield f"{name} needs a {kind}, not {shown}", f"write it as {example}"


def _number(name: str, kind: Kind, shown: str, literal: Scalar) -> Iterator[Problem]:
    if isinstance(literal, bool | str):
        yield f"{name} needs a number, not {shown}", "write it without quotes" if isinstance(literal, str) else ""
    elif kind == "integer" and not isinstance(literal, int):
        yield f"{name} needs a whole number, not {shown}", ""
    elif abs(literal) > (LARGEST_INTEGER if kind == "integer" else LARGEST_NUMBER):
        yield f"{shown} is too large for {name}", "write a smaller number"
    elif round(Decimal(literal), MOST_DECIMALS) != literal:
        yield f"{shown} has more than {MOST_DECIMALS} decimals", f"write at most {MOST_DECIMALS}"


def _is_moment(text: str, kind: Kind) -> bool:
    try:
        if kind == "date":
            return date.fromisoformat(text).isoformat() == text
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _article(kind: Kind) -> str:
    words = {"array": "a list", "string": "a text", "enum": "one of fixed texts", "boolean": "true or false"}
    return words.get(kind, f"an {kind}" if kind == "integer" else f"a {kind}")
