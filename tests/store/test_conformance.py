"""What any database must do to be a cell's store. A third one is added to `STORES` and passes the same."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
import pytest
from tests.databases import connected

from remit.audit import Log, SigningKey
from remit.core import BusyError, RemitError
from remit.store import (
    Commit,
    CommitRefused,
    Committed,
    Database,
    Dialect,
    Entry,
    Queries,
    SqliteDatabase,
    Statement,
    Writer,
    open_database,
)
from remit.testing import SettableClock

STORES: tuple[Dialect, ...] = ("sqlite", "postgresql")
TABLES = (
    "create table notes (id bigint primary key, text text not null check (text <> 'bad'))",
    "create table amounts (id text primary key, held bigint not null, cap bigint not null)",
)
COMMON = """
-- name: add
insert into notes (id, text) values (:id, :text)
-- name: change
update notes set text = :text where id = :id
-- name: all
select id, text from notes order by id
-- name: some
select text from notes where id = :id
-- name: guard
select 1 from notes where id = :id
-- name: open
insert into amounts (id, held, cap) values (:id, 0, :cap) on conflict (id) do nothing
-- name: hold
update amounts set held = held + :amount where id = :id and held + :amount <= cap
-- name: held
select held from amounts where id = :id
-- name: clear
delete from notes
"""
DIFFERENT = """
-- name: add
-- many: id bigint, text text
with done as (insert into notes (id, text) select v.id, v.text from {rows} returning id)
select v.i from {rows} join done on done.id = v.id
-- name: hold
-- rank: 90
-- many: id text, amount bigint
with v as materialized (select * from {rows}),
  w as (select id, sum(amount)::bigint as amount from v group by id),
  l as (select a.id from amounts a where a.id in (select id from w) order by a.id for no key update),
  d as (update amounts a set held = a.held + w.amount from w, l
    where l.id = a.id and a.id = w.id and a.held + w.amount <= a.cap returning a.id)
