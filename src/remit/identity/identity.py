"""Establishes callers: attempts by their secret, people by the directory."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from remit.contracts import OWN_ROLES, Person
from remit.core import Clock, RefusedError, SystemClock, day_of, new_secret


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

    def __init__(self, people: Mapping[str, Person], *, owners: Iterable[str] = (), clock: Clock | None = None) -> None:
        self._people = dict(people)
        self._owners = frozenset(owners)
        self._clock = clock or SystemClock()
        self._stands_in: dict[str, list[Person]] = {}
        for person in self._people.values():
            if person.stand_in and person.away:
                self._stands_in.setdefault(person.stand_in, []).append(person)

    def find(self, identifier: str) -> Person | None:
        """Returns the person, with the roles they hold today; None when nobody knows them."""
        found = self._people.get(identifier)
        return self._today(found) if found else None

    def absent(self, identifier: str) -> tuple[str, ...]:
        """Returns for whom somebody stands in today."""
        day = day_of(self._clock.now())
        return tuple(person.id for person in self._stands_in.get(identifier, ()) if person.is_away(day))

    def _today(self, person: Person) -> Person:
        """Adds the approver roles of those the person stands in for; to operate or release, nobody stands in."""
        absent = self.absent(person.id) if person.id in self._stands_in else ()
        if not absent:
            return person
        lent = [role for each in absent for role in self._lent(self._people[each], person)]
        return person.model_copy(update={"roles": tuple(dict.fromkeys((*person.roles, *lent)))})

    def owns(self, identifier: str) -> bool:
        """Whether they answer for some agent."""
        return identifier in self._owners

    @staticmethod
    def _lent(absent: Person, to: Person) -> list[str]:
        """Returns the approver roles that are lent; to nobody who would hold them for more units than who is away."""
        is_wider = absent.units and not (to.units and set(to.units) <= set(absent.units))
        return [] if is_wider else [role for role in absent.roles if role not in OWN_ROLES]

    def person(self, identifier: str) -> Person:
        """Returns the person, or raises `RefusedError`: nobody unknown answers for anything."""
        found = self.find(identifier)
        if found is None:
            known = ", ".join(sorted(self._people)) or "nobody"
            raise RefusedError(
                "No such person", which=identifier, why=f"people.yaml has: {known}", hint="Say who you are with --as"
            )
        return found

    def holding(self, roles: Iterable[str]) -> list[Person]:
        """Returns everybody who holds one of `roles`, sorted by id."""
        wanted = set(roles)
        return [person for person in self.everybody() if wanted & set(person.roles)]

    def everybody(self) -> list[Person]:
        """Returns everybody, sorted by id."""
        return [self._today(self._people[identifier]) for identifier in sorted(self._people)]
