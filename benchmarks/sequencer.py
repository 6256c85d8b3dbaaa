"""How fast the log's sequencer gives committed entries their place, on PostgreSQL.

Entries of many runs are committed while nobody moves them; then one sequencer has them all to move. Beside it, in the same
run: the same commits on SQLite, where entries are appended in the commit itself. What is asked of both is more than what
workers make: a task of eight steps leaves twenty entries.
"""

import argparse
import logging
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from _report import Goal, Measured, main
from _server import server
from remit.audit import Log, load_or_create_key, make_entry, verify_log
from remit.core import SystemClock
from remit.store import Commit, Database, Writer, open_database

ENTRIES, QUICK_ENTRIES = 100_000, 10_000
# As many as a decision and its outcome are in a run of eight steps, with its beginning and end.
A_RUN = 20
A_COMMIT = 2
AT_ONCE = 500
# Entries that a task of the fleet leaves, and the rate of 600,000 tasks an hour.
NEEDED = 20 * 600_000 / 3_600
FIELDS = {"verdict": "permit", "rung": "autonomous", "facts": {"unpaid": True}, "digest": "hmac-sha256:" + "5e" * 32}


def commits(entries: int) -> list[Commit]:
    """Returns commits with two entries each, of runs with twenty."""
    made: list[Commit] = []
    for first in range(0, entries, A_COMMIT):
        run = f"run_{first // A_RUN:012x}"
        now = SystemClock().now()
        told = [make_entry(run, "decision", f"dec_{number}", now, FIELDS) for number in range(first, first + A_COMMIT)]
        made.append(Commit([], told))
    return made


def commit_all(database: Database, log: Log, made: list[Commit]) -> tuple[float, float]:
    """Commits them, many at once, and returns wall and CPU seconds."""
    writer = Writer(database, appender=log)
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(made), AT_ONCE):
        for future in [writer.submit(commit) for commit in made[first : first + AT_ONCE]]:
            future.result(timeout=60)
    took = time.perf_counter() - wall, time.process_time() - cpu
    writer.close()
    return took


def _sign(database: Database, log: Log) -> None:
    """Signs the log's head: a checkpoint covers what is verified."""
    if commit := log.checkpoint_commit():
        writer = Writer(database, appender=log)
        writer.commit_now(commit)
        writer.close()


def measure(arguments: argparse.Namespace) -> Measured:
    """Commits on both databases, and has the entries moved on one."""
    logging.disable(logging.WARNING)
    entries = QUICK_ENTRIES if arguments.quick else ENTRIES
    made = commits(entries)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = load_or_create_key(folder / "log.key", "bench")
        postgres = stack.enter_context(server())
        sqlite = open_database("sqlite:///log.db", folder=folder)
        database = open_database(postgres.fresh(), folder=folder)
        for each in (sqlite, database):
            each.migrate()
            stack.callback(each.close)
        inline_wall, inline_cpu = commit_all(sqlite, Log(sqlite, key, SystemClock()), made)
        log = Log(database, key, SystemClock())
        left_wall, left_cpu = commit_all(database, log, made)
        server_cpu, cpu, wall = postgres.cpu(), time.process_time(), time.perf_counter()
        sequencer = database.sequencer(log, None)
        waiting = sequencer.lag()
        while sequencer.lag():
            sequencer.catch_up()
        wall, cpu, server_cpu = time.perf_counter() - wall, time.process_time() - cpu, postgres.cpu() - server_cpu
        sequencer.close()
        _sign(database, log)
        report = verify_log(log)
    a_second = entries / wall
    figures: dict[str, Any] = {
        "entries": entries,
        "waiting before": waiting,
        "entries moved a second": round(a_second),
        "sequencer CPU us an entry": round(cpu / entries * 1e6, 2),
        "database server CPU us an entry": round(server_cpu / entries * 1e6, 2),
        "committing them, entries a second": round(entries / left_wall),
        "committing them, CPU us an entry": round(left_cpu / entries * 1e6, 2),
        "SQLite, in the commit, entries a second": round(entries / inline_wall),
        "SQLite, in the commit, CPU us an entry": round(inline_cpu / entries * 1e6, 2),
        "moved a second / SQLite's in the commit": round(a_second / (entries / inline_wall), 3),
        "tasks a second that one sequencer carries": round(a_second / A_RUN),
        "log verified": report.ok,
    }
    return figures, [
        Goal("entries moved a second", round(a_second), NEEDED, at_least=True),
        Goal("entries in the log", report.size, entries, at_least=True),
        Goal("log verified", int(report.ok), 1, at_least=True),
    ]


if __name__ == "__main__":
    main("The log's sequencer", measure)
