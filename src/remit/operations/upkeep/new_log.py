"""A new log where the old one was set back: it keeps the old entries, has a name and a key of its own, and says why."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from remit.audit import (
    Checkpoint,
    KeptCheckpoint,
    Log,
    PublicKey,
    SigningKey,
    make_entry,
    newest_checkpoint,
    next_key,
    open_checkpoint,
)
from remit.core import ConflictError, InputError, JsonValue, RemitError
from remit.operations.upkeep.site import Site
from remit.store import Commit, Committed, Database, Statement, Writer

CONTINUED = "log.continued"
"""The entry with which a new log commits to the last checkpoint of the one before it."""


@dataclass(frozen=True, slots=True)
class LogRestarted:
    """Which log ended where, and which goes on."""

    before: str
    before_size: int
    """Of its newest checkpoint that is known."""
    kept_size: int
    """How many entries of it the new log begins with."""
    name: str
    key: str

    def as_json(self) -> dict[str, Any]:
        """Returns it for `--json`."""
        return asdict(self)


def restart_log(
    site: Site,
    database: Database,
    *,
    because: str,
    by: str,
    newest: str | None = None,
    old_key: PublicKey | None = None,
) -> LogRestarted:
    """Ends the log that was set back and begins a new one after the entries that are there. Nobody may be at work.

    The new log's first own entry holds the newest checkpoint of the old one that is known: `newest`, or the kept one.
    Both verify: the old one's exports with its key, all entries from the first on with the new key.
    """
    last = newest_checkpoint(database)
    if last is None:
        raise ConflictError("Nothing in this log is signed yet", hint="There is nothing to contradict: go on with it")
    kept = KeptCheckpoint(site.checkpoint_file)
    old = _key_of(last, site.key_file, old_key)
    known = max(
        (open_checkpoint(note, old) for note in (last, newest or last, _note_by(old, kept) or last)),
        key=lambda checkpoint: checkpoint.size,
    )
    used = [old.name, *(key.name for key in _keys(site.key_file))]
    key = next_key(site.key_file, site.settings.name, used=used)
    log = Log(database, key, site.clock, before=old)
    own = open_checkpoint(last, old)
    fields: Mapping[str, JsonValue] = {
        "before": _told(known),
        "begins_with": _told(own),
        "because": because,
        "by": by,
    }
    commit_alone(database, log, Commit([], [make_entry("cell", CONTINUED, key.name, site.clock.now(), fields)]))
    note = log.latest_checkpoint()
    if note is None or open_checkpoint(note, key.public).size <= own.size:
        raise RemitError("The new log could not be signed", which=key.name, hint="Do the same again")
    kept.replace(note)
    return LogRestarted(old.name, known.size, own.size, key.name, key.public.text())


def commit_alone(database: Database, log: Log, *commits: Commit) -> None:
    """Commits and signs where no cell is at work."""
    sequencer = database.sequencer(log, None)
    log.moved_by(sequencer)
    writer = Writer(database, appender=log)
    try:
        for commit in commits:
            if not isinstance(result := writer.commit_now(commit), Committed):
                raise ConflictError("This could not be done", why=result.refusal)
        if signing := log.checkpoint_commit():
            writer.commit_now(signing)
    finally:
        writer.close()
        log.close()


def stop_fleet(because: str, by: str, at: int, switch: Statement) -> Commit:
    """Returns the commit that pulls the fleet's switch, with its entry."""
    fields: Mapping[str, JsonValue] = {"scope": "fleet", "stopped": True, "because": because, "by": by}
    return Commit([switch], [make_entry("cell", "switch", "fleet", at, fields)])


def _told(checkpoint: Checkpoint) -> JsonValue:
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def _note_by(key: PublicKey, kept: KeptCheckpoint) -> str | None:
    """Returns what is kept if `key` signed it."""
    note = kept.note()
    if note is None or Checkpoint.parse(note.partition("\n\n")[0] + "\n").origin != key.name:
        return None
    return note


def _keys(path: Path) -> list[PublicKey]:
    files = [path, *sorted(path.parent.glob(f"{path.name}.*"))]
    return [SigningKey.parse(file.read_text(encoding="utf-8").strip()).public for file in files if file.is_file()]


def _key_of(note: str, path: Path, given: PublicKey | None) -> PublicKey:
    """Returns the public key that signed the log's last checkpoint."""
    known = [*([given] if given else []), *_keys(path)]
    origin = Checkpoint.parse(note.partition("\n\n")[0] + "\n").origin
    found = next((key for key in known if key.name == origin), None)
    if found is None:
        raise InputError(
            "Nobody here has the old log's key",
            which=origin,
            why="what it signed cannot be told from a forgery",
            hint="Put its key file back, or give its public key with --old-key: auditors have it",
        )
    return found
