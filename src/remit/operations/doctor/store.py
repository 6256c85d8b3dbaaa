"""What is kept: the database's file and content, the log's key and head."""

import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from remit.audit import KeptCheckpoint, Log, SigningKey, load_or_create_key
from remit.core import RemitError
from remit.operations.doctor.model import Diagnosis, Health, Patient, SkippedSignal, is_complete, known_migrations
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")

# One commit takes milliseconds; whoever has held the lock for so long is stuck.
LOCK_SECONDS, LOOK_SECONDS = 2.0, 0.1
# SQLite begins its journal anew long before, unless somebody keeps it from doing so.
LARGE_JOURNAL = 64_000_000
# Reading it from end to end takes some seconds; beyond, somebody should want it.
LARGEST_READ = 2_000_000_000
# Where SQLite's writers take turns: byte 120 of the shared memory (sqlite.org/walformat.html, 2.4).
_LOCKS = Path("/proc/locks")
_WRITER = re.compile(r"POSIX +ADVISORY +WRITE +(?P<pid>\d+) +\S+:\S+:(?P<inode>\d+) +120 +120$", re.MULTILINE)


def database_file(patient: Patient) -> Iterator[Diagnosis]:
    """The database's files can be written, or made."""
    path = patient.sqlite.path
    folder = next(place for place in (path.parent, *path.parents) if place.exists())
    if not folder.is_dir():
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"The folder of the database cannot be made: {folder} is a file",
            mend="Move it away, or set another `database_url` in remit.toml",
        )
        return
    parts = [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    for place in (folder, *(part for part in parts if part.exists())):
        wanted = os.R_OK | os.W_OK | (os.X_OK if place.is_dir() else 0)
        if not os.access(place, wanted, effective_ids=os.access in os.supports_effective_ids):
            yield _unwritable(place)


def _unwritable(place: Path) -> Diagnosis:
    found = place.stat()
    is_ours = found.st_uid == os.geteuid()
    rights = "u+rwx" if place.is_dir() else "u+rw"
    return Diagnosis(
        health=Health.TROUBLE,
        what=f"{place} cannot be read and written",
        why=f"it is of user {found.st_uid}, {stat.filemode(found.st_mode)}; this is user {os.geteuid()}",
        mend="Let its owner write" if is_ours else "Run Remit as its owner, or have it given to this user",
        command=f"chmod {rights} '{place}'" if is_ours else "",
    )


def database_lock(patient: Patient) -> Iterator[Diagnosis]:
    """Nobody keeps the others from writing."""
    shared = patient.sqlite.path.with_name(f"{patient.sqlite.path.name}-shm")
    if not shared.exists():
        return
    if not _LOCKS.exists():
        raise SkippedSignal("only Linux tells who holds a lock")
    deadline = time.monotonic() + LOCK_SECONDS
    while holder := _writer(shared):
        if time.monotonic() > deadline:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"Process {holder} holds the database's write lock",
                why=f"it has for {LOCK_SECONDS:g} seconds, and nothing can be decided meanwhile",
                mend="See what it is; if it is stuck, end it: nothing is lost, an unfinished commit never happened",
                command=f"kill {holder}",
            )
            return
        time.sleep(LOOK_SECONDS)


def _writer(shared: Path) -> int:
    """Returns the process that holds the write lock, or 0."""
    inode = str(shared.stat().st_ino) if shared.exists() else ""
    held = _WRITER.finditer(_LOCKS.read_text(encoding="ascii", errors="replace"))
    return next((int(lock["pid"]) for lock in held if lock["inode"] == inode), 0)


def database_content(patient: Patient) -> Iterator[Diagnosis]:
    """The database's content is sound."""
    path = patient.sqlite.path
    if not path.is_file():
        return
    if path.stat().st_size > LARGEST_READ:
        raise SkippedSignal(f"it is large; try sqlite3 '{path}' 'pragma quick_check'")
    try:
        rows = patient.database.read(_Q["quick_check"])
        problems = [str(row["quick_check"]) for row in rows if row["quick_check"] != "ok"]
    except sqlite3.Error as fault:
        problems = [str(fault)]
    if problems:
        yield Diagnosis(
            health=Health.TROUBLE,
            what="The database is damaged",
            why="; ".join(" ".join(problem.split()) for problem in problems)[:500],
            mend="Stop what works with it, keep the file as evidence, and restore a copy",
        )


