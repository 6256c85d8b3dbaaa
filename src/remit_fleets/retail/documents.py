"""The shop's database: JSON documents by key, and the calls that changed them."""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from remit_fleets.retail.errors import ShopError

Document = dict[str, Any]
Table = Literal["products", "users", "orders"]
TABLES: tuple[Table, ...] = ("products", "users", "orders")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS products (key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users    (key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders   (key TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fences   (lock TEXT PRIMARY KEY, highest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, tool TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS calls_are_kept BEFORE UPDATE ON calls BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS calls_stay BEFORE DELETE ON calls BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
# Another process may be writing; longer than this is a fault, not a queue.
_BUSY_SECONDS = 5.0


class Documents:
    """Three tables of documents in one SQLite file, or in memory."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        # The gateway may drive tools from a thread of its own; the lock keeps one transaction from entering another.
        self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._lock = threading.RLock()
        self._database.create_function("folded", 1, str.casefold, deterministic=True)
        if str(path) != ":memory:":
            self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_SCHEMA)

    def fill(self, documents: Mapping[str, Mapping[str, Document]]) -> None:
        """Puts in every document of `documents`, in its order; a shop that already has users stays as it is."""
        with self.writing():
            if self._query("SELECT key FROM users LIMIT 1"):
                return
            for table in TABLES:
                rows = [(key, _text(document)) for key, document in documents[table].items()]
                self._database.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)  # noqa: S608  (a name of ours)

    def copy(self) -> "Documents":
        """Returns the same documents in a memory of their own."""
        copy = Documents()
        with self._lock:
            self._database.backup(copy._database)
        return copy

    def close(self) -> None:
        """Lets the database go."""
        self._database.close()

    @contextmanager
    def writing(self) -> Generator[None]:
        """Everything inside happens, or on an error nothing."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def get(self, table: Table, key: str) -> Document | None:
        """Returns one document, or None."""
        rows = self._query(f"SELECT body FROM {table} WHERE key = ?", key)  # noqa: S608  (a name of ours)
        return json.loads(rows[0][0]) if rows else None

    def put(self, table: Table, key: str, document: Document) -> None:
        """Replaces one document."""
        statement = f"UPDATE {table} SET body = ? WHERE key = ?"  # noqa: S608  (a name of ours)
        self._database.execute(statement, (_text(document), key))

    def all(self, table: Table) -> dict[str, Document]:
        """Returns every document of a table by key, in the order they were put in."""
        rows = self._query(f"SELECT key, body FROM {table} ORDER BY rowid")  # noqa: S608  (a name of ours)
        return {key: json.loads(body) for key, body in rows}

    def texts(self, table: Table) -> dict[str, str]:
        """Returns every document of a table as its JSON text, which is quicker to compare."""
        rows = self._query(f"SELECT key, body FROM {table} ORDER BY rowid")  # noqa: S608  (a name of ours)
        return dict(rows)

    def variant(self, item_id: str) -> Document | None:
        """Returns the variant with this item id, whatever product it belongs to, or None."""
        query = """SELECT variant.value FROM products, json_each(products.body, '$.variants') AS variant
            WHERE variant.key = ?"""
        rows = self._query(query, item_id)
        return json.loads(rows[0][0]) if rows else None

    def user_with_email(self, email: str) -> str | None:
        """Returns the id of the user with this address, whatever its case."""
        query = "SELECT key FROM users WHERE folded(json_extract(body, '$.email')) = ? ORDER BY rowid LIMIT 1"
        rows = self._query(query, email.casefold())
        return rows[0][0] if rows else None

    def user_with_name(self, first_name: str, last_name: str, zip_code: str) -> str | None:
        """Returns the id of the first user with this name, whatever its case, and exactly this zip code."""
        query = """SELECT key FROM users WHERE json_extract(body, '$.address.zip') = ?
            AND folded(json_extract(body, '$.name.first_name')) = ?
            AND folded(json_extract(body, '$.name.last_name')) = ? ORDER BY rowid LIMIT 1"""
        rows = self._query(query, zip_code, first_name.casefold(), last_name.casefold())
        return rows[0][0] if rows else None

    def is_used(self, key: str) -> bool:
        """Whether a call was recorded under `key`."""
        return bool(self._query("SELECT key FROM calls WHERE key = ?", key))

    def result_of(self, key: str, tool: str, arguments: Document) -> Document | None:
        """Returns the result of the call that used `key`, or None; the key of another call is refused."""
        rows = self._query("SELECT tool, arguments, result FROM calls WHERE key = ?", key)
        if not rows:
            return None
        if (rows[0][0], rows[0][1]) != (tool, _digest(arguments)):
            raise ShopError("key_reused", f"the key {key} belongs to another call")
        return json.loads(rows[0][2])

    def record(self, key: str, tool: str, arguments: Document, result: Document) -> None:
        """Remembers that `key` was used, and what came of it."""
        row = (key, tool, _digest(arguments), _text(result), time.time_ns() // 1000)
        self._database.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", row)

    def pass_fences(self, fences: Mapping[str, int]) -> None:
        """Refuses a holder whose lock has since been given to somebody with a higher number."""
        for lock, number in fences.items():
            rows = self._query("SELECT highest FROM fences WHERE lock = ?", lock)
            if rows and number < rows[0][0]:
                raise ShopError("stale_fence", f"the lock {lock} has gone to another holder")
            self._database.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", (lock, number))

    def _query(self, statement: str, *values: str) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def _text(value: Document) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _digest(arguments: Document) -> str:
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()
