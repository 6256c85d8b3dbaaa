"""Values in words, for templates: durations, what a JSON Schema asks for, and values of any kind."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

_BOUNDS = (
    ("minimum", "from {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "to {}"),
    ("exclusiveMaximum", "less than {}"),
    ("multipleOf", "in steps of {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "up to {} characters"),
    ("minItems", "{} items or more"),
    ("maxItems", "up to {} items"),
    ("pattern", "matches {}"),
)


def duration(seconds: float | None) -> str:
    """Returns a duration such as `12 ms`, `3.4 s`, `5 min`, `2 h 10 min`; nothing when there is none."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def value_words(value: Any) -> str:
    """Returns a value of JSON as people read it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def schema_words(schema: Any) -> str:
    """Returns what a JSON Schema asks for in a few words, such as `number, more than 0, in steps of 0.01`."""
    if not isinstance(schema, Mapping):
        return "anything" if schema else "nothing"
    part = cast("Mapping[str, Any]", schema)
    if "enum" in part:
        return "one of " + ", ".join(map(value_words, part["enum"]))
    if "const" in part:
        return f"always {value_words(part['const'])}"
    words = [_type_words(part)]
    words += [_one(told.format(part[name])) for name, told in _BOUNDS if name in part]
    return ", ".join(filter(None, words))


def _one(told: str) -> str:
    """Returns a bound with its noun in the singular where it says one of it."""
    return re.sub(r"\b1 (character|item)s", r"1 \1", told)


def _type_words(part: Mapping[str, Any]) -> str:
    if "$ref" in part:
        return str(part["$ref"]).rpartition("/")[2]
    told = part.get("type", "")
    name = told if isinstance(told, str) else " or ".join(map(str, told))
    if name == "array" and "items" in part:
        return f"list of {schema_words(part['items'])}"
    if name == "object" and isinstance(part.get("properties"), Mapping):
        return "object of " + ", ".join(part["properties"])
    alternatives = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    if not name and alternatives:
        return " or ".join(schema_words(each) for each in alternatives)
    return str(part["format"]) if name == "string" and "format" in part else {"string": "text"}.get(name, name)
