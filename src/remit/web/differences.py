"""What differs between two values, field by field."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same in both."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: str = ""
    after: str = ""


def differences(before: Any, after: Any) -> list[Difference]:
    """Returns each field that differs, in the order it is read."""
    return list(_walk("", before, after))


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _objects(path, cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, cast("list[Any]", before), cast("list[Any]", after))
    elif isinstance(before, bool) is not isinstance(after, bool) or before != after:
        yield Difference(path or "the whole", "changed", _shown(before), _shown(after))


def _objects(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        here = f"{path}.{name}" if path else name
        if name not in after:
            yield Difference(here, "removed", before=_shown(before[name]))
        elif name not in before:
            yield Difference(here, "added", after=_shown(after[name]))
        else:
            yield from _walk(here, before[name], after[name])


def _lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    for i in range(max(len(before), len(after))):
        here = f"{path}[{i}]"
        if i >= len(after):
            yield Difference(here, "removed", before=_shown(before[i]))
        elif i >= len(before):
            yield Difference(here, "added", after=_shown(after[i]))
        else:
            yield from _walk(here, before[i], after[i])


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
