"""The log: entries get their place inside the writer's transaction; checkpoints sign the tree over them.

At most one checkpoint a second is signed with the entries of a batch; `checkpoint_commit` signs what is left when the
log goes quiet. Nothing is signed that does not contain what was signed before.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from remit.audit.kept import KeptCheckpoint
from remit.audit.model import Happened, LogEntry, leaf_bytes
from remit.audit.notes import Checkpoint, Proof, PublicKey, SigningKey, open_checkpoint, sign_note
from remit.audit.tiles import Margin, Rows, Tiles, complete_tiles, contradiction
from remit.audit.tree import CompactRange, consistency_proof, inclusion_proof, leaf_hash, verify_inclusion
from remit.core import SECOND, Clock, ConflictError, IntegrityError, NotFoundError, RefusedError, RemitError
from remit.store import Commit, ConstraintError, Database, Entry, Row, Sequencer, Statement, Transaction, load_queries

# Rows read at once when the whole log is streamed: bounded memory, few queries.
PAGE = 1_000

_SQL = load_queries("remit.audit")


class Log:
    """The tamper-evident log of one cell. Its `append` is the writer's `Appender`; the rest reads what is durable."""

    def __init__(
        self,
        database: Database,
        key: SigningKey | PublicKey,
        clock: Clock,
        *,
        kept: KeptCheckpoint | None = None,
        before: PublicKey | None = None,
    ) -> None:
        """`kept` must be part of what is signed; `before` is the key of the log that this one takes the place of.

        With its public key alone a log is read and verified, and signs nothing.
        """
        self._kept = kept
        self._before = before
        self._database = database
        self._key = key
        self._clock = clock
        self.public_key = key.public if isinstance(key, SigningKey) else key
        self._sequencer: Sequencer | None = None
        self._margin = Margin()

    def moved_by(self, sequencer: Sequencer) -> None:
        """Names who moves entries here that are not appended in their own commit: whoever reads waits for it."""
        self._sequencer = sequencer

    def lag(self) -> int:
        """Returns how many committed entries wait for their place."""
        return self._sequencer.lag() if self._sequencer else 0

    def close(self) -> None:
        """Has the last entries moved."""
        if self._sequencer:
            self._sequencer.close()

    def append(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
        """Appends `entries` in order, under the lock of the log: other processes may have appended since the last batch."""
        rows = transaction.rows
        head = rows(_SQL["head"], {})[0]  # under the lock, so nothing that is kept can be later
        tree = CompactRange.from_bytes(head["size"], head["stack"])
        inserts = _place(rows, tree.size, entries)
        fresh = [leaf_hash(insert["body"]) for insert in inserts]
        try:
            transaction.run(_SQL["insert_entry"], inserts)
            complete_tiles(transaction, tree, fresh, self._margin)
        except ConstraintError as error:
            raise contradiction("head") from error
        for each in fresh:
            tree.append(each)
        transaction.run(_SQL["set_head"], [{"size": tree.size, "stack": tree.to_bytes()}])
        if self._is_due(head["signed_at"]):
            transaction.run(_SQL["insert_checkpoint"], [self._sign(rows, tree, head["note"], self._kept_one())])

    def checkpoint_commit(self) -> Commit | None:
        """Returns the commit that signs what no checkpoint covers yet, None when there is nothing to sign."""
        kept, head = self._kept_one(), self._head()
        if head["size"] == (head["signed_size"] or 0):
            return None
        tree = CompactRange.from_bytes(head["size"], head["stack"])
        checkpoint = self._sign(self._database.read, tree, head["note"], kept)
        return Commit([Statement(_SQL["insert_checkpoint"], checkpoint, want=None)])

    def check(self) -> None:
        """Raises when the entries are not those under the head, or the head does not continue the signed checkpoint."""
        kept, head = self._kept_one(), self._head()
        self._check(self._database.read, CompactRange.from_bytes(head["size"], head["stack"]), head["note"], kept)

    def keep(self) -> None:
        """Keeps the newest checkpoint outside the database; called soon after it was signed."""
        if self._kept is not None and (note := self.latest_checkpoint()) is not None:
            self._kept.keep(note, self.public_key)

    def check_owner(self) -> None:
        """Raises `ConflictError` when another cell's key has signed this log: nothing of it is ours to read or to go on."""
        note = self._database.read(_SQL["head"])[0]["note"]
        if note is None:
            return
        try:
            open_checkpoint(note, self._signer(note))
        except RemitError as fault:
            raise ConflictError(
                "The database belongs to another cell",
                which=self._database.place,
                why=f"its log was not signed by the key of {self.public_key.name}",
                hint="Give each cell a database of its own (database_url); a cell that has moved brings its key (key_file)",
            ) from fault

    def size(self) -> int:
        """Returns the number of entries."""
        return self._head()["size"]

    def latest_checkpoint(self) -> str | None:
        """Returns the newest signed note, None while nothing was signed."""
        return self._head()["note"]

    def entry(self, index: int) -> LogEntry:
        """Returns the entry at `index`."""
        self._catch_up()
        row = self._database.read_one(_SQL["entry"], {"leaf_index": index})
        if row is None:
            raise NotFoundError("The log has no entry", which=str(index), why=f"it has {self.size()}")
        return LogEntry.read(row["body"], row["ref"])

    def entries(self, stream: str) -> list[LogEntry]:
        """Returns every entry of `stream`, in order."""
        self._catch_up()
        rows = self._database.read(_SQL["entries_of_stream"], {"stream": stream})
        return [LogEntry.read(row["body"], row["ref"]) for row in rows]

    def since(self, index: int, kinds: Sequence[str], *, limit: int) -> list[LogEntry]:
        """Returns the first entries of some kinds at or after a place in the log: for whoever follows it."""
        self._catch_up()
        parameters = {"first": index, "kinds": json.dumps(list(kinds)), "limit": limit}
        return [
            LogEntry.read(row["body"], row["ref"]) for row in self._database.read(_SQL["entries_since"], parameters)
        ]

    def happened(self, index: int, limit: int) -> list[Happened]:
        """Returns what the first entries at or after a place in the log are about, without what they say."""
        self._catch_up()
        rows = self._database.read(_SQL["happened_since"], {"first": index, "limit": limit})
        return [Happened(row["kind"], row["stream"], row["ref"]) for row in rows]

    def entry_by_ref(self, ref: str) -> LogEntry | None:
        """Returns the first entry with that `ref`, None when there is none."""
        self._catch_up()
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
            raise contradiction(f"entry {index}")
        return Proof(index, leaf, path, note)

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """Returns the proof that the latest checkpoint's tree begins with the tree of `old_size`: for witnesses."""
        _, checkpoint = self._signed()
        return consistency_proof(Tiles(self._database.read).node, old_size, checkpoint.size)

    def _catch_up(self) -> None:
        if self._sequencer:
            self._sequencer.catch_up()

    def _head(self) -> Row:
        self._catch_up()
        return self._database.read(_SQL["head"])[0]

    def _signed(self) -> tuple[str, Checkpoint]:
        note = self.latest_checkpoint()
        if note is None:
            raise ConflictError("Nothing in this log is signed yet", hint="Sign a checkpoint and ask again")
        return note, open_checkpoint(note, self.public_key)

    def _is_due(self, signed_at: int | None) -> bool:
        # A clock that was set back makes the difference negative; waiting for it to catch up could take hours.
        return signed_at is None or not 0 <= self._clock.now() - signed_at < SECOND

    def _kept_one(self) -> Checkpoint | None:
        return self._kept.checkpoint(self.public_key) if self._kept is not None else None

    def _sign(self, rows: Rows, tree: CompactRange, last: str | None, kept: Checkpoint | None) -> dict[str, Any]:
        """Returns the row of a new checkpoint over `tree`, or raises when it would contradict what was signed."""
        if not isinstance(self._key, SigningKey):
            raise RefusedError("This log is only read", which=self.public_key.name)
        self._check(rows, tree, last, kept)
        text = Checkpoint(self._key.name, tree.size, tree.root()).text()
        return {"size": tree.size, "at": self._clock.now(), "note": sign_note(text, self._key)}

    def _check(self, rows: Rows, tree: CompactRange, last: str | None, kept: Checkpoint | None) -> None:
        tiles = Tiles(rows)
        if last is not None:
            signed = open_checkpoint(last, self._signer(last))
            if tiles.range(signed.size).root() != signed.root:
                raise contradiction(f"checkpoint {signed.size}")
        if kept is not None and (kept.size > tree.size or tiles.range(kept.size).root() != kept.root):
            raise _set_back(kept, tree.size)
        if tiles.range(tree.size).stack != tree.stack:
            raise contradiction("head")

    def _signer(self, note: str) -> PublicKey:
        """Returns the key that the last checkpoint must be signed with: the one before until ours has signed."""
        is_before = (
            self._before is not None and Checkpoint.parse(note.partition("\n\n")[0] + "\n").origin == self._before.name
        )
        return self._before if self._before is not None and is_before else self.public_key


def newest_checkpoint(database: Database) -> str | None:
    """Returns the newest signed note of a database, whoever signed it; None while nothing was signed."""
    row = database.read_one(_SQL["head"])
    return row["note"] if row else None


def waiting_entries(database: Database, *, most: int) -> int:
    """Returns how many committed entries wait for their place in the log, counting no further than `most`."""
    return database.read(_SQL["waiting_entries"], {"most": most})[0]["count"]


def _set_back(kept: Checkpoint, size: int) -> IntegrityError:
    return IntegrityError(
        "The log was set back, and is not signed on",
        which=kept.origin,
        why=f"it has {size} entries that do not contain the {kept.size} of a checkpoint that was signed: it was restored",
        hint="Put the newer database back, or begin a new log with `remit log restart`",
    )


def _place(rows: Rows, first: int, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Gives each entry the next number of its stream and the next place in the log."""
    last: dict[str, int] = {}
    inserts: list[dict[str, Any]] = []
    for index, entry in enumerate(entries, first):
        seq = entry.seq  # given in its commit; the log's table takes it only behind the one before
        if not seq:
            if entry.stream not in last:
                last[entry.stream] = rows(_SQL["last_seq"], {"stream": entry.stream})[0]["seq"]
            seq = last[entry.stream] = last[entry.stream] + 1
        leaf = leaf_bytes(entry, seq=seq, index=index)
        names = {"stream": entry.stream, "kind": entry.kind, "ref": entry.ref, "at": entry.at}
        inserts.append({**names, "leaf_index": index, "seq": seq, "body": leaf})
    return inserts