def database_tables(patient: Patient) -> Iterator[Diagnosis]:
    """The database has the tables of this Remit."""
    if patient.database.dialect == "sqlite" and not patient.sqlite.path.is_file():
        return
    if patient.unreachable:
        raise SkippedSignal("the database cannot be reached")
    try:
        applied, known = patient.applied, known_migrations(patient.database.dialect)
    except sqlite3.Error as fault:
        raise SkippedSignal("the database cannot be read") from fault
    newest, last = max((number for number, _ in applied), default=0), known[-1].number
    digests = {migration.number: migration.digest for migration in known}
    if newest > last:
        yield Diagnosis(
            health=Health.TROUBLE,
            what="The database was made by a newer Remit",
            why=f"it has migration {newest:04d}, this Remit knows {last:04d}",
            mend="Upgrade Remit, or restore the file from before the upgrade",
        )
    elif any(digests.get(number) != digest for number, digest in applied):
        yield Diagnosis(
            health=Health.TROUBLE,
            what="A migration was changed after it was applied",
            why="the tables may be other ones than this Remit takes them for",
            mend="Install the Remit that made the database again, unchanged",
        )
    elif not applied and patient.database.dialect == "postgresql":
        yield Diagnosis(
            health=Health.WARNING,
            what="The database is empty",
            mend="The first process makes its tables, or do it now as their owner",
            command="remit database migrate",
        )
    elif not is_complete(applied, known):
        yield Diagnosis(
            health=Health.WARNING,
            what="The database was made by an older Remit",
            why=f"it has {len(applied)} of {len(known)} migrations; it cannot go back afterwards",
            mend="Copy it; then bring it up to date, while the processes of the Remit before go on",
            command="remit database migrate",
        )
    elif len(applied) < len(known):
        left = ", ".join(f"{each.number:04d}_{each.name}" for each in known if each.number not in dict(applied))
        yield Diagnosis(
            health=Health.WARNING,
            what="The database keeps what only the Remit before used",
            why=f"{left} waits until none of it is at work",
            mend="Once every process is of this Remit, take it away",
            command="remit database migrate --post",
        )


def journal_size(patient: Patient) -> Iterator[Diagnosis]:
    """SQLite's journal is of a usual size."""
    path = patient.sqlite.path
    journal = path.with_name(f"{path.name}-wal")
    size = journal.stat().st_size if journal.exists() else 0
    if size > LARGE_JOURNAL:
        yield Diagnosis(
            health=Health.WARNING,
            what=f"SQLite's journal has grown to {size / 1_000_000:.0f} MB",
            why="somebody reads without end, or a process died in a hurry; reading gets slower by it",
            mend="Stop what works with the database; the last command to close it takes the journal in",
            command="remit runs",
        )


def log_key(patient: Patient) -> Iterator[Diagnosis]:
    """The log's key is there, is its own, and only its owner can read it."""
    settings = patient.known_settings()
    path = patient.folder / settings.key_file
    if not path.exists():
        if _log_size(patient):
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"The log's key {path} is missing, and there is a log",
                why="the next command would make another key, and with it nothing signed before can be verified",
                mend="Put the key file back from a copy; `key_file` in remit.toml says where it is looked for",
            )
        return
    if path.stat().st_mode & 0o077:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"Others can read the log's key {path}",
            why="whoever has it can sign another log, so Remit refuses to use it",
            mend="Take their rights away; if somebody may have read it, start a new log with a new key",
            command=f"chmod 600 '{path}'",
        )
        return
    load_or_create_key(path, settings.name)  # it is there, so none is made; a damaged one, or another log's, is told


def log_head(patient: Patient) -> Iterator[Diagnosis]:
    """The log's head is signed with its key, over the entries that are there."""
    log = _log(patient)
    try:
        log.check()
    except RemitError as fault:
        yield Diagnosis(
            health=Health.TROUBLE,
            what="The log does not verify",
            why=fault.text(),
            mend="Keep the file and the key as evidence; `remit log verify` says what was changed. Restore a copy",
        )


def _log(patient: Patient) -> Log:
    settings, store = patient.known_settings(), patient.store
    try:
        text = (patient.folder / settings.key_file).read_text(encoding="utf-8")
        kept = KeptCheckpoint(patient.folder / settings.checkpoint_file)
        return Log(store, SigningKey.parse(text.strip()), patient.clock, kept=kept)
    except (OSError, UnicodeDecodeError, RemitError) as fault:
        raise SkippedSignal("there is no usable key") from fault


def _log_size(patient: Patient) -> int:
    """Returns the number of log entries, 0 where none can be read."""
    try:
        row = patient.store.read_one(_Q["log_size"])
    except (SkippedSignal, sqlite3.Error):
        return 0
    return int(row["size"]) if row else 0
