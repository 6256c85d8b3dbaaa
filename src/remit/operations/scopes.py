"""Scopes of switches: which there are, and whether something is in one."""

from collections.abc import Iterable

from remit.controls import parse_scope
from remit.core import InputError
from remit.gateway import Parts

KINDS = ("fleet", "unit", "class", "agent", "version", "tool", "model", "run")
# Of ten thousand agents, these are named.
MOST_NAMED = 20


def known_scope(parts: Parts, tools: Iterable[str], text: str) -> str:
    """Returns the scope when something is in it: a stop that stops nothing must not look like one."""
    scope = parse_scope(text)
    kind, _, name = scope.partition(":")
    if kind == "run":
        return f"run:{parts.journal.run(name).id}"
    if kind != "fleet" and not _is_there(parts, tools, kind, name):
        there = ", ".join(names_of(parts, tools, kind)) or "none"
        raise InputError(f"There is no such {kind}", which=name, why=f"there are: {there}")
    return scope


def _is_there(parts: Parts, tools: Iterable[str], kind: str, name: str) -> bool:
    if kind in ("tool", "model"):
        return name in (set(tools) if kind == "tool" else parts.models.names())
    return parts.registry.has_name(kind, name)


def names_of(parts: Parts, tools: Iterable[str], kind: str, search: str = "") -> list[str]:
    """Returns the first names of a kind of scope in which `search` stands; runs are too many to name."""
    if kind in ("tool", "model"):
        return [each for each in sorted(tools if kind == "tool" else parts.models.names()) if search in each][
            :MOST_NAMED
        ]
    return parts.registry.names(kind, search, limit=MOST_NAMED) if kind not in ("fleet", "run") else []
