"""Forms that a JSON Schema describes: their fields, what was typed into them, and what does not fit where."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from remit.contracts import compile_schema
from remit.core import InputError, parse_json

FieldKind = Literal["text", "long", "number", "integer", "choice", "date", "json"]
# Names of form fields: `arg.order_id`; the whole value as JSON is `arg`.
PREFIX = "arg."
WHOLE = "arg"
# A text that may be longer than this gets more than one line.
LONG = 160
LARGEST = 256 * 1024
_BOOLEANS = (("true", "yes"), ("false", "no"))
_INPUTS: Mapping[str, FieldKind] = {"number": "number", "integer": "integer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field of a form."""

    name: str
    label: str
    kind: FieldKind
    required: bool
    says: str
    value: str = ""
    error: str = ""
    subject: str = ""
    """Whom it is about, where it is personal."""
    options: tuple[tuple[str, str], ...] = ()
    """Value and words of each choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaForm:
    """A form with what was typed into it; without `fields` the whole value is typed as JSON."""

    fields: tuple[FormField, ...]
    text: str = ""
    """The whole value as JSON, where there are no fields."""
    error: str = ""
    """What does not fit, where it is no field's."""

    @property
    def has_errors(self) -> bool:
        """Whether something does not fit."""
        return bool(self.error or any(field.error for field in self.fields))


def show_form(schema: Mapping[str, Any], value: Any = None) -> SchemaForm:
    """Returns the form of `schema`, filled with `value`."""
    if not _has_fields(schema, value):
        return SchemaForm(fields=(), text="" if value is None else _pretty(value))
    given = _mapping(value)
    texts = {PREFIX + name: _text(schema["properties"][name], each) for name, each in given.items()}
    return SchemaForm(fields=tuple(_fields(schema, texts, {})))


def read_form(
    schema: Mapping[str, Any], typed: Mapping[str, str], *, before: Any = None
) -> tuple[dict[str, Any] | None, SchemaForm]:
    """Reads what was typed: the value, or None when it does not fit, and the form that keeps every word and says why.

    `before` is what the form was filled with: an empty text that was there stays one.
    """
    if WHOLE in typed or not _has_fields(schema, before):
        return _read_whole(schema, typed.get(WHOLE, ""))
    value, errors = _read_fields(schema, typed, _mapping(before))
    rest: list[str] = []
    if not errors:
        rest = _place_problems(schema, value, errors)
    form = SchemaForm(fields=tuple(_fields(schema, typed, errors)), error="; ".join(rest))
    return (None if form.has_errors else value), form


def _has_fields(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a form can say all of it: an object of known properties, none of `value` left out."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return False
    if value is None:
        return True
    return isinstance(value, Mapping) and set(_mapping(value)) <= set(_mapping(properties))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _fields(schema: Mapping[str, Any], typed: Mapping[str, str], errors: Mapping[str, str]) -> Iterator[FormField]:
    required = set(schema.get("required", ()))
    for name, each in schema["properties"].items():
        part = _mapping(each)
        yield FormField(
            name=PREFIX + name,
            label=str(part.get("title") or name),
            kind=_kind(part),
            required=name in required,
            says=str(part.get("description", "")),
            value=typed.get(PREFIX + name, ""),
            error=errors.get(name, ""),
            subject=str(part.get("x-subject", "")),
            options=_options(part),
        )


def _type(part: Mapping[str, Any]) -> str:
    """Returns the one type of a property; null beside another counts as optional, several others as none."""
    told = part.get("type", "")
    types: list[str] = [told] if isinstance(told, str) else [each for each in told if each != "null"]
    return types[0] if len(types) == 1 else ""


def _kind(part: Mapping[str, Any]) -> FieldKind:
    if _options(part):
        return "choice"
    kind = _type(part)
    if kind != "string":
        return _INPUTS.get(kind, "json")
    if part.get("format") == "date":
        return "date"
    return "long" if int(part.get("maxLength", LONG)) > LONG else "text"


def _options(part: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if "enum" in part:
        return tuple((json.dumps(each), each if isinstance(each, str) else json.dumps(each)) for each in part["enum"])
    return _BOOLEANS if _type(part) == "boolean" else ()


def _text(part: Mapping[str, Any], value: Any) -> str:
    if _kind(part) in ("text", "long", "date") and isinstance(value, str):
        return value
    if _kind(part) in ("number", "integer") and isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return _pretty(value) if _kind(part) == "json" else json.dumps(value, ensure_ascii=False)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _read_fields(
    schema: Mapping[str, Any], typed: Mapping[str, str], before: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    value: dict[str, Any] = {}
    errors: dict[str, str] = {}
    required = set(schema.get("required", ()))
    for name, part in schema["properties"].items():
        text, kind = typed.get(PREFIX + name, ""), _kind(part)
        if not text.strip():
            is_text = kind in ("text", "long")
            if is_text and (before.get(name) == "" or (name in required and "minLength" not in part)):
                value[name] = ""
            elif name in required:
                errors[name] = "this is needed"
        elif kind in ("text", "long", "date"):
            value[name] = text.replace("\r\n", "\n")
        else:
            try:
                value[name] = _parse(text)
            except InputError:
                errors[name] = "this is no number" if kind in ("number", "integer") else "this is not JSON"
    return value, errors


def _parse(text: str) -> Any:
    return parse_json(text.strip().encode(), name="The field", largest=LARGEST)


def _place_problems(schema: Mapping[str, Any], value: Mapping[str, Any], errors: dict[str, str]) -> list[str]:
    """Puts each problem to its field; returns those that are no field's."""
    rest: list[str] = []
    for problem in compile_schema(schema).problems(dict(value)):
        field = next((name for name in schema["properties"] if _is_about(problem, name)), "")
        if field:
            told = problem.removeprefix(f"{field}: ")
            errors[field] = f"{errors[field]}; {told}" if field in errors else told
        else:
            rest.append(problem)
    return rest


def _is_about(problem: str, name: str) -> bool:
    return problem.startswith(name) and problem[len(name) : len(name) + 1] in (":", " ", ".", "[")


def _read_whole(schema: Mapping[str, Any], text: str) -> tuple[dict[str, Any] | None, SchemaForm]:
    try:
        value = _parse(text)
    except InputError as fault:
        return None, SchemaForm(fields=(), text=text, error=f"this is not JSON: {fault.why or fault.what}")
    if not isinstance(value, dict):
        return None, SchemaForm(fields=(), text=text, error="this must be a JSON object")
    found = cast("dict[str, Any]", value)
    problems = compile_schema(schema).problems(found) if schema else []
    form = SchemaForm(fields=(), text=text, error="; ".join(problems))
    return (None if problems else found), form
