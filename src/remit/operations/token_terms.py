"""What an API token is made for: checked before there is one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from remit.core import InputError, RefusedError
from remit.operations.actors import Actor
from remit.operations.permissions import Permission

# A quarter; whoever still needs it then makes another.
TOKEN_DAYS = 90
# What lives longer than a year is forgotten, not used.
MOST_DAYS = 365
LONGEST_NAME = 64
PROGRAM = re.compile(r"[a-z][a-z0-9-]{0,47}", re.ASCII)
PROGRAM_NEVER = frozenset({Permission.FLEET_APPROVALS_ANSWER})
"""What no token of a program holds: questions to people are answered by people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """What a token is called, as whom it acts, what it may and for how long."""

    name: str
    program: str
    permissions: frozenset[Permission]
    days: int


def token_terms(
    actor: Actor, *, name: str, permissions: Iterable[Permission | str] | None, program: str, days: int
) -> TokenTerms:
    """Returns the terms `actor` asks for: what is malformed is an `InputError`, what they may not give `RefusedError`."""
    if actor.face == "api":
        raise RefusedError(
            "A token makes no tokens",
            why="one that leaked would outlive its end",
            hint="Log in to the console, or use `remit tokens create`",
        )
    title = name.strip()
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise InputError("A token needs a name", why=f"one line, at most {LONGEST_NAME} characters")
    if program and not PROGRAM.fullmatch(program):
        raise InputError("A program's name has the wrong form", which=program[:LONGEST_NAME], hint="Write nightly-sync")
    if not 1 <= days <= MOST_DAYS:
        raise InputError("A token does not live so long", which=str(days), hint=f"Write 1 to {MOST_DAYS} days")
    held = _granted(actor, permissions, program)
    if not held:
        raise InputError("A token without permissions is good for nothing", hint="Name at least one permission")
    return TokenTerms(name=title, program=program, permissions=held, days=days)


def _granted(actor: Actor, asked: Iterable[Permission | str] | None, program: str) -> frozenset[Permission]:
    """Returns the permissions a token gets; nobody gives what they do not hold."""
    never = PROGRAM_NEVER if program else frozenset[Permission]()
    if asked is None:
        return actor.permissions - never
    wanted = frozenset(_permission(name) for name in asked)
    if wanted & never:
        raise RefusedError("A program does not answer what people are asked", which=program, why="people answer")
    if beyond := sorted(wanted - actor.permissions):
        raise RefusedError(
            "A token holds no more than its owner", which=beyond[0].value, why=f"{actor.id} does not hold it themselves"
        )
    return wanted


def _permission(name: str) -> Permission:
    try:
        return Permission(name)
    except ValueError as fault:
        known = ", ".join(sorted(Permission))
        raise InputError("There is no permission", which=name[:LONGEST_NAME], hint=f"There are: {known}") from fault
