"""An entrance on a store of its own, with a log, cheap argon2 and people that can change."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from identity.doors import CountingHasher
from remit.audit import Log, LogEntry, load_or_create_key
from remit.contracts import Person
from remit.core import Http, Settings
from remit.identity import Passwords, People
from remit.operations import Access, Actor, person_actor
from remit.store import Commit
from remit.testing import SettableClock
from store.opened import Store, open_store, store_in

CARA, OLGA, PIA, UNA = "cara@shop.example", "olga@shop.example", "pia@shop.example", "una@shop.example"
PASSWORD = "plum engine violet moss"
HASHED = Passwords(CountingHasher()).hash_password(PASSWORD)
EVERYBODY = {
    CARA: Person(id=CARA, roles=("care-lead",), password=HASHED),
    OLGA: Person(id=OLGA, roles=("operator", "platform"), password=HASHED, units=()),
    PIA: Person(id=PIA, roles=("platform",)),
    UNA: Person(id=UNA, roles=("platform",), units=("care",)),
}
OFFICE = "192.0.2.7"


@dataclass
class Entrance:
    """What lets people in, and what was written down about it."""

    folder: Path
    store: Store
    log: Log
    clock: SettableClock
    hasher: CountingHasher
    access: Access = field(init=False)

    def with_people(self, **changes: Person | None) -> Access:
        """Returns the access to the same store after people.yaml was changed and read again."""
        people = {**EVERYBODY, **{f"{name}@shop.example": person for name, person in changes.items()}}
        return self.made(People({name: person for name, person in people.items() if person}))

    def made(self, people: People, **settings: Any) -> Access:
        """Returns an access to the store."""
        return Access(
            people=people,
            database=self.store.database,
            writer=self.store.writer,
            clock=self.clock,
            settings=Settings(http=Http(**settings)),
            passwords=Passwords(self.hasher),
        )

    def entries(self, kind: str = "") -> list[LogEntry]:
        """Returns what is on the record."""
        return [entry for entry in self.log.entries("cell") if kind in ("", entry.kind)]

    async def settle(self) -> None:
        """Waits until what was noted behind an answer is in the store."""
        await self.store.writer.commit(Commit([]))

    def actor(self, person: str) -> Actor:
        """Returns a person in the console."""
        return person_actor(EVERYBODY[person], "console")

    def everything(self) -> bytes:
        """Returns every byte that SQLite has on disk."""
        return b"".join(file.read_bytes() for file in self.folder.iterdir() if file.is_file())


@contextmanager
def open_entrance(folder: Path) -> Generator[Entrance]:
    """Opens an entrance in `folder`."""
    clock, hasher = SettableClock(), CountingHasher()
    database = store_in(folder)
    log = Log(database, load_or_create_key(folder / "log.key", "shop"), clock)
    with open_store(folder, appender=log) as store:
        entrance = Entrance(folder, store, log, clock, hasher)
        entrance.access = entrance.made(People(EVERYBODY))
        yield entrance
    database.close()
