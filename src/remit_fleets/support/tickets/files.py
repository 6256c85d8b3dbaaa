"""Tickets out of people's files, CSV or JSON lines: every mistake is told with its place and what to do."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from remit.core import InputError, NotFoundError
from remit_fleets.support.tickets.model import Ticket

MOST_BYTES = 64 * 1024 * 1024
"""A file is read as a whole."""
MOST_TICKETS = 100_000
# As the ticket's schema has them.
LONGEST = {"ticket": 40, "from": 320, "subject": 500, "body": 20_000}
_REQUIRED, _KNOWN = ("from", "subject", "body"), ("from", "subject", "body", "ticket")
_MOST_MISTAKES = 20
_EXAMPLE = "python -m remit_fleets.support.tickets --count 50"

Row = tuple[int, Mapping[str, Any]]


def read_tickets(path: Path) -> tuple[Ticket, ...]:
    """Reads tickets from `NAME.csv` (with a header) or `NAME.jsonl`; a file with a mistake is refused as a whole."""
    read = _readers().get(path.suffix.lower())
    if read is None:
        kinds = ", ".join(sorted(_readers()))
        raise InputError("Tickets come as CSV or JSON lines", which=path.name, hint=f"Name the file with {kinds}")
    checking = _Checking(path.name)
    tickets = tuple(checking.tickets(read(_text(path), checking)))
    if checking.mistakes:
        shown = checking.mistakes[:_MOST_MISTAKES]
        more = len(checking.mistakes) - len(shown)
        raise InputError(
            "The tickets cannot be taken",
            which=str(path),
            why="\n".join(["", *shown, *([f"… and {more} more"] if more else [])]),
            hint="Correct these lines and start again; nothing was taken",
        )
    if not tickets:
        raise InputError("There is no ticket in the file", which=str(path), hint=f"See how one looks: `{_EXAMPLE}`")
    return tickets


def write_tickets(path: Path, tickets: Iterable[Ticket]) -> int:
    """Writes tickets as `read_tickets` reads them; returns how many."""
    if path.suffix.lower() == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("ticket", *_REQUIRED))
            return _each(tickets, lambda ticket: writer.writerow(ticket.data.values()))
    with path.open("w", encoding="utf-8") as file:
        return _each(tickets, lambda ticket: file.write(line_of(ticket)))


def line_of(ticket: Ticket) -> str:
    """Returns a ticket as one JSON line."""
    return json.dumps(ticket.data, ensure_ascii=False) + "\n"


def _each(tickets: Iterable[Ticket], write: Callable[[Ticket], object]) -> int:
    count = 0
    for count, ticket in enumerate(tickets, 1):  # noqa: B007  how many there were
        write(ticket)
    return count


def _text(path: Path) -> str:
    if not path.is_file():
        raise NotFoundError(
            "There is no file with tickets", which=str(path), hint=f"Make one: `{_EXAMPLE} > FILE.jsonl`"
        )
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(
            "The file is too large",
            which=str(path),
            why=f"it has {size:,} bytes, {MOST_BYTES:,} are read",
            hint="Split it",
        )
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise InputError(
            "The file is not UTF-8",
            which=f"{path}:{line}",
            why=f"the byte {content[fault.start]:#04x} is no part of a letter there",
            hint="Save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
        ) from fault


@dataclass(slots=True)
class _Checking:
    """Takes rows one by one and keeps every mistake with its place."""

    name: str
    mistakes: list[str] = field(default_factory=list[str])
    _seen: dict[str, int] = field(default_factory=dict[str, int])

    def wrong(self, line: int, what: str) -> None:
        """Notes a mistake."""
        self.mistakes.append(f"{self.name}:{line}: {what}")

    def tickets(self, rows: Iterable[Row]) -> Iterator[Ticket]:
        """Yields the tickets of the rows in which nothing is wrong."""
        for number, (line, row) in enumerate(rows, 1):
            if number > MOST_TICKETS:
                self.wrong(line, f"more than {MOST_TICKETS:,} tickets; split the file")
                return
            before = len(self.mistakes)
            values = self._values(line, row)
            name = values["ticket"] or f"T-{number:06}"
            if name in self._seen:
                self.wrong(line, f"ticket: {name!r} is the number of line {self._seen[name]} already; give it another")
            self._seen.setdefault(name, line)
            if len(self.mistakes) == before:
                yield Ticket(name, values["from"], values["subject"], values["body"])

    def _values(self, line: int, row: Mapping[str, Any]) -> dict[str, str]:
        for unknown in sorted(row.keys() - set(_KNOWN)):
            self.wrong(line, f"{unknown}: no field of a ticket; there are {', '.join(_KNOWN)}")
        values: dict[str, str] = {}
        for name in _KNOWN:
            value = row.get(name, "")
            if name in _REQUIRED and name not in row:
                self.wrong(line, f"{name}: is not there; each ticket has {', '.join(_REQUIRED)}")
            elif not isinstance(value, str):
                self.wrong(line, f"{name}: must be text, is {_kind(value)}; write it in quotes")
            elif not _is_storable(value):
                self.wrong(line, f"{name}: holds a zero byte or half a character; leave that out")
            elif len(value) > LONGEST[name]:
                self.wrong(line, f"{name}: has {len(value):,} characters, {LONGEST[name]:,} may be; shorten it")
            values[name] = value.strip() if isinstance(value, str) else ""
        if isinstance(row.get("from"), str) and not _is_address(values["from"]):
            self.wrong(line, f"from: {values['from'][:60]!r} is no mail address; write name@host")
        if isinstance(row.get("body"), str) and not values["body"]:
            self.wrong(line, "body: is empty; write what the customer wrote")
        return values


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
        case str():
            return "text"
        case _:
            return "null"


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _is_address(text: str) -> bool:
    name, at, host = text.partition("@")
    return bool(name and at and host) and not any(sign.isspace() or sign in ",;<>" for sign in text) and "@" not in host


def _csv_rows(text: str, checking: _Checking) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            first, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                if not _check_header(header, first, checking):
                    return
            elif len(cells) != len(header):
                checking.wrong(
                    first, f"has {len(cells)} values, the header {len(header)}; put texts with commas into quotes"
                )
            else:
                yield first, dict(zip(header, cells, strict=True))
    except csv.Error as fault:
        checking.wrong(line, f"is no CSV ({fault}); close every quote, and double those inside of a text")


def _delimiter(text: str) -> str:
    """Returns what separates the columns: in many countries spreadsheets write semicolons."""
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


def _check_header(header: list[str], line: int, checking: _Checking) -> bool:
    before = len(checking.mistakes)
    for name in _REQUIRED:
        if name not in header:
            checking.wrong(line, f"the column {name!r} is not there; the first line names {', '.join(_REQUIRED)}")
    for name in sorted(set(header)):
        if name not in _KNOWN:
            checking.wrong(line, f"the column {name!r} is not known; there are {', '.join(_KNOWN)}; leave it out")
        if header.count(name) > 1:
            checking.wrong(line, f"the column {name!r} is there {header.count(name)} times; leave one")
    return len(checking.mistakes) == before


def _json_rows(text: str, checking: _Checking) -> Iterator[Row]:
    # Only "\n" ends a line here: other separators may stand inside of a JSON text.
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except (json.JSONDecodeError, RecursionError) as fault:
            place = f" at column {fault.colno}" if isinstance(fault, json.JSONDecodeError) else ""
            checking.wrong(line, f"is no JSON{place}; write one object for each line")
            continue
        if isinstance(value, dict):
            yield line, cast("dict[str, Any]", value)
        else:
            checking.wrong(line, f"is {_kind(value)}; write one object for each line")


def _readers() -> Mapping[str, Callable[[str, _Checking], Iterator[Row]]]:
    return {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
