"""The strings inside a JSON value: where they are, how they read, and how they are replaced."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

from jsonschema_rs import Draft202012Validator, RegexOptions

from remit.core import JsonValue
from remit.guardrails.model import Text

# Smaller integers are nobody's card number.
LEAST_NUMBER = 10**12
# A key of this form cannot hold a key, a mail address or a number worth hiding.
_PLAIN_KEY = re.compile(r"[A-Za-z_-]{1,40}[0-9]{0,3}")
# Two ligatures that fold to 18 and 8 characters: they would make folding the expensive part of a hostile text.
_SWELLING = str.maketrans({"\ufdfa": " ", "\ufdfb": " "})
# Soft hyphen, zero-width, bidirectional and tag characters: a model reads past them, and so do we.
_DROPPED = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f"
_INVISIBLE = re.compile(f"[{_DROPPED}]+")


def joined(value: JsonValue) -> str:
    """Returns one text in which every string, key and long integer of `value` has a line."""
    lines: list[str] = []
    _collect(value, lines.append)
    return "\n".join(lines)


def _collect(value: JsonValue, add: Callable[[str], None]) -> None:
    if isinstance(value, str):
        add(value)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            add(name)
            _collect(item, add)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            _collect(item, add)
    elif isinstance(value, int) and value >= LEAST_NUMBER:
        add(str(value))


@cache
def finder(pattern: str) -> Callable[[str], bool]:
    """Returns the question whether `pattern` occurs: answered in linear time, about a nanosecond a character.

    The engine is the one JSON Schema patterns run on; it knows no look-around.
    """
    return Draft202012Validator({"pattern": pattern}, pattern_options=RegexOptions()).is_valid


def forms(raw: str) -> Text:
    """Returns `raw` in all its forms."""
    if raw.isascii():
        lowered = raw.lower()
        return Text(raw, lowered, lowered)
    sound = raw.encode(errors="replace").decode()  # half a surrogate pair, which JSON can carry, becomes "?"
    # U+0130 is the one character that grows when lowered.
    return Text(raw, sound.replace("\u0130", "I").lower(), _fold(sound))


def _fold(raw: str) -> str:
    compatible = unicodedata.normalize("NFKC", raw.translate(_SWELLING) if "\ufdfa" in raw or "\ufdfb" in raw else raw)
    return _INVISIBLE.sub("", compatible).casefold()


def strings(value: JsonValue, path: str = "$", key: str = "") -> Iterator[tuple[str, str, str]]:
    """Yields (path, key it stands under, text) of every string, key and long integer in `value`."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            inner = f"{path}.{name if _PLAIN_KEY.fullmatch(name) else '*'}"
            yield inner, "", name
            yield from strings(item, inner, name)
    elif isinstance(value, list):
        for i, item in enumerate(cast("list[Any]", value)):
            yield from strings(item, f"{path}[{i}]", key)
    elif isinstance(value, int) and value >= LEAST_NUMBER:
        yield path, key, str(value)


def replaced(value: JsonValue, replace: Callable[[str, str], str], key: str = "") -> JsonValue:
    """Returns a copy of `value` with each string, given with the key it stands under, and each key replaced."""
    if isinstance(value, str):
        return replace(key, value)
    if isinstance(value, list):
        return [replaced(item, replace, key) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    copy: dict[str, Any] = {}
    for name, item in cast("dict[str, Any]", value).items():
        shown = replace("", name)
        while shown in copy:  # two secrets as keys become one text; neither value may be lost
            shown += " (another)"
        copy[shown] = replaced(item, replace, name)
    return copy


def present(value: JsonValue, field: str) -> bool:
    """Returns whether the dotted `field` leads to something in `value`; lists are looked through."""
    level: list[Any] = [value]
    for name in field.split("."):
        level = [item[name] for item in _entered(level) if name in item]
    return any(item not in (None, "", [], {}) for item in level)


def _entered(level: list[Any]) -> Iterator[dict[str, Any]]:
    for item in level:
        if isinstance(item, dict):
            yield cast("dict[str, Any]", item)
        elif isinstance(item, list):
            yield from _entered(cast("list[Any]", item))
