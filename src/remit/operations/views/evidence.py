"""Views of the log: its signed head, its entries, the proof of one, and whether all of it holds."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.audit import LogEntry, Report, open_checkpoint, verify_log, write_export
from remit.core import InputError, NotFoundError
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import MOST_ROWS, PAGE_SIZE, Page, Shown, Viewing, moment, page_of
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
# A kind that is rare is looked for among the newest entries only: a page must not read the whole log.
SEARCHED = 100_000
# Of these, the newest, it is counted how many are of which kind: a few milliseconds.
COUNTED = 10_000
_PAST_THE_END = 2**62


class LogHead(Shown):
    """Where the log stands."""

    origin: str
    size: int
    signed: int
    """Entries under the latest checkpoint."""
    signed_at: str
    root: str
    """Of the latest checkpoint, in base64 as it is written there."""
    checkpoint: str
    """The signed note."""
    key: str
    """The public key, to be handed to auditors by another way."""


class LogRow(Shown):
    """One entry in a listing."""

    index: int
    at: str
    kind: str
    stream: str
    ref: str
    told: str
    """What it says, in a few words."""


class EntryShown(LogRow):
    """One entry with everything it says, and its proof."""

    fields: Mapping[str, Any]
    leaf: str
    """Byte for byte what is hashed."""
    proof: str
    """Text that anybody can check with the public key; empty while no checkpoint covers the entry."""


class LogViews(Viewing):
    """Reads the log."""

    @view(Permission.FLEET_LOG_READ)
    def head(self) -> LogHead:
        """Returns the log's head."""
        log = self._source.log
        note = log.latest_checkpoint()
        signed = open_checkpoint(note, log.public_key) if note else None
        row = self._source.database.read_one(_Q["log_signed_at"])
        return LogHead(
            origin=log.public_key.name,
            size=log.size(),
            signed=signed.size if signed else 0,
            signed_at=moment(row["at"]) if row else "",
            root=base64.b64encode(signed.root).decode() if signed else "",
            checkpoint=note or "",
            key=log.public_key.text(),
        )

    @view(Permission.FLEET_LOG_READ)
    def page(self, *, kind: str = "", search: str = "", after: str = "", limit: int = PAGE_SIZE) -> Page[LogRow]:
        """Returns entries, the newest first. `search` is a run, a decision, an approval, another reference, or an index."""
        limit = min(limit, MOST_ROWS)
        before = _index(after) if after else _PAST_THE_END
        rows = [_row(row) for row in self._find(kind, search.strip(), before, limit + 1)]
        return page_of(rows, limit, "index")

    @view(Permission.FLEET_LOG_READ)
    def kinds(self) -> dict[str, int]:
        """Returns how many of the newest entries are of each kind."""
        newest = max(0, self._source.log.size() - COUNTED)
        return {row["kind"]: row["count"] for row in self._read("log_kinds", {"from": newest})}

    @view(Permission.FLEET_LOG_READ)
    def get(self, index: int) -> EntryShown:
        """Returns one entry with its proof."""
        rows = self._find("", str(index), _PAST_THE_END, 1)
        if not rows:
            raise NotFoundError("The log has no entry", which=str(index), why=f"it has {self._source.log.size()}")
        entry = LogEntry.read(rows[0]["body"], rows[0]["ref"])
        covered = index < self.head().signed
        return EntryShown(
            **_row(rows[0]).model_dump(),
            fields=entry.fields,
            leaf=entry.leaf.decode(),
            proof=self._source.log.prove(index).text() if covered else "",
        )

    @view(Permission.FLEET_LOG_READ)
    def prove(self, index: int) -> str:
        """Returns the proof of one entry as text."""
        return self._source.log.prove(index).text()

    @view(Permission.FLEET_LOG_READ)
    def verify(self, *, since: tuple[str, ...] = ()) -> Report:
        """Checks that nothing was changed, dropped or reordered, up to the latest checkpoint. Reads the whole log."""
        return verify_log(self._source.log, since=since)

    @view(Permission.FLEET_LOG_EXPORT)
    def export(self, target: Path) -> int:
        """Writes the log as files that verify with the public key alone; returns the number of entries."""
        return write_export(self._source.log, target).size

    def _find(self, kind: str, search: str, before: int, limit: int) -> list[Row]:
        parameters: dict[str, Any] = {"kind": kind, "before": before, "limit": limit}
        newest = min(before, self._source.log.size())  # asked first, so that what was just committed has its place
        if not search:
            return self._read("log_newest", {**parameters, "from": max(0, newest - SEARCHED)})
        if search.lstrip("#").isdecimal():
            index = _index(search.lstrip("#"))
            return self._read("log_newest", {**parameters, "before": index + 1, "from": index})
        if rows := self._read("log_of_stream", {**parameters, "stream": search}):
            return rows
        return self._read("log_of_ref", {**parameters, "ref": search})

    def _read(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)


def _index(text: str) -> int:
    try:
        index = int(text)
    except ValueError as error:
        raise InputError("Not a place in the log", which=text, hint="Give a number from 0") from error
    if not 0 <= index < _PAST_THE_END:
        raise InputError("Not a place in the log", which=text, hint="Give a number from 0")
    return index


def _row(row: Row) -> LogRow:
    entry = LogEntry.read(row["body"], row["ref"])
    return LogRow(
        index=entry.index,
        at=moment(entry.at),
        kind=entry.kind,
        stream=entry.stream,
        ref=entry.ref,
        told=_told(entry),
    )


def _told(entry: LogEntry) -> str:
    """Returns what an entry says in a few words: who, what, how it came out."""
    fields: Any = entry.fields
    action = fields.get("action")
    parts: list[Any] = [action["name"], fields.get("verdict"), fields.get("reason")] if action else []
    names = (
        "scope",
        "feedback",
        "person",
        "via",
        "agent",
        "version",
        "state",
        "outcome",
        "answer",
        "by",
        "because",
        "why",
        "for",
        "name",
        "number",
        "fault",
    )
    parts += [fields[name] for name in names if name in fields] if not action else []
    if entry.kind == "switch":
        parts.insert(1, "stopped" if fields.get("stopped") else "resumed")
    if entry.kind == "log.verified":
        parts.insert(0, f"it held, all {fields['entries']} entries")
    if entry.kind == "attempt":
        parts = [f"attempt {fields['number']}"]
    if entry.kind == "outcome":
        parts = ["the tool refused" if fields.get("is_error") else "done"]
    return " · ".join(str(part) for part in parts if part not in (None, "", False))
