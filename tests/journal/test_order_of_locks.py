"""On PostgreSQL a set of statements locks rows of runs in order of their ids, so two sets never wait for each other."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from remit.core import SystemClock
from remit.journal import Journal, Payload, Run, RunState
from remit.store import Commit, Committed, NoLog, Statement
from store.opened import Store, open_store

Doing = Callable[[Journal, Run], Sequence[Statement]]
SETS: dict[str, tuple[bool, Doing]] = {
    "begin_attempt": (False, lambda journal, run: journal.begin_attempt(run, b"secret", "host/1/x")),
    "begin_claimed": (False, lambda journal, run: journal.begin_attempt(run, b"secret", "host/1/x", claimed=True)),
    "guard_attempt": (True, lambda journal, run: [journal.guard(run.id, 1)]),
    "park_run": (True, lambda journal, run: journal.park(run.id, 1, "approval")),
    "ready_run": (True, lambda journal, run: [journal.ready(run.id)]),
    "end_run": (True, lambda journal, run: journal.end(run, 1, RunState.DONE, output=None)),
}


@pytest.fixture
def store(tmp_path: Path, postgresql_url: str) -> Iterator[Store]:
    """A store on PostgreSQL."""
    with open_store(tmp_path, url=postgresql_url) as opened:
        yield opened


def two_runs(store: Store, journal: Journal, *, is_begun: bool) -> list[Run]:
    """Returns the higher of two runs and the lower one, in the order in which they lie in the table, too."""
    runs: list[Run] = []
    for _ in range(2):
        task, kept = journal.new_task(agent="desk", value={}, on_behalf_of="ann")
        run, queued = journal.new_run(task, agent="desk", version="1.0.0", release="sha256:r")
        store.commit(*kept, queued)
        runs.append(run)
    for run in reversed(runs):  # whatever changes a row puts it at the end
        if is_begun:
            store.commit(*journal.begin_attempt(run, b"secret", "host/1/x"))
    return [journal.run(run.id) for run in sorted(runs, key=lambda run: run.id, reverse=True)]


@contextmanager
def locked(url: str, run: Run) -> Generator[None]:
    """Holds the row of a run."""
    with psycopg.connect(url) as holding:
        holding.execute("select 1 from runs where id = %s for update", [run.id])
        yield


def wait_until_somebody_waits(looking: psycopg.Connection) -> None:
    for _ in range(1_000):
        if looking.execute("select 1 from pg_locks where not granted").fetchone():
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("name", SETS)
def test_a_set_that_waits_for_a_run_holds_none_with_a_higher_id(store: Store, postgresql_url: str, name: str) -> None:
    is_begun, doing = SETS[name]
    journal = Journal(store.database, SystemClock())
    higher, lower = two_runs(store, journal, is_begun=is_begun)
    with psycopg.connect(postgresql_url, autocommit=True) as looking, ThreadPoolExecutor(1) as thread:
        if not is_begun:
            for run in (higher, lower):
                looking.execute("update runs set claimed_by = 'host/1/x' where id = %s", [run.id])
        committer = store.database.committer(NoLog(), None)
        with locked(postgresql_url, lower):
            commits = [Commit(doing(journal, run)) for run in (higher, lower)]
            committing = thread.submit(committer.commit, commits)
            wait_until_somebody_waits(looking)
            looking.execute("select 1 from runs where id = %s for update nowait", [higher.id])
        assert all(isinstance(answer, Committed) for answer in committing.result(timeout=30))
        committer.close()


def test_what_two_processes_keep_at_the_same_moment_is_kept_once(store: Store, postgresql_url: str) -> None:
    """The one that comes second fails as a set, and stands when its commits are tried one by one."""
    journal = Journal(store.database, SystemClock())
    ours, others = (Payload.of(name, task="task_1", salt=b"salt") for name in ("ours", "of others too"))
    add = "insert into payloads (digest, task, labels, body) values (%s, %s, '', %s)"
    with psycopg.connect(postgresql_url, autocommit=True) as looking, ThreadPoolExecutor(1) as thread:
        with psycopg.connect(postgresql_url) as other:
            other.execute(add, [others.digest, others.task, others.body])
            committer = store.database.committer(NoLog(), None)
            committing = thread.submit(committer.commit, [Commit([journal.keep(each)]) for each in (ours, others)])
            wait_until_somebody_waits(looking)
        assert all(isinstance(answer, Committed) for answer in committing.result(timeout=30))
        committer.close()
        kept = looking.execute("select digest from payloads").fetchall()
    assert sorted(digest for (digest,) in kept) == sorted([ours.digest, others.digest])
