"""Log entries: what may be one, and the exact bytes of the leaf it becomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from remit.core import InputError, IntegrityError, JsonValue, canonical_bytes
from remit.store import Entry

# tlog-tiles writes the length of a leaf in 16 bits.
LARGEST_LEAF = 65_535
# What the log puts in front of an entry's own fields: stream, seq, index, kind, at.
HEADER_ROOM = 512
# Stream and kind, quoted; the rest of the header is at most 110 bytes.
LARGEST_NAMES = 400
HEADER_FIELDS = frozenset({"stream", "seq", "index", "kind", "at"})


class Happened(NamedTuple):
    """What an entry is about."""

    kind: str
    stream: str
    ref: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry as it stands in the log. All but `ref` is read from the leaf, so it is what the tree commits to."""

    index: int
    stream: str
    seq: int
    kind: str
    at: int
    fields: Mapping[str, Any]
    ref: str
    leaf: bytes

    @classmethod
    def read(cls, leaf: bytes, ref: str) -> "LogEntry":
        """Reads a stored leaf."""
        try:
            value: dict[str, Any] = json.loads(leaf)
            header = {name: value.pop(name) for name in HEADER_FIELDS}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError("A stored entry is not a log entry", which=ref, why="it was changed") from error
        return cls(**header, fields=value, ref=ref, leaf=leaf)


def make_entry(stream: str, kind: str, ref: str, at: int, fields: Mapping[str, JsonValue]) -> Entry:
    """Returns an entry for a commit; one that could not be logged is an `InputError` here, before anything happens.

    `ref` is an index for finding the entry and no part of the leaf; put into `fields` what must be provable.
    """
    if not stream or not kind or len(_quoted(stream)) + len(_quoted(kind)) > LARGEST_NAMES:
        raise InputError("A log entry needs a stream and a kind", which=f"{stream[:80]}/{kind[:80]}", why="short texts")
    if taken := HEADER_FIELDS & fields.keys():
        raise InputError("The log itself gives an entry the field", which=min(taken), hint="Name yours differently")
    try:
        body = canonical_bytes(dict(fields))
    except ValueError as error:
        raise InputError("A log entry is not JSON", which=kind, why=str(error)) from error
    if len(body) + HEADER_ROOM > LARGEST_LEAF:
        raise InputError(
            "A log entry is too large",
            which=kind,
            why=f"{len(body)} bytes, the limit is {LARGEST_LEAF - HEADER_ROOM}",
            hint="Keep large content as a payload and log its digest",
        )
    return Entry(stream, kind, ref, at, body)


def leaf_bytes(entry: Entry, *, seq: int, index: int) -> bytes:
    """Returns the leaf: the entry's JSON object with its header spliced in front, byte for byte what is hashed."""
    names = (_quoted(entry.stream), seq, index, _quoted(entry.kind), entry.at)
    header = b'{"stream":%b,"seq":%d,"index":%d,"kind":%b,"at":%d' % names
    leaf = header + (b"}" if entry.body == b"{}" else b"," + entry.body[1:])
    if len(leaf) > LARGEST_LEAF or not entry.body.startswith(b"{") or b"\n" in leaf:
        raise InputError("This cannot be a log entry", which=entry.ref, hint="Make it with make_entry")
    return leaf


@lru_cache(maxsize=4096)
def _quoted(text: str) -> bytes:
    return canonical_bytes(text)
