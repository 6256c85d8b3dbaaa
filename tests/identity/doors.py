"""Cheap argon2 that counts its work, and identity's parts on a store of their own."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from remit.identity import Links, Lockouts, Passwords, Sessions, Tokens
from remit.testing import SettableClock
from store.opened import Store, open_store


class CountingHasher(PasswordHasher):
    """Argon2 with the least costs there are; counts how often it compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.compared.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


CHEAP = Passwords(CountingHasher())


@dataclass(frozen=True)
class Doors:
    """Everything that lets somebody in."""

    store: Store
    clock: SettableClock
    sessions: Sessions
    links: Links
    tokens: Tokens
    lockouts: Lockouts


@contextmanager
def open_doors(folder: Path) -> Generator[Doors]:
    """Opens identity's parts on the store in `folder`."""
    with open_store(folder) as store:
        database, clock = store.database, SettableClock()
        yield Doors(
            store,
            clock,
            Sessions(database, clock, hours=12),
            Links(database, clock, minutes=15),
            Tokens(database, clock),
            Lockouts(database, clock, tries=3, minutes=10),
        )
