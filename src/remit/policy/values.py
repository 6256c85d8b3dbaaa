"""Values on their way into Cedar: exactly, or not at all. Built from the bundle's schema, once per action."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from remit.core import InputError, iso
from remit.policy.expressions import LARGEST_LONG, decimal_text, moment_text

Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of our own, apart from numbers a tool's input may hold where it should hold a date."""

    micros: int


def converter(kind: Mapping[str, Any], name: str) -> Converter:
    """Returns the function that takes a JSON value to what Cedar reads for this type.

    Fields policies cannot see are left out, nulls too; a value of another type is an `InputError` naming the field.
    """
    match kind["type"]:
        case "Boolean":
            return lambda value: _expect(value, bool, name)
        case "Long":
            return lambda value: _long(value, name)
        case "String":
            return lambda value: _expect(value, str, name)
        case "Entity":
            return _enum(f"Fleet::{kind['name']}", name)
        case "Set":
            item = converter(kind["element"], name)
            return lambda value: [item(each) for each in _expect(value, list, name)]
        case "Record":
            return _record(kind["attributes"], name)
        case _:
            return _decimal(name) if kind["name"] == "decimal" else _moment(name)


def _record(attributes: Mapping[str, Any], name: str) -> Converter:
    fields = [(key, converter(kind, f"{name}.{key}" if name else key)) for key, kind in attributes.items()]

    def convert(value: Any) -> dict[str, Any]:
        given = cast(Mapping[str, Any], _expect(value, Mapping, name))
        return {key: field(given[key]) for key, field in fields if given.get(key) is not None}

    return convert


def _enum(kind: str, name: str) -> Converter:
    def convert(value: Any) -> dict[str, Any]:
        return {"type": kind, "id": _expect(value, str, name)}

    return convert


def _decimal(name: str) -> Converter:
    def convert(value: Any) -> str:
        if isinstance(value, float):
            # The shortest text that reads back as this float is what the sender wrote.
            value = Decimal(repr(value))
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise _wrong(value, "number", name)
        return decimal_text(value, of=name)

    return convert


def _moment(name: str) -> Converter:
    def convert(value: Any) -> str:
        return iso(value.micros) if isinstance(value, Moment) else moment_text(_expect(value, str, name), of=name)

    return convert


def _long(value: Any, name: str) -> int:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise _wrong(value, "whole number", name)
    if abs(value) > LARGEST_LONG:
        raise InputError("The number is too large for policies", which=name, why="64 bits at most")
    return value


def _expect(value: Any, kind: type[Any], name: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(value, kind.__name__, name)
    return value


def _wrong(value: Any, expected: str, name: str) -> InputError:
    return InputError(
        "The value is of another type than declared", which=name, why=f"{type(value).__name__}, not {expected}"
    )
