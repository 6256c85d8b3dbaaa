"""What a server says of a tool now, compared with what was locked: sentences, not lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from remit.contracts.field_types import FieldType, field_types
from remit.contracts.lock import Lock, LockedTool, Offer

State = Literal["same", "changed", "vanished", "new", "refused"]
# Enough of a changed text to recognise the place.
_BEFORE, _AFTER = 24, 60


@dataclass(frozen=True, slots=True)
class ToolChange:
    """Where one tool of a server stands, compared with its lock file."""

    tool: str
    state: State
    what: tuple[str, ...] = ()
    """In words, what is different, or why it cannot be locked."""


def compare(lock: Lock, offer: Offer) -> list[ToolChange]:
    """Returns every tool that is locked or offered, by name."""
    return [_compared(name, lock, offer) for name in sorted({*lock.tools, *offer.tools, *offer.refused})]


def _compared(name: str, lock: Lock, offer: Offer) -> ToolChange:
    locked, live = lock.tools.get(name), offer.tools.get(name)
    if live is None and name in offer.refused:
        return ToolChange(name, "changed" if locked else "refused", (offer.refused[name],))
    if live is None:
        return ToolChange(name, "vanished", ("the server does not offer it any more",))
    if locked is None:
        return ToolChange(name, "new", (_shown(live.description, ""),))
    if locked.digest == live.digest:
        return ToolChange(name, "same")
    return ToolChange(name, "changed", tuple(_differences(locked, live)))


def _differences(was: LockedTool, now: LockedTool) -> Iterator[str]:
    for name in ("title", "description"):
        old, new = getattr(was, name), getattr(now, name)
        if old != new:
            yield f"{name}: {_shown(old, new)} becomes {_shown(new, old)}"
    yield from _schema("input", was.input_schema, now.input_schema)
    yield from _schema("output", was.output_schema or {}, now.output_schema or {})
    for hint in sorted({*was.annotations, *now.annotations}):
        old, new = was.annotations.get(hint, "not told"), now.annotations.get(hint, "not told")
        if old != new:
            yield f"annotation {hint}: {old!r} becomes {new!r}"


def _schema(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if was == now:
        return
    old, new = field_types(was), field_types(now)
    yield from (f"{name}: {field} is new ({_type(new[field])})" for field in sorted({*new} - {*old}))
    yield from (f"{name}: {field} is gone" for field in sorted({*old} - {*new}))
    for field in sorted({*old} & {*new}):
        if old[field] != new[field]:
            yield f"{name}: {field} was {_type(old[field])} and is {_type(new[field])}"
    if old == new:
        yield f"{name}: the schema is another one in its details"


def _type(field: FieldType) -> str:
    kind = f"one of {', '.join(field.values)}" if field.values else field.kind
    return f"{kind}, required" if field.required else kind


def _shown(text: str, other: str) -> str:
    """Returns the part of `text` where it begins to differ from `other`, in quotes."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False)))
    begin = max(0, same - _BEFORE)
    part = " ".join(text[begin : same + _AFTER].split())
    return f"'{'…' if begin else ''}{part}{'…' if same + _AFTER < len(text) else ''}'"
