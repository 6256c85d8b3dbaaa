"""A copy put in the database's place. The log is not signed on where it was set back, and nothing acts until a person looks.

What was done after the copy was taken did happen outside, and is on no record any more. So the fleet's switch is pulled.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from remit.audit import KeptCheckpoint, Log, load_or_create_key, make_entry, newest_checkpoint, open_checkpoint
from remit.controls import Controls
from remit.core import ConflictError, InputError, JsonValue, iso
from remit.operations.upkeep.backup import DUMP, SQLITE, Backup, check_copy, read_backup
from remit.operations.upkeep.new_log import LogRestarted, commit_alone, restart_log, stop_fleet
from remit.operations.upkeep.server_tools import run_tool
from remit.operations.upkeep.site import Site
from remit.store import Commit, Database, SqliteDatabase
from remit.store.sqlite.copying import copy_sqlite, quick_check, settle_sqlite

RESTORED = "database.restored"
WHY_STOPPED = "restored from a copy: what was done after it was taken is not on record"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    taken_at: str
    entries: int
    log: str
    """The log that goes on."""
    restarted: LogRestarted | None
    set_aside: str
    """Where the database that was there lies now."""

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How somebody wants it restored."""

    because: str
    by: str
    newest: str | None = None
    """The newest checkpoint anybody has, where it is not kept on this machine."""
    new_log: bool = False
    """Whether a new log may begin, where the copy's was set back or nobody knows."""


def restore(site: Site, source: Path, terms: Terms) -> Restored:
    """Puts the copy in `source` in the place of the fleet's database; nobody may be at work. See `docs/operating.md`."""
    backup = read_backup(source)
    dialect = "sqlite" if site.is_sqlite else "postgresql"
    if (backup.cell, backup.dialect) != (site.settings.name, dialect):
        raise InputError(
            "The copy is of another cell",
            which=str(source),
            why=f"it is of {backup.cell!r} on {backup.dialect}, this one is {site.settings.name!r} on {dialect}",
        )
    _check_before(site, backup, terms)
    return (_restore_sqlite if site.is_sqlite else _restore_server)(site, source, backup, terms)


def _check_before(site: Site, backup: Backup, terms: Terms) -> None:
    """Refuses what would contradict a checkpoint that is known, before anything is touched."""
    kept, public = KeptCheckpoint(site.checkpoint_file), backup.public_key
    if terms.newest is not None and public is not None:
        kept.keep(terms.newest, public)  # an error where this log did not sign it
    if terms.new_log:
        return
    if not site.key_file.exists():
        raise InputError(
            "The log's key is not here",
            which=str(site.key_file),
            why="it is no part of a copy",
            hint="Put its own copy back, or begin a new log with --new-log",
        )
    newest = kept.note()
    if newest is None:
        raise InputError(
            "Nobody knows what was signed after this copy was taken",
            which=backup.taken_at,
            why="signing other entries in its place would be a forgery",
            hint="Give the newest checkpoint anybody has with --newest-checkpoint, or begin a new log with --new-log",
        )
    if public is not None and (goes_on := newest.partition("\n")[0]) != public.name:
        raise ConflictError(
            "The copy is of another log",
            which=public.name,
            why=f"{goes_on!r} is signed here by now: the log was begun anew after the copy was taken",
            hint="Take a newer copy, or begin a new log with --new-log",
        )
    if public is not None and (size := open_checkpoint(newest, public).size) > backup.entries:
        raise ConflictError(
            "The log would be set back",
            which=backup.taken_at,
            why=f"the copy has {backup.entries} entries under its checkpoint, {size} were signed",
            hint="Take a newer copy, or begin a new log with --new-log",
        )


def _restore_sqlite(site: Site, source: Path, backup: Backup, terms: Terms) -> Restored:
    """Makes everything ready beside the database, then changes places."""
    path = site.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        settle_sqlite(path)
    ready = path.with_name(f"{path.name}.restored")
    ready.unlink(missing_ok=True)
    copy_sqlite(source / SQLITE, ready)
    quick_check(ready)
    check_copy(ready, backup.public_key, site.clock)
    database = SqliteDatabase(f"sqlite:///{ready.name}", folder=ready.parent)
    try:
        database.migrate()
        restarted = _begin(site, database, backup, terms)
    finally:
        database.close()
    settle_sqlite(ready)
    aside = _set_aside(path, iso(site.clock.now()))
    ready.replace(path)
    return Restored(backup.taken_at, backup.entries, _log_name(site, restarted), restarted, aside)


def _set_aside(path: Path, now: str) -> str:
    """Moves the database that is there; returns where it lies now."""
    if not path.exists():
        return ""
    ending = now.translate(str.maketrans("", "", ":-"))
    return str(path.rename(path.with_name(f"{path.name}.before-{ending}")))


def _restore_server(site: Site, source: Path, backup: Backup, terms: Terms) -> Restored:
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source / DUMP)]
    run_tool("pg_restore", arguments, site.settings.database_url)  # which fails where a table is there already
    database = site.open()
    try:
        database.migrate()
        restarted = _begin(site, database, backup, terms)
    finally:
        database.close()
    return Restored(backup.taken_at, backup.entries, _log_name(site, restarted), restarted, "")


def _begin(site: Site, database: Database, backup: Backup, terms: Terms) -> LogRestarted | None:
    """Begins a new log where that is asked for, pulls the fleet's switch, and puts both on the record."""
    restarted = None
    if terms.new_log and newest_checkpoint(database) is not None:
        restarted = restart_log(
            site,
            database,
            because=terms.because,
            by=terms.by,
            newest=terms.newest,
            old_key=backup.public_key,
        )
    log = Log(
        database,
        load_or_create_key(site.key_file, site.settings.name),
        site.clock,
        kept=KeptCheckpoint(site.checkpoint_file),
    )
    log.check()
    now = site.clock.now()
    told: Mapping[str, JsonValue] = {"taken_at": backup.taken_at, "because": terms.because, "by": terms.by}
    restored = Commit([], [make_entry("cell", RESTORED, "database", now, told)])
    switch = Controls(database, site.clock).switch("fleet", stopped=True, because=WHY_STOPPED, by=terms.by)
    commit_alone(database, log, restored, stop_fleet(WHY_STOPPED, terms.by, now, switch))
    log.keep()
    return restarted


def _log_name(site: Site, restarted: LogRestarted | None) -> str:
    return restarted.name if restarted else load_or_create_key(site.key_file, site.settings.name).name
