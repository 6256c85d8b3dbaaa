"""What is looked at, and what a check says."""

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from remit.contracts import Finding, Fleet
from remit.core import Clock, RemitError, Settings, SystemClock, Webhook, load_settings
from remit.gateway import Releases
from remit.operations.tool_locks import LockedServer
from remit.policy import Policy
from remit.store import (
    Database,
    Dialect,
    Migration,
    ReadOnlySqlite,
    load_migrations,
    load_queries,
    open_database,
)

_Q = load_queries("remit.operations.doctor")

Inspect = Callable[[Path], tuple[Settings, Fleet, list[Finding]]]
"""Reads a fleet's folder with every mistake in it; it stands above this floor, so it is handed in."""
ReadSecrets = Callable[[Mapping[str, Webhook], Mapping[str, str]], object]
"""Reads the secrets of webhooks from the environment, or raises `InputError`; handed in as well."""


class Health(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    """It works, and will not for ever."""
    TROUBLE = "trouble"
    """Something does not work."""
    SKIPPED = "skipped"
    """It could not be looked at, because of something that another check names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a check says: what is so, why it matters, how it is mended."""

    check: str = ""
    health: Health
    what: str
    why: str = ""
    mend: str = ""
    """In words."""
    command: str = ""
    """What to type in the fleet's folder, where one line does it."""

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json` and APIs."""
        return {name: str(getattr(self, name)) for name in self.__slots__}


class OutOfPlaceSignal(Exception):
    """A check is of another kind of database, so nothing is said of it."""


class SkippedSignal(Exception):
    """A check cannot be made now; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A fleet's folder on this machine, looked at without changing anything in it."""

    folder: Path
    inspect: Inspect
    read_secrets: ReadSecrets
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=SystemClock)
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    mounts: Path = Path("/proc/self/mounts")
    little_room: int = 1_000_000_000  # a night's work of a busy fleet
    """Fewer bytes left on the disk are a warning."""
    no_room: int = 100_000_000  # what SQLite needs to come through a commit of any size of ours
    """Fewer are a trouble."""
    servers: tuple[LockedServer, ...] = ()
    """How the fleet's MCP servers compare with what is pinned."""

    @property
    def is_fleet(self) -> bool:
        """Whether there is a fleet in the folder at all."""
        return os.path.isdir(self.folder / "agents")  # which also answers for a folder that may not be looked into

    @cached_property
    def settings(self) -> Settings:
        """The settings; what is wrong with them is an `InputError` in one check, and skips the others."""
        return load_settings(self.folder)

    @cached_property
    def inspected(self) -> tuple[Fleet, list[Finding]]:
        """The fleet as far as it can be read, with its mistakes."""
        if not self.is_fleet:
            raise SkippedSignal("there is no fleet here")
        self.known_settings()
        _, fleet, findings = self.inspect(self.folder)
        return fleet, findings

    @property
    def fleet(self) -> Fleet:
        """The fleet as far as it can be read."""
        return self.inspected[0]

    @cached_property
    def releases(self) -> Releases:
        """The releases of the folder as it is; nothing is compiled until it is asked for."""
        settings = self.known_settings()
        return Releases(self.fleet, settings, Policy.of(settings.models))

    def known_settings(self) -> Settings:
        """Returns the settings, or skips the check."""
        try:
            return self.settings
        except RemitError as fault:
            raise SkippedSignal("the settings cannot be read") from fault

    @cached_property
    def database(self) -> Database:
        """The fleet's database, there or not."""
        settings = self.known_settings()
        try:
            return open_database(settings.database_url, folder=self.folder, limits=settings.database, read_only=True)
        except RemitError as fault:
            raise SkippedSignal("the settings name no database that can be used") from fault

    @property
    def sqlite(self) -> ReadOnlySqlite:
        """The database's file; a check of files is skipped on a server."""
        if not isinstance(self.database, ReadOnlySqlite):
            raise OutOfPlaceSignal
        return self.database

    @property
    def server(self) -> Database:
        """The database on a server that answers; a check of servers is skipped on a file."""
        if self.database.dialect == "sqlite":
            raise OutOfPlaceSignal
        if self.unreachable:
            raise SkippedSignal("the database cannot be reached")
        return self.database

    @cached_property
    def unreachable(self) -> str:
        """Why the database's server cannot be reached, asked once; empty when it answers, and for a file."""
        if self.database.dialect == "sqlite":
            return ""
        try:
            cast("Any", self.database).connect("remit doctor").close()  # a pool would not say why
        except RemitError as fault:
            return fault.why or fault.what
        return ""

    @cached_property
    def store(self) -> Database:
        """The database with the tables of this Remit, or the check is skipped."""
        if isinstance(self.database, ReadOnlySqlite) and not self.database.path.is_file():
            raise SkippedSignal("nothing has run yet")
        if self.unreachable:
            raise SkippedSignal("the database cannot be reached")
        try:
            applied = self.applied
        except sqlite3.Error as fault:
            raise SkippedSignal("the database cannot be read") from fault
        if not applied:
            raise SkippedSignal("nothing has run yet")
        if not is_complete(applied, known_migrations(self.database.dialect)):
            raise SkippedSignal("the database is not one of this Remit")
        return self.database

    @cached_property
    def applied(self) -> list[tuple[int, str]]:
        """The number and digest of each migration the database has had, in order."""
        has_table = self.database.read(_Q["has_table"], {"name": "migrations"})
        rows = self.database.read(_Q["tables_applied"]) if has_table else []
        return [(row["number"], row["digest"]) for row in rows]

    def close(self) -> None:
        """Closes what was opened."""
        if "database" in self.__dict__:
            self.database.close()


def known_migrations(dialect: Dialect) -> list[Migration]:
    """Returns each migration this Remit has, in order."""
    return load_migrations(dialect)


def is_complete(applied: Sequence[tuple[int, str]], known: Sequence[Migration]) -> bool:
    """Whether the tables are those of this Remit; what only takes away may still be to come."""
    digests, wanted = dict(applied), {migration.number: migration.digest for migration in known}
    needed = {migration.number for migration in known if not migration.is_post}
    return needed <= digests.keys() and all(wanted.get(number) == digest for number, digest in applied)
