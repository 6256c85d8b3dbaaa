"""How commits become durable in PostgreSQL: one transaction a batch, statements in sets, one round trip and the commit.

When a commit of a batch is refused, the batch is rolled back and run again without it, and then it alone, statement by
statement: so a refusal is always told of what stands. Every transaction shares its moment with others; a commit that must
be alone (a switch is pulled, a version is paused) takes one for itself. So when its receipt is there, whatever began before
has ended, and whatever begins later sees it: after the receipt of a stop, no decision passes its guard.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, LiteralString, cast

import orjson
import psycopg
from psycopg.rows import tuple_row

from remit.core import BusyError, RemitError
from remit.store.model import Answer, Commit, CommitRefused, CommitResult, Committed, DeferredError, Entry, Row
from remit.store.postgresql.connection import (
    AWAY,
    Connection,
    is_broken,
    is_passing,
    longest_transaction,
    set_text_of,
    text_of,
)
from remit.store.postgresql.moments import SPARE_SECONDS, begin, is_alone, moments
from remit.store.postgresql.sets import Member, StatementSet, arrange, as_kept, has_nul, shared_rows

_log = logging.getLogger("remit.store")
_DATA_FAULTS = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError)
# A batch that had to give way is run again so often; then its callers are told that the database is busy.
TRIES = 5
# What a member's row is where a set returns only whose it is.
NO_COLUMNS: Row = MappingProxyType({})
# Another one after every crash: it throws statistics away.
_INCARNATION: LiteralString = """select concat(pg_postmaster_start_time(), ' ', stats_reset) as incarnation
from pg_stat_bgwriter"""
# How long the outcome of a commit whose connection broke may stay open on the server.
DOUBT_SECONDS = 30.0
ENQUEUE: LiteralString = """
with e as materialized (select * from json_to_recordset(%(rows)s::json) as e(i bigint, stream text, nth bigint, kind text,
    ref text, at bigint, body text)),
  s as (insert into log_streams as known (stream, seq) select stream, count(*) from e group by stream order by stream
    on conflict (stream) do update set seq = known.seq + excluded.seq returning stream, seq)
