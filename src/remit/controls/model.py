"""Switches, limits and loops: pure rules about when to stop."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from remit.core import InputError

ScopeKind = Literal["fleet", "unit", "class", "agent", "version", "tool", "model", "run"]
_FORMS = tuple("fleet" if kind == "fleet" else f"{kind}:NAME" for kind in get_args(ScopeKind))
_SCOPE = re.compile("|".join(_FORMS).replace("NAME", r"\S+"))

# Measured on recorded runs: no successful one ever called the same thing with the same arguments three times in a
# row, or went round a cycle of up to four calls three times.
REPEATS = 3
LONGEST_CYCLE = 4
LOOKBACK = REPEATS * LONGEST_CYCLE


@dataclass(frozen=True, slots=True)
class Switch:
    """A kill switch: while it is pulled nothing in its scope is decided."""

    scope: str
    stopped: bool
    because: str
    by: str
    at: int


def parse_scope(text: str) -> str:
    """Returns `fleet` or `kind:name`; anything else is an `InputError` that lists the kinds."""
    scope = text.strip()
    if not _SCOPE.fullmatch(scope):
        raise InputError("Not a scope", which=text, hint=f"Write one of {', '.join(_FORMS)}")
    return scope


def is_looping(action: str, before: Sequence[str]) -> str:
    """Says how `action` repeats what came `before` it (digests, newest first), or nothing.

    Identical calls three times in a row, or a cycle of two to four calls for the third time (ping-pong).
    """
    history = [action, *before]
    for length in range(1, LONGEST_CYCLE + 1):
        cycle = history[:length]
        if len(history) >= length * REPEATS and all(
            history[turn * length : (turn + 1) * length] == cycle for turn in range(1, REPEATS)
        ):
            return "the same call three times in a row" if length == 1 else f"a cycle of {length} calls, three times"
    return ""
