"""A copy of the database, taken while work goes on. The log's key is left out: who has the copy shall not sign."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from remit.audit import Log, PublicKey, SigningKey, newest_checkpoint, verify_log
from remit.core import Clock, InputError, IntegrityError, NotFoundError, iso
from remit.operations.upkeep.server_tools import run_tool
from remit.operations.upkeep.site import Site
from remit.store import ReadOnlySqlite
from remit.store.sqlite.copying import copy_sqlite, quick_check

ABOUT, NEWEST, SQLITE, DUMP = "about.json", "checkpoint", "remit.db", "remit.dump"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a copy says of itself."""

    cell: str
    dialect: str
    taken_at: str
    entries: int
    """Of the log, under the copy's checkpoint."""
    key: str
    """The log's public key; empty when the key file was not there."""
    verified: bool
    """Whether the copy's own log was verified; PostgreSQL's is when it is restored."""

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json` and for the copy."""
        return asdict(self)

    @property
    def public_key(self) -> PublicKey | None:
        """The log's public key, if it is known."""
        return PublicKey.parse(self.key) if self.key else None


def back_up(site: Site, target: Path) -> Backup:
    """Copies the fleet's database into the folder `target`, which must not be there, and verifies the copy's log.

    The log's key, the fleet's files and what secrets their settings name are no part of it.
    """
    if target.exists():
        raise InputError("The copy is there already", which=str(target), hint="Name a new folder")
    target.mkdir(mode=0o700, parents=True)
    try:
        return _back_up(site, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # nobody shall take it for one, and the next try has room
        raise


def _back_up(site: Site, target: Path) -> Backup:
    public = _public_key(site.key_file)
    if site.is_sqlite:
        note, verified = _copy_sqlite(site, target, public)
    else:
        note, verified = _dump(site, target), False
    backup = Backup(
        cell=site.settings.name,
        dialect="sqlite" if site.is_sqlite else "postgresql",
        taken_at=iso(site.clock.now()),
        entries=size_of(note),
        key=public.text() if public else "",
        verified=verified,
    )
    if note:
        (target / NEWEST).write_text(note, encoding="utf-8")
    (target / ABOUT).write_text(json.dumps(backup.as_json(), indent=2) + "\n", encoding="utf-8")  # last: it is whole
    return backup


def read_backup(source: Path) -> Backup:
    """Returns what the copy in the folder `source` says of itself; one that broke off has no such file."""
    try:
        told: Any = json.loads((source / ABOUT).read_text(encoding="utf-8"))
        values = cast("Mapping[str, Any]", told)
        return Backup(**{name: values[name] for name in Backup.__slots__})
    except FileNotFoundError as fault:
        raise NotFoundError(
            "There is no copy", which=str(source), why=f"it has no {ABOUT}", hint="`remit database backup` makes one"
        ) from fault
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InputError("The copy cannot be read", which=str(source), why=f"{ABOUT} is damaged") from fault


def size_of(note: str | None) -> int:
    """Returns how many entries a checkpoint covers, without asking who signed it."""
    return int(note.split("\n")[1]) if note else 0


def _public_key(path: Path) -> PublicKey | None:
    return SigningKey.parse(path.read_text(encoding="utf-8").strip()).public if path.exists() else None


def _copy_sqlite(site: Site, target: Path, public: PublicKey | None) -> tuple[str | None, bool]:
    path = site.path
    if not path.is_file():
        raise NotFoundError("There is no database", which=str(path), hint="The first command makes it")
    copy = target / SQLITE
    copy_sqlite(path, copy)
    quick_check(copy)
    return check_copy(copy, public, site.clock)


def check_copy(copy: Path, public: PublicKey | None, clock: Clock) -> tuple[str | None, bool]:
    """Verifies the log of a SQLite file with the public key alone; returns its checkpoint, and whether it could."""
    database = ReadOnlySqlite(f"sqlite:///{copy.name}", folder=copy.parent)
    try:
        note = newest_checkpoint(database)
        if note is None or public is None:
            return note, False
        log = Log(database, public, clock)
        log.check()
        if not (report := verify_log(log)).ok:
            raise IntegrityError("The log of the copy does not verify", which=str(copy), why="; ".join(report.problems))
        return note, True
    finally:
        database.close()


def _dump(site: Site, target: Path) -> str | None:
    # The checkpoint is read first, so that the dump, which is of a later moment, has every entry under it.
    database = site.open(read_only=True)
    try:
        note = newest_checkpoint(database)
    finally:
        database.close()
    arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target / DUMP}"]
    run_tool("pg_dump", arguments, site.settings.database_url)
    return note
