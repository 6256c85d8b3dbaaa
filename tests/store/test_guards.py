"""On PostgreSQL a guard locks the rows it has read, or what it has read changes in a moment of its own; see decision 0025."""

import re

import pytest
from tests.store.test_queries import QUERIES

from remit.store import Query

GUARDS = [query for query in QUERIES if query.name.partition(".")[2].startswith("guard_")]
LOCKED = "for no key update"
# Guards that lock nothing, and the table they read, with what else is written to it and is no business of theirs.
READ_ONLY = {
    "controls.guard_switches": ("switches", set[str]()),
    # A new version is nobody's yet, and it may be seen at any time.
    "registry.guard_release": ("versions", {"registry.register", "registry.seen"}),
    # None of these is a no.
    "approvals.guard_unrefused": (
        "approvals",
        {f"approvals.{name}" for name in ("ask", "decide", "pass_on", "use", "give_back", "close", "act_on")},
    ),
}


def writers(table: str) -> list[Query]:
    text = re.compile(rf"\b(?:insert into|update|delete from)\s+{table}\b")
    return [query for query in QUERIES if text.search(query.sql)]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda query: query.name)
def test_a_guard_locks_what_it_reads_or_is_alone(guard: Query) -> None:
    forms = [guard.postgresql or guard.sql, *([guard.many] if guard.many else [])]
    assert guard.alone or guard.name in READ_ONLY or all(LOCKED in form for form in forms)


@pytest.mark.parametrize("guard", READ_ONLY)
def test_what_a_guard_only_reads_changes_alone(guard: str) -> None:
    table, others = READ_ONLY[guard]
    written = writers(table)
    assert {query.name for query in written if not query.alone} == others
    assert any(query.alone for query in written)
    assert not any("'rejected'" in query.sql for query in written if not query.alone)


def test_whoever_changes_what_no_run_may_hinder_is_alone() -> None:
    """It looks at runs, and a run that is added at the same moment has no row to be locked yet."""
    looking = re.compile(r"not exists \(\s*select 1 from runs where (?:runs\.)?(?:task|agent|undoes)")
    found = {query.name: query.alone for query in QUERIES if looking.search(query.sql) and "limit" not in query.sql}
    assert found == dict.fromkeys(
        ("journal.guard_alone", "journal.guard_no_open_runs", "journal.guard_not_undoing", "operations.erase_task"),
        True,
    )
