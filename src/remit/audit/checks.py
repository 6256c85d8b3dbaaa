"""Checks an exported log with the public key alone: one pass, memory that grows with the streams, not the entries.

The leaf's layout is read here by its own expression and not by the code that writes it, so that the verifier depends
on the format and on nothing else.

What the key alone cannot show: a log cut back to a checkpoint that was once signed, or rewritten by whoever holds the
private key. Both show against a later checkpoint kept elsewhere (`since`).
"""

import base64
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from remit.audit.notes import Checkpoint, Proof, PublicKey, open_checkpoint
from remit.audit.tree import CompactRange, leaf_hash, verify_inclusion
from remit.core import InputError, IntegrityError, JsonValue, RemitError

LARGEST_LEAF = 65_535
# A person reads the first few; a log that was shuffled would give a million.
MOST_PROBLEMS = 100

_LARGEST_NOTE = 1_048_576
_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_HEADER = re.compile(
    rb'\{"stream":(?P<stream>%b),"seq":(?P<seq>[0-9]{1,19}),"index":(?P<index>[0-9]{1,19}),"kind":%b,"at":-?[0-9]+[,}]'
    % (_TEXT, _TEXT)
)
# All that reading a folder or an archive somebody tampered with can raise.
_UNREADABLE = (OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)