select v.i from v join d on d.id = v.id
-- name: clear
-- alone
"""
Q = Queries("notes", COMMON, DIFFERENT)


@dataclass(frozen=True)
class Store:
    """An open store with tables of notes and amounts, and what opens it again, as another process would."""

    database: Database
    writer: Writer
    again: Callable[[], Database]

    def notes(self) -> list[int]:
        return [row["id"] for row in self.database.read(Q["all"])]

    def held(self, name: str) -> int:
        row = self.database.read_one(Q["held"], {"id": name})
        assert row is not None
        return row["held"]


def add(number: int, text: str = "a note") -> Statement:
    return Statement(Q["add"], {"id": number, "text": text})


def hold(name: str, amount: int) -> Statement:
    return Statement(Q["hold"], {"id": name, "amount": amount}, refusal=f"{name} is short")


def _run(database: Database, statements: tuple[str, ...]) -> None:
    if isinstance(database, SqliteDatabase):
        file = connected(database)
        for statement in statements:
            file.execute(statement)
        file.close()
        return
    with cast("Callable[[], psycopg.Connection]", vars(type(database))["connect"].__get__(database))() as server:
        for statement in statements:
            server.execute(statement.encode())


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return cast("str", request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    def again() -> Database:
        return open_database(url, folder=tmp_path)

    database = again()
    database.migrate()
    _run(database, TABLES)
    writer = Writer(database)
    yield Store(database, writer, again)
    writer.close()
    database.close()


def in_a_batch(store: Store, commits: list[Commit]) -> list[Committed | CommitRefused | BaseException]:
    """Hands all in before the first is looked at, and returns the answers."""
    futures = [store.writer.submit(commit) for commit in commits]
    return [future.exception() or future.result() for future in futures]


def test_a_commit_returns_the_rows_of_its_statements_in_order(store: Store) -> None:
    result = store.writer.commit_now(Commit([add(1, "one"), Statement(Q["some"], {"id": 1}), add(2)]))
    assert isinstance(result, Committed)
    assert [[row["text"] for row in rows if "text" in row.keys()] for rows in result.rows][1] == ["one"]  # noqa: SIM118
    assert store.notes() == [1, 2]


def test_a_refused_commit_leaves_nothing_and_its_neighbours_stand(store: Store) -> None:
    missing = Statement(Q["change"], {"id": 404, "text": "x"}, refusal="there is no note 404")
    first, refused, last = in_a_batch(store, [Commit([add(1)]), Commit([add(2), missing]), Commit([add(3)])])
    assert isinstance(first, Committed)
    assert refused == CommitRefused("notes.change", "there is no note 404", got=0, want=1)
    assert isinstance(last, Committed)
    assert store.notes() == [1, 3]


@pytest.mark.parametrize("fault", ["key", "check", "null"])
def test_a_faulty_commit_fails_alone(store: Store, fault: str) -> None:
    store.writer.commit_now(Commit([add(7)]))
    faulty = {"key": add(7), "check": add(8, "bad"), "null": Statement(Q["add"], {"id": 8, "text": None})}[fault]
    commits = [Commit([add(number)]) for number in range(1, 6)]
    answers = in_a_batch(store, [*commits[:2], Commit([add(9), faulty]), *commits[2:]])
    assert [type(answer) for answer in answers[:2] + answers[3:]] == [Committed] * 5
    assert isinstance(answers[2], RemitError)
    assert store.notes() == [1, 2, 3, 4, 5, 7]


def test_a_text_with_a_nul_is_kept_and_looked_for(store: Store) -> None:
    odd = Commit([add(2, "a\0b"), add(3)])
    answers = in_a_batch(store, [Commit([add(1)]), odd, Commit([hold("one", 1)]), Commit([add(4)])])
    assert [type(answers[number]) for number in (0, 1, 3)] == [Committed] * 3
    assert store.notes() == [1, 2, 3, 4]
    assert store.database.read_one(Q["held"], {"id": "a\0b"}) is None


def test_what_cannot_even_be_sent_fails_alone_and_what_stands_is_not_done_again(store: Store) -> None:
    """A text that no database takes, in a commit that is alone: those before it have their own transaction."""
    unsendable = Commit([add(9), Statement(Q["clear"], {}, want=None), add(10, "\ud800")])
    answers = in_a_batch(store, [*(Commit([add(number)]) for number in range(1, 4)), unsendable, Commit([add(4)])])
    assert [type(answer) for answer in answers[:3] + answers[4:]] == [Committed] * 4
    assert isinstance(answers[3], BaseException)
    assert store.notes() == [1, 2, 3, 4]


def test_what_many_hold_of_one_amount_is_never_more_than_its_cap(store: Store) -> None:
    store.writer.commit_now(Commit([Statement(Q["open"], {"id": "a", "cap": 100})]))
    answers = in_a_batch(store, [Commit([add(number), hold("a", 7)]) for number in range(40)])
    stood = [number for number, answer in enumerate(answers) if isinstance(answer, Committed)]
    assert len(stood) == 14
    assert store.held("a") == 98
    assert store.notes() == stood
    assert {a.refusal for a in answers if isinstance(a, CommitRefused)} == {"a is short"}


def test_several_writers_together_hold_no_more_than_the_cap(store: Store) -> None:
    store.writer.commit_now(Commit([Statement(Q["open"], {"id": each, "cap": 100}) for each in ("a", "b")]))

    def one_process(number: int) -> int:
        database = store.again()
        writer = Writer(database)
        # In both orders: those who wait for each other must not do so for ever.
        names = ("a", "b") if number % 2 else ("b", "a")
        commits = [Commit([*(hold(name, 3) for name in names), add(number * 100 + each)]) for each in range(30)]
        results = [future.result() for future in [writer.submit(commit) for commit in commits]]
        writer.close()
        database.close()
        return sum(isinstance(result, Committed) for result in results)

    with ThreadPoolExecutor(4) as processes:
        stood = sum(processes.map(one_process, range(1, 5)))
    assert stood == 33
    assert (store.held("a"), store.held("b")) == (99, 99)
    assert len(store.notes()) == 33


def test_what_must_be_alone_waits_for_what_has_begun_and_is_seen_by_what_comes_after(store: Store) -> None:
    """A stop whose receipt is there has stopped everything: between a guard and its write there is no gap."""
    store.writer.commit_now(Commit([add(1)]))
    guard = Statement(Q["guard"], {"id": 1}, refusal="it is stopped")
    done, seen_after = threading.Event(), list[int]()

    def works(number: int) -> None:
        database = store.again()
        writer = Writer(database)
        count = 0
        while count < 5_000:
            count += 1
            was_done = done.is_set()
            answer = writer.commit_now(Commit([guard, add(number * 10_000 + count)]))
            if isinstance(answer, CommitRefused):
                break
            if was_done:
                seen_after.append(count)
        writer.close()
        database.close()

    threads = [threading.Thread(target=works, args=(number,)) for number in (1, 2)]
    for each in threads:
        each.start()
    store.writer.commit_now(Commit([Statement(Q["clear"], {}, want=None)]))
    done.set()
    for each in threads:
        each.join()
    assert seen_after == []


def test_a_snapshot_speaks_of_one_moment(store: Store) -> None:
    store.writer.commit_now(Commit([add(1)]))
    with store.database.snapshot():
        assert store.notes() == [1]
        store.writer.commit_now(Commit([add(2)]))
        assert store.notes() == [1]
    assert store.notes() == [1, 2]


def test_reading_from_many_threads_sees_what_is_durable(store: Store) -> None:
    store.writer.commit_now(Commit([add(number) for number in range(20)]))
    with ThreadPoolExecutor(12) as readers:
        assert [each.result() for each in [readers.submit(store.notes) for _ in range(60)]] == [[*range(20)]] * 60


def test_migrating_twice_and_at_once_changes_nothing(store: Store) -> None:
    with ThreadPoolExecutor(4) as processes:
        for each in [processes.submit(store.again().migrate) for _ in range(4)]:
            each.result()
    store.writer.commit_now(Commit([add(1)]))
    assert store.notes() == [1]


def test_only_who_may_write_writes(store: Store, url: str, tmp_path: Path) -> None:
    looking = open_database(url, folder=tmp_path, read_only=True)
    assert looking.read(Q["all"]) == []
    with pytest.raises(Exception, match=r"read.?only"):
        looking.read(Q["clear"])
    looking.close()


async def test_the_feed_tells_of_a_commit_with_entries(store: Store) -> None:
    log = Log(store.database, SigningKey.new("test"), SettableClock())
    writer = Writer(store.database, appender=log)
    sequencer = store.database.sequencer(log, None)
    feed = store.database.changes()
    before = feed.position()
    waiting = asyncio.create_task(feed.wait(before, seconds=10))
    await writer.commit(Commit([add(1)], [Entry("run_a", "note", "1", 1, b"{}")]))
    assert await waiting != before
    feed.close()
    writer.close()
    sequencer.close()


def test_entries_of_several_writers_come_into_the_log_once_each_and_in_order(store: Store) -> None:
    key, clock = SigningKey.new("test"), SettableClock()

    def one_process(number: int) -> None:
        database = store.again()
        log = Log(database, key, clock)
        writer = Writer(database, appender=log)
        log.moved_by(database.sequencer(log, None))
        for each in range(40):
            said = b'{"n":%d}' % each
            streams = (f"run_{number}", "shared")
            writer.submit(Commit([], [Entry(stream, "note", f"{number}:{each}", 1, said) for stream in streams]))
        writer.close()
        log.close()
        database.close()

    with ThreadPoolExecutor(3) as processes:
        list(processes.map(one_process, range(3)))
    log = Log(store.database, key, clock)
    log.check()
    assert log.size() == 240
    for number in range(3):
        own = [entry.ref for entry in log.entries(f"run_{number}")]
        assert own == [f"{number}:{each}" for each in range(40)]
    shared = log.entries("shared")
    assert [entry.seq for entry in shared] == [*range(1, 121)]
    assert len({entry.ref for entry in shared}) == 120


def test_a_place_is_shown_without_a_password(store: Store) -> None:
    assert "secret" not in open_database("postgresql://remit:secret@db.example:5432/cell", folder=Path()).place
    assert store.database.place


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    database = open_database("postgresql://remit:secret@127.0.0.1:1/cell", folder=tmp_path)
    with pytest.raises(BusyError, match="cannot be reached") as told:
        database.migrate()
    assert "secret" not in str(told.value)
