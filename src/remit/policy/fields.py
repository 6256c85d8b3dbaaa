"""Which parts of a tool's JSON Schema policies can see, and as what.

Visible are booleans, integers, numbers, strings, string enums, dates, arrays of those, and objects with named
properties. Maps, unions, arrays of objects and whatever is marked `x-policy-hidden` are not: facts can speak of them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Kind = Literal["bool", "long", "decimal", "text", "enum", "moment", "set", "record"]

_SCALARS: dict[str, Kind] = {"boolean": "bool", "integer": "long", "number": "decimal", "string": "text"}
_HIDDEN = "x-policy-hidden"
_MOMENTS = ("date", "date-time")
# A schema that refers to itself has no bottom; deeper fields are for facts.
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of one value as policies see it."""

    kind: Kind
    required: bool = True
    options: tuple[str, ...] = ()
    """The values of an enum."""
    enum: str = ""
    """The Cedar entity type of an enum."""
    item: "Shape | None" = None
    fields: Mapping[str, "Shape"] = field(default_factory=dict[str, "Shape"])

    def cedar(self) -> dict[str, Any]:
        """Returns the type in Cedar's JSON schema format."""
        return {**self._cedar_type(), "required": self.required}

    def enums(self) -> Iterator["Shape"]:
        """Yields every enum in it."""
        if self.kind == "enum":
            yield self
        for child in (*self.fields.values(), *((self.item,) if self.item else ())):
            yield from child.enums()

    def _cedar_type(self) -> dict[str, Any]:
        match self.kind:
            case "bool":
                return {"type": "Boolean"}
            case "long":
                return {"type": "Long"}
            case "decimal":
                return {"type": "Extension", "name": "decimal"}
            case "moment":
                return {"type": "Extension", "name": "datetime"}
            case "text":
                return {"type": "String"}
            case "enum":
                return {"type": "Entity", "name": self.enum}
            case "set":
                return {"type": "Set", "element": self.item._cedar_type() if self.item else {"type": "String"}}
            case "record":
                return record(self.fields)


def record(fields: Mapping[str, Shape]) -> dict[str, Any]:
    """Returns a Cedar record type."""
    return {"type": "Record", "attributes": {name: shape.cedar() for name, shape in fields.items()}}


def shapes(schema: Mapping[str, Any], name: str) -> dict[str, Shape]:
    """Returns the visible properties of an object schema; `name` prefixes the entity types of its enums."""
    shape = _shape(schema, schema, name, depth=0)
    return dict(shape.fields) if shape else {}


def fact_shapes(gives: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Shape]:
    """Returns the shapes of facts, every one optional: null is not known."""
    return shapes({"type": "object", "properties": gives}, name)


def identifier(name: str) -> str:
    """Returns `name` as a Cedar identifier; a changed one carries a hash, so that two names never become one."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if plain == name and not name[:1].isdigit():
        return name
    return f"T_{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _shape(schema: object, root: Mapping[str, Any], name: str, *, depth: int, required: bool = True) -> Shape | None:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    written = cast(Mapping[str, Any], schema)
    part, nullable = _without_null(_resolved(written, root), root)
    if written.get(_HIDDEN) or part.get(_HIDDEN):
        return None
    required = required and not nullable
    options = _options(part)
    if options:
        return Shape("enum", required, options=options, enum=identifier(name))
    match part.get("type"):
        case "string" if part.get("format") in _MOMENTS:
            return Shape("moment", required)
        case "array":
            item = _shape(part.get("items"), root, name, depth=depth + 1)
            scalar = item is not None and item.required and item.kind not in ("set", "record")
            return Shape("set", required, item=item) if scalar else None
        case "object" if isinstance(part.get("properties"), Mapping):
            return Shape("record", required, fields=_properties(part, root, name, depth))
        case str(kind) if kind in _SCALARS:
            return Shape(_SCALARS[kind], required)
        case _:
            return None


def _properties(part: Mapping[str, Any], root: Mapping[str, Any], name: str, depth: int) -> dict[str, Shape]:
    needed = part.get("required", ())
    found = {
        key: _shape(value, root, f"{name}{'.' if depth else '_'}{key}", depth=depth + 1, required=key in needed)
        for key, value in part["properties"].items()
    }
    return {key: shape for key, shape in found.items() if shape}


def _resolved(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follows references inside the same schema; one that leads elsewhere gives `{}`, which is not visible."""
    for _ in range(_DEEPEST):
        reference = part.get("$ref")
        if reference is None:
            return part
        if part.get(_HIDDEN) or not isinstance(reference, str) or not reference.startswith("#/"):
            return {}
        found: Any = root
        for step in reference[2:].split("/"):
            found = cast(Any, found).get(step) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            return {}
        part = cast(Mapping[str, Any], found)
    return {}


def _without_null(part: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Returns the one type besides null, and whether null is allowed; a real union comes back as `{}`."""
    for word in ("anyOf", "oneOf"):
        if isinstance(part.get(word), list):
            options = [_resolved(option, root) for option in part[word]]
            others = [option for option in options if option.get("type") != "null"]
            single = len(others) == 1 < len(options) and not part.get(_HIDDEN)
            return (others[0], True) if single else ({}, False)
    if "allOf" in part:
        return {}, False
    kinds = part.get("type")
    if isinstance(kinds, list):
        names = [kind for kind in cast(list[str], kinds) if kind != "null"]
        return {**part, "type": names[0] if len(names) == 1 else None}, len(names) < len(cast(list[str], kinds))
    return part, None in part.get("enum", ())


def _options(part: Mapping[str, Any]) -> tuple[str, ...]:
    values = [part["const"]] if "const" in part else part.get("enum")
    if not isinstance(values, list):
        return ()
    names = [value for value in cast(list[Any], values) if value is not None]
    return tuple(dict.fromkeys(names)) if all(isinstance(value, str) for value in names) else ()
