"""Group commit: many commits share a transaction, and none of them can tell."""

import asyncio
import time

import pytest

import remit.store.writer as writer_module
from remit.core import ConflictError, RemitError
from remit.store import Commit, CommitRefused, Committed, Query, SqliteDatabase, Statement, Writer
from remit.store.writer import ENOUGH, LARGEST_BATCH, MANY, TOGETHER
from store.notes import ADD, CHANGE, Journaled, add, commit_in_a_batch, held_up, noted, numbers

MISSING = Statement(CHANGE, {"id": 404, "text": "x"}, refusal="there is no note 404")


def test_a_commit_returns_the_rows_of_its_statements_in_order(writer: Writer) -> None:
    asked = Statement(Query("notes.some", "select text from notes where id = :id"), {"id": 1})
    result = writer.commit_now(Commit([add(1, "one"), asked]))
    assert isinstance(result, Committed)
    assert [[dict(row) for row in rows] for rows in result.rows] == [[], [{"text": "one"}]]


def test_a_refused_commit_leaves_nothing_and_its_neighbours_stand(
    database: SqliteDatabase, writer: Writer, journaled: Journaled
) -> None:
    results = commit_in_a_batch(database, writer, [noted(1), noted(2, MISSING, add(3)), noted(4)])
    assert results[1] == CommitRefused("notes.change", "there is no note 404", got=0, want=1)
    assert isinstance(results[0], Committed)
    assert isinstance(results[2], Committed)
    assert numbers(database) == [1, 4]
    assert journaled.batches == [["1", "4"]]


def test_a_guard_sees_what_came_before_it_in_the_batch(database: SqliteDatabase, writer: Writer) -> None:
    results = commit_in_a_batch(database, writer, [noted(number, add(1, want=None)) for number in (2, 3)])
    assert [type(result) for result in results] == [Committed, RemitError]
    assert numbers(database) == [1, 2]


@pytest.mark.parametrize(
    "faulty",
    [
        add(1),
        add(9, "bad"),
        add(9, None),
        add(9, b"bytes"),
        add(9, object()),
        add(2**63),
        add(9, "\ud800"),
        Statement(ADD, {"id": 9}),
        Statement(Query("notes.gone", "select * from gone"), {}),
        Statement(Query("notes.twice", "select 1; select 2"), {}),
        Statement(Query("notes.nonsense", "selekt"), {}),
    ],
    ids=["key", "check", "null", "type", "object", "huge", "text", "missing", "table", "two", "syntax"],
)
def test_a_faulty_commit_fails_alone(
    database: SqliteDatabase, writer: Writer, journaled: Journaled, faulty: Statement
) -> None:
    first, fault, last = commit_in_a_batch(database, writer, [noted(1), noted(2, faulty), noted(3)])
    assert isinstance(first, Committed)
    assert isinstance(last, Committed)
    assert isinstance(fault, Exception)
    assert numbers(database) == [1, 3]
    assert [ref for batch in journaled.batches for ref in batch] == ["1", "3"]


def test_a_constraint_that_fails_is_told_in_our_words(writer: Writer) -> None:
    writer.commit_now(noted(1))
    with pytest.raises(RemitError, match=r"The database refused a commit 'run_1:4'\. UNIQUE constraint failed"):
        writer.commit_now(noted(1, key="run_1:4"))


def test_two_commits_with_one_key_never_share_a_batch(
    database: SqliteDatabase, writer: Writer, journaled: Journaled
) -> None:
    keys = ["a", "b", "a", "", "", "a", "b"]
    results = commit_in_a_batch(database, writer, [noted(number, key=key) for number, key in enumerate(keys)])
    assert all(isinstance(result, Committed) for result in results)
    assert journaled.batches == [["0", "1", "3", "4"], ["2", "6"], ["5"]]


def test_a_batch_has_a_largest_size(database: SqliteDatabase, writer: Writer, journaled: Journaled) -> None:
    commit_in_a_batch(database, writer, [noted(number) for number in range(LARGEST_BATCH + 10)])
    assert [len(batch) for batch in journaled.batches] == [LARGEST_BATCH, 10]
    assert numbers(database) == list(range(LARGEST_BATCH + 10))


def test_a_commit_is_on_disk_before_its_caller_hears_of_it(database: SqliteDatabase, writer: Writer) -> None:
    for number in range(20):
        writer.commit_now(noted(number))
        assert numbers(database)[-1] == number


