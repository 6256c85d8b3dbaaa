"""Establishes callers: attempts by their secret, people by the directory."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from remit.contracts import Person
from remit.core import RefusedError, new_secret


def issue_secret() -> tuple[str, bytes]:
    """Returns a new secret, and the SHA-256 of it that is kept."""
    secret = new_secret()
    return secret, hash_secret(secret)


def hash_secret(secret: str) -> bytes:
    """Returns the SHA-256 of a drawn secret: what is kept of it. (Passwords, which people think of, need argon2.)"""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def secret_matches(secret: str, kept: bytes | None) -> bool:
    """Compares in constant time; no kept secret matches nothing."""
    return kept is not None and hmac.compare_digest(hash_secret(secret), kept)


class People:
    """The people of the fleet, the roles they hold, and who of them owns agents."""

    def __init__(self, people: Mapping[str, Person], *, owners: Iterable[str] = ()) -> None:
        self._people = dict(people)
        self._owners = frozenset(owners)

    def find(self, identifier: str) -> Person | None:
        """Returns the person, or None."""
        return self._people.get(identifier)

    def owns(self, identifier: str) -> bool:
        """Whether they answer for some agent."""
        return identifier in self._owners

    def person(self, identifier: str) -> Person:
        """Returns the person, or raises `RefusedError`: nobody unknown answers for anything."""
        found = self._people.get(identifier)
        if found is None:
            known = ", ".join(sorted(self._people)) or "nobody"
            raise RefusedError(
                "No such person", which=identifier, why=f"people.yaml has: {known}", hint="Say who you are with --as"
            )
        return found

    def holding(self, roles: Iterable[str]) -> list[Person]:
        """Returns everybody who holds one of `roles`, sorted by id."""
        wanted = set(roles)
        return sorted((p for p in self._people.values() if wanted & set(p.roles)), key=lambda person: person.id)

    def everybody(self) -> list[Person]:
        """Returns everybody, sorted by id."""
        return [self._people[identifier] for identifier in sorted(self._people)]
