"""What a schema says about values besides their type, as a condition: bounds of numbers and the members of enums."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from remit.contracts.conditions import All, Compare, Condition, Field, OneOf, Operator, fields_of
from remit.contracts.schemas import follow

_BOUNDS: Mapping[str, Operator] = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
}


def bounds(schema: Mapping[str, Any], condition: Condition) -> Condition:
    """Returns what holds anyway for the fields that `condition` speaks of, in every value that fits `schema`."""
    fields = dict.fromkeys(fields_of(condition))
    return All(tuple(bound for field in fields for bound in _bounds(field, _schema_at(schema, field))))


def _schema_at(root: Mapping[str, Any], field: Field) -> dict[str, Any]:
    part = follow(root, root)
    for name in field.path:
        part = follow(part.get("properties", {}).get(name, {}), root)
    return part


def _bounds(field: Field, part: dict[str, Any]) -> Iterator[Condition]:
    for keyword, operator in _BOUNDS.items():
        if _is_number(part.get(keyword)):
            yield Compare(field, operator, Decimal(str(part[keyword])))
    members = cast("list[Any]", part.get("enum", []))
    if members and all(map(_is_number, members)):
        yield OneOf(field, tuple(Decimal(str(member)) for member in members))
    elif members and all(isinstance(member, str) for member in members):
        yield OneOf(field, tuple(members))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
