"""Reading what came from outside: bounded in size and depth, UTF-8, no duplicate keys, no NaN."""

import json
from typing import Any, NoReturn

from remit.core.errors import InputError

# Deeper than any tool's arguments; CPython's own parser gives up only near its recursion limit.
DEEPEST = 32


def parse_json(content: bytes | str, *, name: str, largest: int) -> Any:
    """Returns the JSON value in `content`; size (bytes), depth, encoding and duplicate keys are checked.

    `name` says in errors what was being read.
    """
    text = _decode(content, name, largest)
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, name), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InputError(f"{name} is nested too deeply", why=f"more than {DEEPEST} levels") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is not JSON", why=f"{error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    check_depth(value, name=name)
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
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"{name} has the key", which=twice, why="it stands there twice")
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise InputError("JSON has no such number", which=constant)