_Open = Callable[[str], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found: how many entries there are, the root over them, and every problem in words."""

    origin: str
    size: int
    root: bytes
    problems: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, JsonValue]:
        """Returns the report for `--json`; the root is written as in the checkpoint."""
        root = base64.b64encode(self.root).decode()
        problems = list(self.problems)
        return {"ok": self.ok, "origin": self.origin, "size": self.size, "root": root, "problems": problems}


def verify_export(export: Path, key: PublicKey, *, since: Sequence[str] = (), proofs: Sequence[str] = ()) -> Report:
    """Verifies an exported folder or zip file.

    `since` are older checkpoints the auditor kept: the log must still contain each. `proofs` are proofs of single
    entries handed out earlier: each must be sound, and its entry still stand in its place.
    """
    walk = _Walk(key)
    with _opened(export) as part:
        try:
            walk.expect_checkpoint(_read_note(part))
            for number, note in enumerate(since, 1):
                walk.expect(f"older checkpoint {number}", note)
            for number, text in enumerate(proofs, 1):
                walk.expect_proof(f"proof {number}", text)
            with part("entries.jsonl") as file:
                walk.read(file)
        except _UNREADABLE as error:
            walk.problem(f"the export cannot be read to its end: {error}")
    walk.end()
    return Report(key.name, walk.tree.size, walk.tree.root(), tuple(walk.problems))


def verify_proof(text: str, key: PublicKey) -> Proof:
    """Returns the proof of a single entry when it is sound; otherwise it is an `IntegrityError`."""
    proof = Proof.parse(text)
    checkpoint = open_checkpoint(proof.note, key)
    which = f"entry {proof.index}"
    if not verify_inclusion(proof.index, checkpoint.size, leaf_hash(proof.leaf), proof.path, checkpoint.root):
        raise IntegrityError("The proof does not lead to the signed root", which=which)
    header = _HEADER.match(proof.leaf)
    if header is None or int(header["index"]) != proof.index:
        raise IntegrityError("The proof is of an entry that says it stands elsewhere", which=which)
    return proof


class _Walk:
    """One pass over the entries: what must be met on the way, what the lines say, what is wrong."""

    def __init__(self, key: PublicKey) -> None:
        self.tree = CompactRange()
        self.problems: list[str] = []
        self._key = key
        self._covered: int | None = None
        self._agreed = 0
        self._roots: defaultdict[int, list[tuple[str, bytes]]] = defaultdict(list)
        self._leaves: defaultdict[int, list[tuple[str, bytes]]] = defaultdict(list)
        self._next_index = 0
        self._last_seq: dict[bytes, int] = {}

    def problem(self, text: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(text)
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append("there are more problems, which are not listed")

    def expect(self, what: str, note: str) -> Checkpoint | None:
        """Notes that the tree must have the root of this checkpoint at its size; None when it is not to be trusted."""
        try:
            checkpoint = open_checkpoint(note, self._key)
        except RemitError as error:
            self.problem(f"{what} does not hold: {error.text()}")
            return None
        if checkpoint.size == 0:
            self.problem(f"{what} covers no entries and so proves nothing")
            return None
        self._roots[checkpoint.size].append((what, checkpoint.root))
        return checkpoint

    def expect_checkpoint(self, note: str) -> None:
        """Takes the export's own checkpoint: nothing may stand after what it covers."""
        if checkpoint := self.expect("the checkpoint", note):
            self._covered = checkpoint.size

    def expect_proof(self, what: str, text: str) -> None:
        """Notes that the entry of this proof must stand in its place."""
        try:
            proof = verify_proof(text, self._key)
        except RemitError as error:
            self.problem(f"{what} does not hold: {error.text()}")
            return
        self._leaves[proof.index].append((what, proof.leaf))
        self.expect(f"the checkpoint in {what}", proof.note)

    def read(self, file: IO[bytes]) -> None:
        """Reads every line; what cannot be a leaf ends the reading, because nothing after it has a place."""
        while line := file.readline(LARGEST_LEAF + 1):
            if not line.endswith(b"\n"):
                self.problem(f"entry {self.tree.size} is cut off, or longer than {LARGEST_LEAF} bytes")
                return
            self._leaf(line[:-1])

    def end(self) -> None:
        """Says what was expected and never came."""
        size = self.tree.size
        for covered, held in sorted(self._roots.items()):
            for what, _ in held:
                self.problem(f"{what} covers {covered} entries, the export has {size}: the end is missing or older")
        for index, proven in sorted(self._leaves.items()):
            for what, _ in proven:
                self.problem(f"entry {index}, which {what} proves, is missing")
        if self._covered is not None and size > self._covered:
            self.problem(f"the entries from {self._covered} to {size - 1} are under no checkpoint")

    def _leaf(self, leaf: bytes) -> None:
        place = self.tree.size
        self._check_header(place, leaf)
        for what, proven in self._leaves.pop(place, ()):
            if proven != leaf:
                self.problem(f"entry {place} is not the one {what} proves")
        self.tree.append(leaf_hash(leaf))
        for what, root in self._roots.pop(place + 1, ()):
            if self.tree.root() == root:
                self._agreed = place + 1
            else:
                self.problem(f"{what} was signed over other entries: one from {self._agreed} to {place} was changed")

    def _check_header(self, place: int, leaf: bytes) -> None:
        header = _HEADER.match(leaf)
        if header is None or not leaf.endswith(b"}"):
            self.problem(f"entry {place} does not read like a log entry")
            self._next_index = place + 1
            return
        index, seq, stream = int(header["index"]), int(header["seq"]), header["stream"]
        if index != self._next_index:
            self.problem(f"entry {self._next_index} is missing or out of order: entry {index} stands in its place")
        self._next_index = index + 1
        due = self._last_seq.get(stream, 0) + 1
        if seq != due:
            name = stream.decode(errors="replace")
            self.problem(f"entry {index} is number {seq} of stream {name}, where number {due} is due")
        self._last_seq[stream] = seq


def _read_note(part: _Open) -> str:
    with part("checkpoint") as file:
        return file.read(_LARGEST_NOTE).decode(errors="replace")


@contextmanager
def _opened(export: Path) -> Generator[_Open]:
    """Yields a function that opens a part of the export."""
    if export.is_dir():
        yield lambda name: (export / name).open("rb")
    elif zipfile.is_zipfile(export):
        with zipfile.ZipFile(export) as archive:
            yield lambda name: archive.open(name)
    else:
        raise InputError("There is no export", which=str(export), why="it is neither a folder nor a zip file")
