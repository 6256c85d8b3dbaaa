"""A person's no and the calls that pass its guard: of two at the same moment, one comes after the other."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from approvals.question import Inbox, inbox_on
from remit.store import Commit, CommitRefused, Committed
from store.opened import open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return cast("str", request.getfixturevalue("postgresql_url"))


@contextmanager
def two_inboxes(
    folder: Path, url: str, inside: threading.Event, go_on: threading.Event
) -> Generator[tuple[Inbox, Inbox]]:
    """Opens one for people, and one of another process, which stops inside its transactions until it is told to go on."""

    def reach(_: str) -> None:
        inside.set()
        assert go_on.wait(10)

    with open_store(folder, url=url) as asked, open_store(folder, url=url, reach=reach) as calling:
        yield inbox_on(asked), inbox_on(calling)


def test_a_no_has_its_receipt_when_every_call_that_passed_its_guard_is_durable(tmp_path: Path, url: str) -> None:
    inside, go_on = threading.Event(), threading.Event()
    with two_inboxes(tmp_path, url, inside, go_on) as (people, calls):
        question = people.ask()
        guard = calls.approvals.guard_unrefused(question.task, question.name)
        call = calls.store.writer.submit(Commit([guard]))
        assert inside.wait(10)
        no = people.store.writer.submit(Commit(people.vote(question, "ann", "reject")[1]))
        with pytest.raises(TimeoutError):
            no.result(timeout=0.3)
        go_on.set()
        assert isinstance(call.result(10), Committed)
        assert isinstance(no.result(10), Committed)
        refused = calls.store.writer.commit_now(Commit([guard]))
        assert isinstance(refused, CommitRefused)
        assert "said no" in refused.refusal


def test_a_yes_waits_for_no_call(tmp_path: Path, postgresql_url: str) -> None:
    inside, go_on = threading.Event(), threading.Event()
    with two_inboxes(tmp_path, postgresql_url, inside, go_on) as (people, calls):
        question = people.ask()
        call = calls.store.writer.submit(Commit([calls.approvals.guard_unrefused(question.task, question.name)]))
        assert inside.wait(10)
        yes = people.store.writer.submit(Commit(people.vote(question, "ann")[1]))
        assert isinstance(yes.result(10), Committed)
        go_on.set()
        assert isinstance(call.result(10), Committed)
