"""The arguments of a compensation, computed from the record of the call it undoes."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from remit.contracts.declared import Compensation, Tool
from remit.contracts.schemas import normalise
from remit.core import InputError, JsonValue


def compensating_arguments(
    compensation: Compensation, schema: Mapping[str, Any], arguments: Mapping[str, Any], result: JsonValue
) -> dict[str, JsonValue]:
    """Returns what the compensating tool, with the input `schema`, is called with; what is not there is an `InputError`."""
    given = {name: _taken(path, arguments, result) for name, path in compensation.arguments.items()}
    return cast("dict[str, JsonValue]", normalise(schema, given))


def _taken(path: str, arguments: Mapping[str, Any], result: JsonValue) -> JsonValue:
    if path.startswith("'"):
        return path[1:-1]
    head, *names = path.split(".")
    value: Any = arguments if head == "arguments" else result
    for name in names:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        if value is None:
            raise InputError(
                "An argument cannot be computed", which=path, why="the record of the call has no such value"
            )
    return value


def with_compensations(granted: Iterable[Tool], known: Mapping[str, Tool]) -> list[Tool]:
    """Returns tools and, after them, those that undo their calls."""
    first = {tool.name: tool for tool in granted}
    undoing = (
        known[tool.compensation.use] for tool in first.values() if tool.compensation and tool.compensation.use in known
    )
    return list({**first, **{tool.name: tool for tool in undoing if tool.name not in first}}.values())