insert into log_pending (stream, seq, kind, ref, at, body)
select e.stream, s.seq - max(e.nth) over (partition by e.stream) + e.nth, e.kind, e.ref, e.at, convert_to(e.body, 'UTF8')
from e join s on s.stream = e.stream order by e.i
"""


class _GaveWayError(Exception):
    """The server ended the transaction in favour of another one; nothing of it stands."""


@dataclass(slots=True)
class _Sent:
    """A set that was sent, with the cursors of its answers: one for all, or one for each member."""

    each: StatementSet | None
    cursors: list[psycopg.Cursor[Any]]
    as_set: bool

    def answers(self) -> Iterator[tuple[Member, list[Row], int]]:
        """Yields each member with the rows it returned and how many it returned or changed."""
        if self.each is None:
            return
        if not self.as_set:
            for member, cursor in zip(self.each.members, self.cursors, strict=True):
                rows = cursor.fetchall() if cursor.description else []
                yield member, rows, len(rows) if cursor.description else cursor.rowcount
            return
        held = self._by_member(self.cursors[0])
        for i, member in enumerate(self.each.members):
            rows = held.get(i, [])
            yield member, rows, len(rows)

    def _by_member(self, cursor: psycopg.Cursor[Any]) -> dict[int, list[Row]]:
        """Returns the rows of a set by the number of the member they answer; most sets return nothing but that."""
        held: dict[int, list[Row]] = {}
        if not cursor.description:  # nobody asks how many rows some statements change
            return held
        names = [column.name for column in cursor.description]
        number = names.index("i")
        for row in cursor.fetchall():
            held.setdefault(row[number], []).append(
                dict(zip(names, row, strict=True)) if len(names) > 1 else NO_COLUMNS
            )
        return held


@dataclass(slots=True)
class _Tried:
    """What a transaction found: rows by commit and place, and who was refused."""

    rows: dict[tuple[int, int], list[Row]] = field(default_factory=dict[tuple[int, int], list[Row]])
    refused: dict[int, tuple[int, CommitRefused]] = field(default_factory=dict[int, tuple[int, CommitRefused]])

    def note(self, member: Member, rows: list[Row], got: int) -> None:
        """Keeps what a statement answered; of several refusals of a commit, that of its first statement counts."""
        statement, commit = member.statement, member.commit
        self.rows[commit, member.position] = rows
        if statement.want is not None and got != statement.want:
            known = self.refused.get(commit)
            if known is None or member.position < known[0]:
                refused = CommitRefused(statement.query.name, statement.refusal, got, statement.want)
                self.refused[commit] = member.position, refused

    def committed(self, number: int, commit: Commit) -> Committed:
        """Returns the answer to a commit that stands."""
        return Committed([self.rows[number, position] for position in range(len(commit.statements))])


class PostgresCommitter:
    """Makes commits durable through one connection, which is opened again when it breaks."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        lock_seconds: float,
        on_entries: Callable[[], None],
        reach: Callable[[str], None] | None,
    ) -> None:
        """Calls `on_entries` when a commit has left entries for the sequencer."""
        self._connect = connect
        self._lock_seconds = lock_seconds
        self._connection: Connection | None = None
        self._incarnation = ""
        """Of the server that the connection goes to: it changes when that has crashed."""
        self._on_entries = on_entries
        self._reach = reach

    def commit(self, commits: Sequence[Commit]) -> list[Answer]:
        """Makes as many of `commits` durable as stand and returns the answer to each, in order.

        Once one that must be alone is deferred, so are the others of its kind: each would hold up what comes behind it.
        """
        answers: dict[int, Answer] = {}
        deferred: DeferredError | None = None
        for together in moments(commits):
            first = together[0]
            if deferred is not None and is_alone(commits[first]):
                answers[first] = deferred
                continue
            self._settle(together, commits, answers)
            if isinstance(answer := answers[first], DeferredError):
                deferred = answer
        return [answers[number] for number in range(len(commits))]

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()

    def _settle(self, numbers: list[int], commits: Sequence[Commit], answers: dict[int, Answer]) -> None:
        """Finds the answers to some commits that may share a transaction."""
        refused: list[int] = []
        while numbers:
            batch = [commits[number] for number in numbers]
            try:
                results = self._tried_again(batch)
            except (*_DATA_FAULTS, psycopg.errors.DiskFull):  # some of them may need no room
                self._isolate(numbers, commits, answers)
                break
            except DeferredError as deferred:  # it is alone
                answers[numbers[0]] = deferred
                break
            except (*AWAY, BusyError) as fault:
                answers.update({number: _busy(fault) for number in numbers})
                break
            except Exception:  # noqa: BLE001  whatever it is, it must not reach who would try again what stands already
                self._isolate(numbers, commits, answers)
                break
            answers.update(zip(numbers, results, strict=True))
            if all(isinstance(result, Committed) for result in results):
                break
            if len(numbers) == 1:
                answers[numbers[0]] = self._carefully(commits[numbers[0]])
                break
            refused += [
                each for each, result in zip(numbers, results, strict=True) if not isinstance(result, Committed)
            ]
            numbers = [each for each, result in zip(numbers, results, strict=True) if isinstance(result, Committed)]
        for number in refused:
            self._settle([number], commits, answers)

    def _isolate(self, numbers: list[int], commits: Sequence[Commit], answers: dict[int, Answer]) -> None:
        """Halves a batch until the commit that the database cannot take stands alone."""
        if len(numbers) > 1:
            middle = len(numbers) // 2
            self._settle(numbers[:middle], commits, answers)
            self._settle(numbers[middle:], commits, answers)
            return
        answers[numbers[0]] = self._carefully(commits[numbers[0]])

    def _carefully(self, commit: Commit) -> Answer:
        """Runs a commit statement by statement, in single forms: their no is meant, and what comes behind it is not run."""
        try:
            return self._tried_again([commit], careful=True)[0]
        except _DATA_FAULTS as fault:
            if has_nul(commit):
                return self._carefully(as_kept(commit))
            answer = RemitError("The database refused a commit", which=commit.key, why=_first_line(fault))
            answer.__cause__ = fault
            return answer
        except (*AWAY, BusyError) as fault:
            return _busy(fault)
        except Exception as fault:  # noqa: BLE001  it belongs to whoever wanted this commit, and to nobody else
            return fault

    def _tried_again(self, batch: Sequence[Commit], *, careful: bool = False) -> list[CommitResult]:
        for _ in range(TRIES):
            try:
                return self._transaction(batch, careful=careful)
            except _GaveWayError as fault:
                last = fault
        raise BusyError("The database is busy", why=str(last), hint="Try again")  # pyright: ignore[reportPossiblyUnboundVariable]

    def _transaction(self, batch: Sequence[Commit], *, careful: bool) -> list[CommitResult]:
        """Runs a batch and commits it when all of it stands; else nothing stands, and who was refused is told."""
        connection, began = self._opened(), time.monotonic()
        try:
            connection.renew_plans()
            xid, tried = self._step_by_step(connection, batch[0]) if careful else self._run(connection, batch)
            if self._reach is not None and not tried.refused:
                self._reach("inside commit")
        except BaseException as fault:
            self._give_up(connection)
            if is_alone(batch[0]) and isinstance(fault, psycopg.errors.LockNotAvailable):
                busy = BusyError("The database is busy", why=_first_line(fault), hint="Try again")
                raise DeferredError(busy, self._lock_seconds + SPARE_SECONDS) from fault
            # A connection that is found broken has been idle, as a rule, when the server went; but not one that the server
            # has ended because all of this took too long, and would again.
            was_ended = time.monotonic() - began >= longest_transaction(self._lock_seconds)
            if is_passing(fault) or (is_broken(connection, fault) and not was_ended):
                raise _GaveWayError(_first_line(fault)) from fault
            raise
        if tried.refused:
            connection.execute("rollback")
        else:
            self._make_durable(connection, xid)
            if any(commit.entries for commit in batch):
                self._on_entries()
        results = ((tried.refused.get(number), commit) for number, commit in enumerate(batch))
        return [refused[1] if refused else tried.committed(n, commit) for n, (refused, commit) in enumerate(results)]

    def _make_durable(self, connection: Connection, xid: str) -> None:
        """Commits; when the connection breaks over it, the server is asked whether it stands."""
        try:
            connection.execute("commit")
        except AWAY as fault:
            connection.close()
            fate = self._fate(xid, self._incarnation)
            if fate == "aborted":
                raise _GaveWayError(_first_line(fault)) from fault
            if fate != "committed":
                raise

    def _run(self, connection: Connection, batch: Sequence[Commit]) -> tuple[str, _Tried]:
        """Sends a batch in one round trip. All of it is made before: what a transaction locks others wait for."""
        tried, orders = _Tried(), _orders(batch)
        with connection.pipeline():
            begun = begin(connection, alone=is_alone(batch[0]), lock_seconds=self._lock_seconds)
            sent = [order.send(connection) for order in orders]
        for each in sent:
            for member, rows, got in each.answers():
                tried.note(member, rows, got)
        row = begun.fetchone()
        return (row["xid"] if row else ""), tried

    def _step_by_step(self, connection: Connection, commit: Commit) -> tuple[str, _Tried]:
        tried = _Tried()
        row = begin(connection, alone=is_alone(commit), lock_seconds=self._lock_seconds).fetchone()
        for order in _orders([commit], careful=True):
            for member, rows, got in order.send(connection).answers():
                tried.note(member, rows, got)
            if tried.refused:
                break
        return (row["xid"] if row else ""), tried

    def _opened(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            row = self._connection.execute(_INCARNATION).fetchone()
            self._incarnation = row["incarnation"] if row else ""
        return self._connection

    def _give_up(self, connection: Connection) -> None:
        """Leaves no transaction open, or no connection."""
        try:
            connection.execute("rollback")
        except psycopg.Error:
            connection.close()

    def _fate(self, xid: str, incarnation: str) -> str:
        """Returns what became of a transaction whose connection broke at its commit; empty when nobody can say."""
        until = time.monotonic() + DOUBT_SECONDS
        while time.monotonic() < until:
            try:
                (row,) = self._opened().execute("select pg_xact_status(%s::text::xid8) as status", [xid]).fetchall()
            except psycopg.DataError:  # the server has lost it, and has not used its number again
                row = {"status": "aborted"}
            except (*AWAY, BusyError):
                time.sleep(0.2)
                continue
            if row["status"] != "in progress":
                # What a crash has lost, it has lost with its number: that may be another transaction's by now.
                fate = row["status"] if row["status"] == "aborted" or incarnation == self._incarnation else ""
                _log.warning(
                    "a connection broke at its commit; the server says: %s", fate or "nothing that can be trusted"
                )
                return fate or ""
            time.sleep(0.05)
        return ""


@dataclass(frozen=True, slots=True)
class _Order:
    """One thing to be sent: a set as one statement, its members one by one, or what belongs to no set."""

    text: LiteralString
    parameters: Sequence[Mapping[str, Any]]
    each: StatementSet | None = None
    as_set: bool = False

    def send(self, connection: Connection) -> _Sent:
        """Sends it and returns its cursors; in a pipeline they are filled at its end."""
        cursors: list[psycopg.Cursor[Any]] = []
        for parameters in self.parameters:
            cursor = connection.cursor(row_factory=tuple_row) if self.as_set else connection.cursor()
            cursors.append(cursor.execute(self.text, parameters, prepare=True))
        return _Sent(self.each, cursors, as_set=self.as_set)


def _orders(batch: Sequence[Commit], *, careful: bool = False) -> list[_Order]:
    """Returns all that a batch sends, in order; the rows that many want come last, behind the log's entries.

    A set is sent as one statement where it has a form for that; when `careful`, its members one by one.
    """
    sets = list(arrange(batch))
    usual = [each for each in sets if not each.query.locks]
    shared = [each for each in sets if each.query.locks]
    orders = [_order(each, careful=careful) for each in usual]
    if entries := [entry for commit in batch for entry in commit.entries]:
        orders.append(_Order(ENQUEUE, [{"rows": _entry_rows(entries)}]))
    if not careful:  # one by one they come in the same order
        orders += [_lock(*rows) for rows in shared_rows(shared)]
    return [*orders, *(_order(each, careful=careful) for each in shared)]


def _order(each: StatementSet, *, careful: bool) -> _Order:
    if each.query.many and len(each.members) > 1 and not careful:
        return _Order(set_text_of(each.query), [{"rows": each.rows()}], each, as_set=True)
    return _Order(text_of(each.query), [member.statement.parameters for member in each.members], each)


def _lock(table: str, column: str, values: Sequence[str]) -> _Order:
    """Locks rows in one order: two transactions wait for each other in one direction only."""
    text = f"""select 1 from {table} where {column} in (select json_array_elements_text(%(values)s::json))
        order by {column} for no key update"""  # noqa: S608  a query's own directive
    return _Order(cast("LiteralString", text), [{"values": orjson.dumps(values).decode()}])


def _entry_rows(entries: Sequence[Entry]) -> str:
    """Returns entries as a JSON array; `nth` counts those of one stream."""
    counts: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    for i, entry in enumerate(entries):
        nth = counts[entry.stream] = counts.get(entry.stream, 0) + 1
        rows.append(
            {"i": i, "stream": entry.stream, "nth": nth, "kind": entry.kind, "ref": entry.ref, "at": entry.at,
             "body": entry.body.decode("utf-8")}
        )  # fmt: skip
    return orjson.dumps(rows).decode()


def _busy(fault: Exception) -> BusyError:
    if isinstance(fault, BusyError):
        return fault
    if isinstance(fault, psycopg.errors.DiskFull):
        hint = "Make room on the server's disk; then it goes on by itself"
        return BusyError("The database cannot be written", why=_first_line(fault), hint=hint)
    return BusyError("The database does not answer", why=_first_line(fault), hint="Try again")


def _first_line(fault: BaseException) -> str:
    lines = str(fault).strip().splitlines()
    return lines[0] if lines else type(fault).__name__
