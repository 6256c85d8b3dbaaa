"""One key, one thing done: whoever asks again gets the answer of then, and nobody does it twice."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from remit.core import DAY, ConflictError, InputError
from remit.endpoints.idempotency import (
    KEPT,
    UNDER_WAY,
    Asked,
    Claim,
    Idempotency,
    KeptAnswer,
    fingerprint,
    read_key,
)
from remit.store import SqliteDatabase, Writer, migrate
from remit.testing import SettableClock

ASKED = Asked("otto@shop.example", "key-1", fingerprint("POST", "/tasks", b"{}"), repeatable=False)
ANSWER = KeptAnswer(201, {"location": "/tasks/1"}, b'{"task":"1"}')


@dataclass
class Keys:
    """Idempotency on a store of its own, with the clock in the test's hand."""

    made: Idempotency
    clock: SettableClock
    database: SqliteDatabase

    async def claimed(self, asked: Asked = ASKED) -> Claim:
        """Claims, and says so when it was not to be had."""
        claim = await self.made.claim(asked)
        assert isinstance(claim, Claim)
        return claim


@pytest_asyncio.fixture
async def keys(tmp_path: Path) -> AsyncGenerator[Keys]:
    database, clock = SqliteDatabase("sqlite:///keys.db", folder=tmp_path), SettableClock()
    connection = database.connect()
    migrate(connection)
    connection.close()
    writer = Writer(database)
    yield Keys(Idempotency(database=database, writer=writer, clock=clock), clock, database)
    writer.close()
    database.close()


async def test_whoever_asks_again_gets_the_answer_of_then(keys: Keys) -> None:
    await keys.made.keep(await keys.claimed(), ANSWER)
    assert await keys.made.claim(ASKED) == ANSWER


async def test_the_same_key_for_another_request_is_a_mistake(keys: Keys) -> None:
    await keys.made.keep(await keys.claimed(), ANSWER)
    for other in (("PUT", "/tasks", b"{}"), ("POST", "/runs", b"{}"), ("POST", "/tasks", b"{ }")):
        with pytest.raises(InputError, match="another request"):
            await keys.made.claim(replace(ASKED, fingerprint=fingerprint(*other)))


async def test_the_same_key_of_somebody_else_is_another(keys: Keys) -> None:
    await keys.made.keep(await keys.claimed(), ANSWER)
    assert isinstance(await keys.made.claim(replace(ASKED, actor="program:sync")), Claim)


async def test_of_many_at_once_one_may_do_it(keys: Keys) -> None:
    results = await asyncio.gather(*(keys.made.claim(ASKED) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Claim) for result in results) == 1
    assert sum(isinstance(result, ConflictError) for result in results) == 19


async def test_a_key_that_was_given_back_is_free(keys: Keys) -> None:
    await keys.made.give_back(await keys.claimed())
    await keys.claimed()


async def test_an_answer_is_forgotten_after_a_day(keys: Keys) -> None:
    await keys.made.keep(await keys.claimed(), ANSWER)
    keys.clock.advance(KEPT - 1)
    assert await keys.made.claim(ASKED) == ANSWER
    keys.clock.advance(1)
    await keys.claimed()
    keys.clock.advance(2 * DAY)
    await keys.claimed(replace(ASKED, key="another"))
    connection = keys.database.connect()
    assert [row["key"] for row in connection.execute("select key from idempotency_keys")] == ["another"]
    connection.close()


async def test_what_broke_off_is_done_again_only_where_that_does_no_more(keys: Keys) -> None:
    await keys.claimed()
    again = replace(ASKED, repeatable=True)
    for asked in (ASKED, again):
        with pytest.raises(ConflictError, match="under way"):
            await keys.made.claim(asked)
    keys.clock.advance(UNDER_WAY)
    with pytest.raises(ConflictError, match="Nobody knows whether this was done"):
        await keys.made.claim(ASKED)
    results = await asyncio.gather(*(keys.made.claim(again) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Claim) for result in results) == 1


async def test_who_comes_late_does_not_overwrite_who_took_over(keys: Keys) -> None:
    late = await keys.claimed()
    keys.clock.advance(UNDER_WAY)
    second = await keys.claimed(replace(ASKED, repeatable=True))
    await keys.made.keep(late, replace(ANSWER, status=500))
    await keys.made.give_back(late)
    with pytest.raises(ConflictError, match="under way"):
        await keys.made.claim(ASKED)
    await keys.made.keep(second, ANSWER)
    assert await keys.made.claim(ASKED) == ANSWER


@pytest.mark.parametrize(
    ("sent", "key"),
    [([], ""), (['"8e03978e"'], "8e03978e"), (["8e03978e"], "8e03978e"), ([" a-b_c:1 "], "a-b_c:1")],
)
def test_a_key_is_a_text_with_or_without_quotes(sent: list[str], key: str) -> None:
    assert read_key(sent) == key


@pytest.mark.parametrize("sent", [[""], ['""'], ["a b"], ['"a'], ["ä"], ["a" * 256], ["a", "a"], ['"a\\"b"']])
def test_what_is_no_key_is_refused(sent: list[str]) -> None:
    with pytest.raises(InputError, match="Not an Idempotency-Key"):
        read_key(sent)
