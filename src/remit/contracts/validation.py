"""From values to types: everything wrong is told at once, with its line and what to write instead."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from remit.contracts.declared import AGENT_NAME, CODE, EMAIL, SERVER_NAME, SHORT_TOOL_NAME, TOOL_NAME, VERSION
from remit.contracts.model import Finding
from remit.contracts.source import Source

LONGEST_SHOWN = 60

Model = TypeVar("Model", bound=BaseModel)

_FORMS = {
    AGENT_NAME: "lower-case letters, digits and hyphens, such as refund-desk",
    VERSION: "three numbers, such as 1.4.0",
    EMAIL: "an e-mail address",
    TOOL_NAME: "a tool's full name, such as shop__issue_refund",
    SERVER_NAME: "letters, digits, hyphens and single underscores",
    SHORT_TOOL_NAME: "letters, digits, hyphens and underscores",
    CODE: "Python code by name, such as package.module:function",
}
_KINDS = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "a mapping",
    "string_type": "text",
    "tuple_type": "a list",
}


def validated(model: type[Model], value: Any, source: Source, at: str = "") -> tuple[Model | None, list[Finding]]:
    """Returns `value` as a `model`, or every mistake in it; `at` is the path of `value` in `source`."""
    try:
        # As JSON and strict: a list may be a tuple, but "yes" is not true and 3 is not "3".
        return model.model_validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return None, [_finding(model, detail, source, at) for detail in error.errors(include_url=False)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a suggestion: the known name that looks like `name`, or else all of them."""
    names = sorted(known)
    if close := get_close_matches(name, names, 1):
        return f"did you mean {close[0]!r}?"
    return f"there are: {', '.join(names)}" if names else "there is none"


def _finding(model: type[BaseModel], error: ErrorDetails, source: Source, at: str) -> Finding:
    names = [name for name in error["loc"] if name != "[key]"]  # Pydantic's word for a wrong key
    path = joined(at, names)
    if error["type"] == "extra_forbidden":
        fields = _fields(model, names[:-1])
        return source.finding(path, f"There is no field {names[-1]!r} here", did_you_mean(str(names[-1]), fields))
    if error["type"] == "missing":
        return source.finding(path, f"{names[-1]} is missing", f"add a line with {names[-1]}:")
    return source.finding(path, *_told(error))


def _told(error: ErrorDetails) -> tuple[str, str]:
    kind = error["type"]
    context = error.get("ctx", {})
    found = _shown(error["input"])
    if kind in ("literal_error", "enum"):
        return f"{found} is not one of {context['expected']}", _closest(error["input"], str(context["expected"]))
    if kind == "string_pattern_mismatch":
        return f"{found} has the wrong form", _FORMS.get(str(context["pattern"]), f"it must match {context['pattern']}")
    if kind in _KINDS:
        return f"Needs {_KINDS[kind]}, not {found}", "put it into double quotes" if kind == "string_type" else ""
    if kind == "too_short":
        return f"Needs at least {context['min_length']}", ""
    if kind == "value_error":
        return str(context["error"]), ""
    return error["msg"], ""


def _closest(found: Any, expected: str) -> str:
    close = get_close_matches(str(found), expected.replace("'", "").replace(" or ", ", ").split(", "), 1)
    return f"did you mean {close[0]!r}?" if close else ""


def joined(at: str, names: Iterable[str | int]) -> str:
    """Returns the path that `names` lead to from `at`."""
    tail = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in names)
    return (at + tail).removeprefix(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _fields(model: type[BaseModel], names: list[str | int]) -> list[str]:
    """Returns the field names of the part of `model` that `names` lead to."""
    found: Any = model
    for name in names:
        found = _inside(found, name)
    fields = found.model_fields.items() if isinstance(found, type) and issubclass(found, BaseModel) else ()
    return [field.alias or key for key, field in fields]


def _inside(annotation: Any, name: str | int) -> Any:
    """Returns the type of what is called `name` (a field, a key, a position) in a value of the given type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = next((f for key, f in annotation.model_fields.items() if name in (key, f.alias)), None)
        return _present(field.annotation) if field else None
    arguments = get_args(annotation)
    return _present(arguments[-1 if get_origin(annotation) is dict else 0]) if arguments else None


def _present(annotation: Any) -> Any:
    """Returns `X` for `X | None`."""
    arguments = get_args(annotation)
    return next(x for x in arguments if x is not NoneType) if NoneType in arguments else annotation
