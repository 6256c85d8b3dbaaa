"""JSON Schema 2020-12: is a schema sound, does a value fit it, and the one form in which a value is judged."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, cast

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from remit.core import InputError, JsonValue, canonical_bytes, digest_of, parse_json

# An agent reads the problems; more than these would be noise.
MOST_PROBLEMS = 20
# Compiled schemas kept; a fleet of a thousand tools has two each.
KEPT = 4_096
# Deeper chains of local references than this are recursion.
REFERENCE_DEPTH = 16

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_OTHER = (
    "$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary", "const",
    "contentEncoding", "contentMediaType", "default", "dependentRequired", "deprecated", "description", "enum",
    "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains", "maxItems", "maxLength",
    "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf",
    "pattern", "readOnly", "required", "title", "type", "uniqueItems", "writeOnly",
)  # fmt: skip
_KEYWORDS = frozenset((*_MAPS, *_LISTS, *_SINGLE, *_OTHER))
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_META = Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SchemaValidator:
    """A compiled schema: says what is wrong with a value without ever repeating the value."""

    digest: str
    compiled: Draft202012Validator

    def problems(self, value: JsonValue) -> list[str]:
        """Returns one sentence per mistake, each naming the path and what is expected there; none means it fits."""
        if self.compiled.is_valid(value):
            return []
        told = [problem for error in self.compiled.iter_errors(value) for problem in _told(error)]
        return list(dict.fromkeys(told))[:MOST_PROBLEMS]


def compile_schema(schema: Mapping[str, Any]) -> SchemaValidator:
    """Returns the validator of a self-contained schema (kept by content); an unsound schema is an `InputError`."""
    return _compiled(canonical_bytes(schema))


@lru_cache(KEPT)
def _compiled(content: bytes) -> SchemaValidator:
    schema = parse_json(content, name="The schema", largest=len(content))
    problems = [f"{show(path)} {problem}" for path, problem in _sound(schema)]
    if problems:
        raise InputError("Not a sound JSON Schema", why="; ".join(problems))
    return SchemaValidator(digest_of(schema), _build(schema))


def schema_problems(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yields where in `schema` what is wrong, misspelt keywords included: JSON Schema would ignore those silently."""
    sound = True
    for path, problem in _sound(schema):
        sound = False
        yield path, problem
    if sound:
        yield from _misspelt(schema)


def _sound(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    found = False
    for error in _META.iter_errors(schema):
        found = True
        path = tuple(error.instance_path)
        yield path, _type_problem(error) if path and path[-1] == "type" else error.message
    if found:
        return
    try:
        _build(schema)
    except ValueError as error:  # a pattern the linear-time engine lacks, a reference to nothing
        place = tuple(error.instance_path) if isinstance(error, ValidationError) else ()
        told = error.message if isinstance(error, ValidationError) else str(error)
        yield place, f"{told} (patterns cannot look around or refer back)" if "regex" in told else told


def _build(schema: Mapping[str, Any]) -> Draft202012Validator:
    # mask: a value may be personal, so messages never repeat one. RegexOptions: linear time, whatever the pattern.
    return Draft202012Validator(
        dict(schema), mask="the value", validate_formats=True, pattern_options=RegexOptions(), offline=True
    )


def _type_problem(error: ValidationError) -> str:
    close = get_close_matches(str(error.instance), _TYPES, 1)
    return f"{error.instance!r} is not a JSON type; " + (f"did you mean {close[0]!r}?" if close else ", ".join(_TYPES))


def _misspelt(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for path, part in subschemas(schema):
        for keyword in part.keys() - _KEYWORDS:
            if close := get_close_matches(keyword, _KEYWORDS, 1, 0.8):
                yield (*path, keyword), f"{keyword!r} is no keyword of JSON Schema; did you mean {close[0]!r}?"


def subschemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields `schema` and every schema inside it with its path; values such as `const` and `default` are no schemas."""
    if not isinstance(schema, dict):
        return
    part = cast("dict[str, Any]", schema)
    yield path, part
    for keyword, value in part.items():
        if keyword in _MAPS and isinstance(value, dict):
            for name, child in cast("dict[str, Any]", value).items():
                yield from subschemas(child, (*path, keyword, name))
        elif keyword in _LISTS and isinstance(value, list):
            for i, child in enumerate(cast("list[Any]", value)):
                yield from subschemas(child, (*path, keyword, i))
        elif keyword in _SINGLE:
            yield from subschemas(value, (*path, keyword))


def with_references(schema: Mapping[str, Any], rewrite: Callable[[Any], str]) -> dict[str, Any]:
    """Returns a copy of `schema` in which each `$ref`, of it and of every schema inside it, is what `rewrite` gives."""
    return {keyword: _rewritten(keyword, value, rewrite) for keyword, value in schema.items()}


def _rewritten(keyword: str, value: Any, rewrite: Callable[[Any], str]) -> Any:
    def inside(child: Any) -> Any:
        return with_references(cast("dict[str, Any]", child), rewrite) if isinstance(child, dict) else child

    if keyword == "$ref":
        return rewrite(value)
    if keyword in _MAPS and isinstance(value, dict):
        return {name: inside(child) for name, child in cast("dict[str, Any]", value).items()}
    if keyword in _LISTS and isinstance(value, list):
        return [inside(child) for child in cast("list[Any]", value)]
    return inside(value) if keyword in _SINGLE else value


def follow(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `schema` says once its local `$ref` is followed; what cannot be followed is the free schema."""
    found = schema
    for _ in range(REFERENCE_DEPTH):
        if not isinstance(found, dict):
            return {}
        part = cast("dict[str, Any]", found)
        if "$ref" not in part:
            return part
        found = _at_pointer(root, str(part["$ref"]))
    return {}


def _at_pointer(root: Mapping[str, Any], reference: str) -> Any:
    found: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        found = cast("dict[str, Any]", found).get(key) if isinstance(found, dict) else None
    return found


def normalise(schema: Mapping[str, Any], value: JsonValue) -> JsonValue:
    """Returns `value` as it is judged, approved and sent: a null in an optional field is an absent field."""
    return _normalised(schema, value, schema)


def _normalised(schema: Any, value: JsonValue, root: Mapping[str, Any]) -> JsonValue:
    part = follow(schema, root)
    if isinstance(value, list):
        items = part.get("items", {})
        return [_normalised(items, item, root) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    properties: dict[str, Any] = part.get("properties", {})
    required: list[str] = part.get("required", [])
    return {
        name: _normalised(properties.get(name, {}), item, root)
        for name, item in cast("dict[str, Any]", value).items()
        if item is not None or name in required or name not in properties
    }


def _told(error: ValidationError) -> Iterator[str]:
    where = show(error.instance_path)
    detail = error.kind.as_dict()
    if "property" in detail:
        yield f"{show((*error.instance_path, detail['property']))} is missing"
    elif "unexpected" in detail:
        yield from (f"{show((*error.instance_path, name))} is not a known field" for name in detail["unexpected"])
    elif any(detail.get("context", ())):
        branches = [", ".join(told for inner in branch for told in _told(inner)) for branch in detail["context"]]
        yield f"{where} fits none of its alternatives: " + "; or ".join(filter(None, branches))
    else:
        yield f"{where}: {error.message}"


def show(path: Any) -> str:
    """Returns `order.items[0].price`, or `the whole`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the whole"