def test_entries_without_a_log_are_a_fault_of_their_commit(database: SqliteDatabase) -> None:
    writer = Writer(database)
    with pytest.raises(ConflictError, match="no log"):
        writer.commit_now(noted(1))
    assert isinstance(writer.commit_now(Commit([add(2)])), Committed)
    writer.close()
    assert numbers(database) == [2]


def test_closing_commits_what_is_queued(database: SqliteDatabase) -> None:
    writer = Writer(database)
    futures = [writer.submit(Commit([add(number)])) for number in range(50)]
    writer.close()
    writer.close()
    assert all(isinstance(future.result(), Committed) for future in futures)
    assert numbers(database) == list(range(50))
    with pytest.raises(ConflictError, match="The store is closed"):
        writer.submit(Commit([]))


def test_a_commit_withdrawn_before_it_is_taken_does_not_happen(database: SqliteDatabase, writer: Writer) -> None:
    with held_up(database, writer):
        withdrawn = writer.submit(noted(1))
        kept = writer.submit(noted(2))
        assert withdrawn.cancel()
    assert isinstance(kept.result(), Committed)
    assert isinstance(writer.commit_now(noted(3)), Committed)
    assert numbers(database) == [2, 3]


def test_when_every_commit_is_withdrawn_the_writer_goes_on(database: SqliteDatabase, writer: Writer) -> None:
    with held_up(database, writer):
        assert writer.submit(noted(1)).cancel()
    assert isinstance(writer.commit_now(noted(2)), Committed)
    assert numbers(database) == [2]


async def test_what_coroutines_commit_in_one_turn_of_their_loop_goes_together(
    writer: Writer, journaled: Journaled
) -> None:
    async def step(number: int) -> None:
        time.sleep(0.003)  # noqa: ASYNC251  a call that lets other threads go on, as those of drivers do
        await writer.commit(noted(number))

    await asyncio.gather(*map(step, range(8)))
    assert journaled.batches == [[str(number) for number in range(8)]]


async def test_what_many_commit_in_one_turn_is_begun_before_its_end(writer: Writer, journaled: Journaled) -> None:
    async def step(number: int) -> None:
        time.sleep(0.003)  # noqa: ASYNC251  as above
        await writer.commit(noted(number))

    await asyncio.gather(*map(step, range(3 * TOGETHER)))
    assert TOGETHER <= len(journaled.batches[0]) < 2 * TOGETHER
    assert sum(map(len, journaled.batches)) == 3 * TOGETHER


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a busy writer gather for longer than any test takes."""
    monkeypatch.setattr(writer_module, "GATHER_SECONDS", 60.0)
    monkeypatch.setattr(writer_module, "STILL_SECONDS", 60.0)


@pytest.mark.usefixtures("patient")
def test_after_a_large_batch_the_next_one_gathers_until_it_is_large(
    database: SqliteDatabase, writer: Writer, journaled: Journaled
) -> None:
    commit_in_a_batch(database, writer, [noted(number) for number in range(MANY)])
    first = writer.submit(noted(1_000))
    time.sleep(0.05)
    assert not first.done()
    more = [writer.submit(noted(1_000 + number)) for number in range(1, ENOUGH)]
    assert all(isinstance(future.result(10), Committed) for future in [first, *more])
    assert [len(batch) for batch in journaled.batches] == [MANY, ENOUGH]


@pytest.mark.usefixtures("patient")
def test_after_a_small_batch_nobody_waits(database: SqliteDatabase, writer: Writer) -> None:
    commit_in_a_batch(database, writer, [noted(number) for number in range(MANY - 1)])
    assert isinstance(writer.submit(noted(1_000)).result(10), Committed)


@pytest.mark.usefixtures("patient")
def test_a_writer_that_is_closed_gathers_no_longer(database: SqliteDatabase, journaled: Journaled) -> None:
    writer = Writer(database, appender=journaled)
    commit_in_a_batch(database, writer, [noted(number) for number in range(MANY)])
    last = writer.submit(noted(1_000))
    writer.close()
    assert isinstance(last.result(), Committed)


def test_who_gathers_does_not_wait_for_commits_that_do_not_come(
    database: SqliteDatabase, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "GATHER_SECONDS", 60.0)
    commit_in_a_batch(database, writer, [noted(number) for number in range(MANY)])
    assert isinstance(writer.submit(noted(1_000)).result(10), Committed)
