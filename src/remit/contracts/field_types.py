"""What a condition may say about the values of a schema: each scalar field by its dotted path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from remit.contracts.schemas import follow
from remit.core import canonical_bytes, parse_json

Kind = Literal["boolean", "integer", "number", "string", "enum", "date", "date-time", "array", "opaque"]

_SCALARS: Mapping[str, Kind] = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "string"}
_FORMATS: Mapping[str, Kind] = {"date": "date", "date-time": "date-time"}
# Nesting beyond this is recursion; such fields are not visible to conditions.
DEEPEST = 8
KEPT = 4_096


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of one field; `opaque` (free-form, union, map) means that no condition can judge it."""

    kind: Kind
    values: tuple[str, ...] = ()
    """The members of an enum, or of the enum in an array."""
    items: Kind = "opaque"
    """What an array holds."""
    required: bool = False
    """Whether it is always there: required on its whole path, and never null."""


def field_types(schema: Mapping[str, Any]) -> Mapping[str, FieldType]:
    """Returns the fields of an object schema by dotted path; nested objects give the paths of their fields."""
    return _typed(canonical_bytes(schema))


def scalar_type(schema: Mapping[str, Any]) -> FieldType:
    """Returns the type of a single value, such as a fact."""
    return _field(schema, schema, required=True)


@lru_cache(KEPT)
def _typed(content: bytes) -> Mapping[str, FieldType]:
    root = parse_json(content, name="The schema", largest=len(content))
    return dict(_fields(root, root, (), required=True))


def _fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], *, required: bool
) -> Iterator[tuple[str, FieldType]]:
    part = follow(schema, root)
    always: list[str] = part.get("required", [])
    properties: dict[str, Any] = part.get("properties", {})
    for name, child in properties.items():
        if "." in name:
            continue  # its dotted path would be that of another field
        inner = follow(child, root)
        there = required and name in always
        if inner.get("type") == "object" and inner.get("properties") and len(path) < DEEPEST:
            yield from _fields(inner, root, (*path, name), required=there)
        else:
            yield ".".join((*path, name)), _field(child, root, required=there)


def _field(schema: Any, root: Mapping[str, Any], *, required: bool) -> FieldType:
    part, nullable = _without_null(follow(schema, root), root)
    required = required and not nullable
    values = part.get("enum", [part["const"]] if "const" in part else [])
    if values:
        return _enum(cast("list[Any]", values), required=required)
    kind = part.get("type")
    if kind == "array":
        items = _field(part.get("items", {}), root, required=True)
        return FieldType("array", items.values, items.kind if items.kind != "array" else "opaque", required)
    if not isinstance(kind, str) or any(word in part for word in ("anyOf", "oneOf", "allOf")):
        return FieldType("opaque", required=required)
    found = _SCALARS.get(kind, "opaque")
    if found == "string":
        found = _FORMATS.get(str(part.get("format")), "string")
    return FieldType(found, required=required)


def _enum(values: list[Any], *, required: bool) -> FieldType:
    present = [value for value in values if value is not None]
    required = required and len(present) == len(values)
    if all(isinstance(value, str) for value in present):
        return FieldType("enum", tuple(present), required=required)
    if all(isinstance(value, bool) for value in present):
        return FieldType("boolean", required=required)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in present):
        return FieldType("integer", required=required)
    return FieldType("opaque", required=required)


def _without_null(part: dict[str, Any], root: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Reads the two ways of writing an optional value: `type: [string, "null"]` and `anyOf: [X, {type: "null"}]`."""
    kinds: Any = part.get("type")
    if isinstance(kinds, list):
        present = [kind for kind in cast("list[str]", kinds) if kind != "null"]
        return {**part, "type": present[0] if len(present) == 1 else present}, "null" in kinds
    for word in ("anyOf", "oneOf"):
        branches = [follow(branch, root) for branch in cast("list[Any]", part.get(word, []))]
        present = [branch for branch in branches if branch.get("type") != "null"]
        if len(present) == 1 and len(branches) == 2:
            return _without_null(present[0], root)[0], True
    return part, False
