"""Carries what is in a fleet's SQLite file over into its PostgreSQL database, for benchmarks of both: rows in sets, no log anew."""

import sqlite3
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg

# What each database keeps for itself: which migrations it has had.
OWN = {"migrations"}
_TABLES: LiteralString = """
select table_name, column_name from information_schema.columns
where table_schema = current_schema() and is_generated = 'NEVER' order by table_name, ordinal_position"""
_SEQUENCES: LiteralString = """
select table_name, column_name, pg_get_serial_sequence(table_name, column_name) as sequence
from information_schema.columns where table_schema = current_schema()
  and pg_get_serial_sequence(table_name, column_name) is not null"""


def transfer(source: Path, url: str) -> None:
    """Fills the tables that both have; what was in them there is replaced."""
    with sqlite3.connect(source) as file, psycopg.connect(url) as database:
        database.execute("set session_replication_role = replica")  # neither triggers nor references ask about each row
        columns: dict[str, list[str]] = {}
        for table, column in database.execute(_TABLES).fetchall():
            columns.setdefault(table, []).append(column)
        there = {table: {row[1] for row in file.execute(f"pragma table_info({table})")} for table in columns}
        both = {
            table: [name for name in columns[table] if name in there[table]] for table in columns if table not in OWN
        }
        database.execute(cast("LiteralString", f"truncate {', '.join(table for table in both if both[table])}"))
        for table, names in both.items():
            if names:
                _copy(file, database, table, names)
        database.execute("truncate log_streams")
        # Entries get their number when they are committed there, and not when they get their place in the log.
        database.execute("insert into log_streams (stream, seq) select stream, max(seq) from log group by stream")
        for table, column, sequence in database.execute(_SEQUENCES).fetchall():
            highest = f"select setval(%s, greatest(1, (select max({column}) from {table})))"  # noqa: S608  our own names
            database.execute(cast("LiteralString", highest), [sequence])
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("vacuum analyze")


def _copy(file: sqlite3.Connection, database: "psycopg.Connection[Any]", table: str, names: list[str]) -> None:
    listed = ", ".join(f'"{name}"' for name in names)  # one of them is called `window`
    copying = cast("LiteralString", f"copy {table} ({listed}) from stdin")
    with database.cursor().copy(copying) as copy:
        for row in file.execute(f"select {listed} from {table}"):  # noqa: S608  our own names
            copy.write_row(row)
