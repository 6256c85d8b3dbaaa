"""The log: entries get their place inside the writer's transaction; checkpoints sign the tree over them.

At most one checkpoint a second is signed with the entries of a batch; `checkpoint_commit` signs what is left when the
log goes quiet. Nothing is signed that does not contain what was signed before.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from remit.audit.model import Happened, LogEntry, leaf_bytes
from remit.audit.notes import Checkpoint, Proof, SigningKey, open_checkpoint, sign_note
from remit.audit.tiles import Rows, Tiles, complete_tiles, rows_of
from remit.audit.tree import CompactRange, consistency_proof, inclusion_proof, leaf_hash, verify_inclusion
from remit.core import SECOND, Clock, ConflictError, IntegrityError, NotFoundError
from remit.store import Commit, Database, Entry, Row, Statement, load_queries

# Rows read at once when the whole log is streamed: bounded memory, few queries.
PAGE = 1_000

_SQL = load_queries("remit.audit")


class Log:
    """The tamper-evident log of one cell. Its `append` is the writer's `Appender`; the rest reads what is durable."""

    def __init__(self, database: Database, key: SigningKey, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self.public_key = key.public

    def append(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        """Appends `entries` in order, under the write lock: other processes may have appended since the last batch."""
        rows = rows_of(connection)
        head = rows(_SQL["head"], {})[0]
        tree = CompactRange.from_bytes(head["size"], head["stack"])
        inserts = _place(rows, tree.size, entries)
        for insert in inserts:
            tree.append(leaf_hash(insert["body"]))
        try:
            connection.executemany(_SQL["insert_entry"].sql, inserts)
            complete_tiles(connection, head["size"], tree.size)
        except sqlite3.IntegrityError as error:
            raise _contradiction("head") from error
        connection.execute(_SQL["set_head"].sql, {"size": tree.size, "stack": tree.to_bytes()})
        if self._is_due(head["signed_at"]):
            connection.execute(_SQL["insert_checkpoint"].sql, self._sign(rows, tree, head["note"]))

    def checkpoint_commit(self) -> Commit | None:
        """Returns the commit that signs what no checkpoint covers yet, None when there is nothing to sign."""
        head = self._head()
        if head["size"] == (head["signed_size"] or 0):
            return None
        tree = CompactRange.from_bytes(head["size"], head["stack"])
        checkpoint = self._sign(self._database.read, tree, head["note"])
        return Commit([Statement(_SQL["insert_checkpoint"], checkpoint, want=None)])

    def check(self) -> None:
        """Raises when the entries are not those under the head, or the head does not continue the signed checkpoint."""
        head = self._head()
        self._check(self._database.read, CompactRange.from_bytes(head["size"], head["stack"]), head["note"])

    def size(self) -> int:
        """Returns the number of entries."""
        return self._head()["size"]

    def latest_checkpoint(self) -> str | None:
        """Returns the newest signed note, None while nothing was signed."""
        return self._head()["note"]

    def entry(self, index: int) -> LogEntry:
        """Returns the entry at `index`."""
        row = self._database.read_one(_SQL["entry"], {"leaf_index": index})
        if row is None:
            raise NotFoundError("The log has no entry", which=str(index), why=f"it has {self.size()}")
        return LogEntry.read(row["body"], row["ref"])

    def entries(self, stream: str) -> list[LogEntry]:
        """Returns every entry of `stream`, in order."""
        rows = self._database.read(_SQL["entries_of_stream"], {"stream": stream})
        return [LogEntry.read(row["body"], row["ref"]) for row in rows]

    def since(self, index: int, kinds: Sequence[str], *, limit: int) -> list[LogEntry]:
        """Returns the first entries of some kinds at or after a place in the log: for whoever follows it."""
        parameters = {"first": index, "kinds": json.dumps(list(kinds)), "limit": limit}
        return [
            LogEntry.read(row["body"], row["ref"]) for row in self._database.read(_SQL["entries_since"], parameters)
        ]

    def happened(self, index: int, limit: int) -> list[Happened]:
        """Returns what the first entries at or after a place in the log are about, without what they say."""
        rows = self._database.read(_SQL["happened_since"], {"first": index, "limit": limit})
        return [Happened(row["kind"], row["stream"], row["ref"]) for row in rows]

    def entry_by_ref(self, ref: str) -> LogEntry | None:
        """Returns the first entry with that `ref`, None when there is none."""
        row = self._database.read_one(_SQL["entry_by_ref"], {"ref": ref})
        return None if row is None else LogEntry.read(row["body"], row["ref"])

    def leaves(self, end: int) -> Iterator[bytes]:
        """Yields the first `end` leaves, exactly as stored."""
        for first in range(0, end, PAGE):
            page = self._database.read(_SQL["leaves"], {"first": first, "end": min(first + PAGE, end)})
            yield from (row["body"] for row in page)

    def prove(self, index: int) -> Proof:
        """Returns the proof of one entry under the latest checkpoint; its `text()` verifies on any machine."""
        leaf = self.entry(index).leaf
        note, checkpoint = self._signed()
        if index >= checkpoint.size:
            raise ConflictError("No checkpoint covers this entry yet", which=str(index), hint="Sign one and ask again")
        path = inclusion_proof(Tiles(self._database.read).node, index, checkpoint.size)
        if not verify_inclusion(index, checkpoint.size, leaf_hash(leaf), path, checkpoint.root):
            raise _contradiction(f"entry {index}")
        return Proof(index, leaf, path, note)

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """Returns the proof that the latest checkpoint's tree begins with the tree of `old_size`: for witnesses."""
        _, checkpoint = self._signed()
        return consistency_proof(Tiles(self._database.read).node, old_size, checkpoint.size)

    def _head(self) -> Row:
        return self._database.read(_SQL["head"])[0]

    def _signed(self) -> tuple[str, Checkpoint]:
        note = self.latest_checkpoint()
        if note is None:
            raise ConflictError("Nothing in this log is signed yet", hint="Sign a checkpoint and ask again")
        return note, open_checkpoint(note, self.public_key)

    def _is_due(self, signed_at: int | None) -> bool:
        # A clock that was set back makes the difference negative; waiting for it to catch up could take hours.
        return signed_at is None or not 0 <= self._clock.now() - signed_at < SECOND

    def _sign(self, rows: Rows, tree: CompactRange, last: str | None) -> dict[str, Any]:
        """Returns the row of a new checkpoint over `tree`, or raises when the stored log contradicts itself."""
        self._check(rows, tree, last)
        text = Checkpoint(self._key.name, tree.size, tree.root()).text()
        return {"size": tree.size, "at": self._clock.now(), "note": sign_note(text, self._key)}

    def _check(self, rows: Rows, tree: CompactRange, last: str | None) -> None:
        tiles = Tiles(rows)
        if last is not None:
            signed = open_checkpoint(last, self.public_key)
            if tiles.range(signed.size).root() != signed.root:
                raise _contradiction(f"checkpoint {signed.size}")
        if tiles.range(tree.size).stack != tree.stack:
            raise _contradiction("head")


def _place(rows: Rows, first: int, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Gives each entry the next number of its stream and the next place in the log."""
    last: dict[str, int] = {}
    inserts: list[dict[str, Any]] = []
    for index, entry in enumerate(entries, first):
        if entry.stream not in last:
            last[entry.stream] = rows(_SQL["last_seq"], {"stream": entry.stream})[0]["seq"]
        seq = last[entry.stream] = last[entry.stream] + 1
        leaf = leaf_bytes(entry, seq=seq, index=index)
        names = {"stream": entry.stream, "kind": entry.kind, "ref": entry.ref, "at": entry.at}
        inserts.append({**names, "leaf_index": index, "seq": seq, "body": leaf})
    return inserts


def _contradiction(which: str) -> IntegrityError:
    return IntegrityError(
        "The stored log is not the one that was signed",
        which=which,
        why="an entry, a tile or the head was changed behind Remit",
        hint="Keep the file as evidence; restore it, and start a new log if the restored one is older",
    )
