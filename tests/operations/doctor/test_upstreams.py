"""What the processes at work cannot reach."""

import sqlite3
from pathlib import Path

from operations.patients import amiss, changed, starter, worked
from remit.core import HOUR, SystemClock
from remit.operations.doctor import Health

NAMES = "(executor, upstream, since, why)"


def out(connection: sqlite3.Connection, *, ago: int = 0) -> None:
    """A process that was heard of so long ago could not reach two upstreams."""
    now = SystemClock().now() - ago
    connection.execute(
        "insert into executors (id, host, pid, started_at, seen_at) values ('a/1/x', 'a', 1, ?, ?)", (now, now)
    )
    for name in ("tools:bank", "model:fast"):
        connection.execute(f"insert into outages {NAMES} values ('a/1/x', ?, ?, 'refused')", (name, now))  # noqa: S608


def test_what_is_out_of_reach_is_named_with_the_last_failure(tmp_path: Path) -> None:
    fleet = starter(tmp_path / "office")
    worked(fleet, "run", "supplies-desk", "--input", '{"request": "3 bags of coffee"}')
    assert amiss(fleet, "upstreams") == []
    changed(fleet, out)
    model, bank = amiss(fleet, "upstreams")
    assert (model.health, bank.health) == (Health.TROUBLE, Health.TROUBLE)
    assert model.what.startswith("The model route fast is out of reach since ")
    assert bank.what.startswith("The tool server bank is out of reach since ")
    assert bank.what.endswith("for 1 at work: refused")


def test_what_processes_that_are_gone_could_not_reach_says_nothing(tmp_path: Path) -> None:
    fleet = starter(tmp_path / "office")
    worked(fleet, "run", "supplies-desk", "--input", '{"request": "3 bags of coffee"}')
    changed(fleet, lambda connection: out(connection, ago=HOUR))
    assert amiss(fleet, "upstreams") == []
