"""Reading what came from outside: bounded in size and depth, UTF-8, no duplicate keys, no NaN."""

import json
import math
from typing import Any, NoReturn

from remit.core.canonical import canonical_bytes
from remit.core.errors import InputError

# Deeper than any tool's arguments; CPython's own parser gives up only near its recursion limit.
DEEPEST = 32


def parse_json(content: bytes | str, *, name: str, largest: int) -> Any:
    """Returns the JSON value in `content`; size (bytes), depth, encoding and duplicate keys are checked.

    `name` says in errors what was being read.
    """
    text = _decode(content, name, largest)
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _unique(pairs, name),
            parse_constant=_refuse_number,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise InputError(f"{name} is nested too deeply", why=f"more than {DEEPEST} levels") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is not JSON", why=f"{error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except ValueError as error:  # the only other one: CPython reads no integer of more than 4,300 digits
        raise InputError(f"{name} has a number that is too long", why=str(error)) from error
    check_depth(value, name=name)
    if "\\u" in text:
        _check_characters(value, name)
    return value


def check_depth(value: Any, *, name: str, deepest: int = DEEPEST) -> None:
    """Raises `InputError` when `value` has more than `deepest` levels."""
    level: list[Any] = [value]
    for _ in range(deepest + 1):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise InputError(f"{name} is nested too deeply", why=f"more than {deepest} levels")


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return item if isinstance(item, list) else []  # pyright: ignore[reportUnknownVariableType]


def _decode(content: bytes | str, name: str, largest: int) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > largest:
        raise InputError(f"{name} is too large", why=f"{size} bytes, the limit is {largest}")
    try:
        return content.decode() if isinstance(content, bytes) else content.encode().decode()
    except UnicodeError as error:
        raise InputError(f"{name} is not UTF-8", why=str(error)) from error


def _unique(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen = set[str]()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise InputError(f"{name} has the key", which=twice, why="it stands there twice")
    return value


def _check_characters(value: Any, name: str) -> None:
    """Refuses half a surrogate pair: JSON can escape one, but no UTF-8 says it, so nothing could keep it."""
    try:
        canonical_bytes(value)
    except UnicodeEncodeError as error:
        raise InputError(f"{name} is not UTF-8", why=str(error)) from error


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse_number(number)


def _refuse_number(number: str) -> NoReturn:
    raise InputError("JSON has no such number", which=number)
