"""Who does or sees something: a person or program with what they may, and how they came in."""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from remit.contracts import Person
from remit.core import RefusedError
from remit.operations.permissions import VIEWING, Permission, permissions_of

Face = Literal["console", "api", "command line"]
"""Where somebody came in."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody known, with what they may do here."""

    id: str
    """A person of people.yaml, or `program:NAME`."""
    face: Face
    permissions: frozenset[Permission]
    roles: tuple[str, ...] = ()
    units: frozenset[str] = frozenset()
    """The business units they work for; empty means the whole fleet."""
    owner: str = ""
    """Of a program's token, the person who answers for it."""

    @property
    def behind(self) -> tuple[str, ...]:
        """Who has something done when this actor does it: they, and whoever answers for them."""
        return (self.id, self.owner) if self.owner else (self.id,)

    def may(self, permission: Permission, unit: str | None = None) -> bool:
        """Whether they may, in `unit` if one is given; whoever works for some units may nothing of the whole fleet."""
        if permission not in self.permissions:
            return False
        return not self.units or unit is None or unit in self.units

    def check(self, permission: Permission, unit: str | None = None) -> None:
        """Raises `RefusedError` when they may not."""
        if self.may(permission, unit):
            return
        if permission not in self.permissions:
            why = f"it takes {permission}; they hold {', '.join(self.roles) or 'no role'}"
        else:
            why = f"they work for {', '.join(sorted(self.units))}, this is of {unit or 'the whole fleet'}"
        raise RefusedError(f"{self.id} may not do this", why=why, hint="Ask somebody whose role has it: see People")


def person_actor(person: Person, face: Face, *, owns: bool = False) -> Actor:
    """Returns a person with what their roles let them do; who owns an agent may also be asked about it."""
    owning = VIEWING | {Permission.FLEET_APPROVALS_ANSWER} if owns else frozenset[Permission]()
    return Actor(
        id=person.id,
        face=face,
        permissions=permissions_of(person.roles) | owning,
        roles=person.roles,
        units=frozenset(person.units),
    )


def local_actor(name: str) -> Actor:
    """Returns whoever sits at the machine: they may do everything but answer what people are asked.

    Who can read and write the fleet's folder could do so anyway; an answer needs a person of people.yaml.
    """
    permissions = frozenset(Permission) - {Permission.FLEET_APPROVALS_ANSWER}
    return Actor(id=name, face="command line", permissions=permissions, roles=("local operator",))


class HasActor(Protocol):
    """Something done or seen in somebody's name."""

    @property
    def actor(self) -> Actor:
        """In whose name."""
        ...


class Acts(HasActor, Protocol):
    """Something done in somebody's name; refusals are on the record."""

    async def refused(self, permission: Permission, fault: RefusedError) -> None:
        """Puts a refused attempt on the record."""
        ...


A = TypeVar("A", bound=Acts)
S = TypeVar("S", bound=HasActor)
PERMISSION = "remit_permission"


def verb(
    permission: Permission, *, is_checked_inside: bool = False
) -> Callable[[Callable[Concatenate[A, P], Awaitable[R]]], Callable[Concatenate[A, P], Awaitable[R]]]:
    """Marks a verb: it is done only for whoever holds `permission`, and a refused attempt is on the record.

    One that is `checked inside` asks further who it is about: an agent's owner may what others may not.
    """

    def mark(
        do: Callable[Concatenate[A, P], Awaitable[R]],
    ) -> Callable[Concatenate[A, P], Awaitable[R]]:
        @functools.wraps(do)
        async def checked(self: A, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not is_checked_inside:
                try:
                    self.actor.check(permission)
                except RefusedError as fault:
                    await self.refused(permission, fault)
                    raise
            return await do(self, *args, **kwargs)

        setattr(checked, PERMISSION, permission)
        return checked

    return mark


def view(
    permission: Permission,
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Marks a view: it is shown only to whoever holds `permission`."""

    def mark(show: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(show)
        def checked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            self.actor.check(permission)
            return show(self, *args, **kwargs)

        setattr(checked, PERMISSION, permission)
        return checked

    return mark


def permission_of(operation: Any) -> Permission:
    """Returns the permission a verb or view asks for."""
    return getattr(operation, PERMISSION)
