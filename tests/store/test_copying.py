"""A copy is of one moment, whoever writes meanwhile, and takes nobody's place."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from remit.core import BusyError, ConflictError
from remit.store.sqlite.copying import copy_sqlite, quick_check, settle_sqlite


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database in which two numbers are always the same."""
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table pair (name text primary key, number integer not null)")
        connection.execute("insert into pair values ('one', 0), ('two', 0)")
        connection.execute("create table filler (body blob)")
        connection.executemany("insert into filler values (?)", [(b"x" * 4000,) for _ in range(500)])
    return path


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("select number from pair order by name")]


def test_a_copy_taken_while_somebody_writes_is_of_one_moment(source: Path, tmp_path: Path) -> None:
    stopping = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None, timeout=10)) as connection:
            while not stopping.is_set():
                connection.execute("begin immediate")
                connection.execute("update pair set number = number + 1 where name = 'one'")
                connection.execute("update filler set body = randomblob(4000) where rowid = abs(random()) % 500")
                connection.execute("update pair set number = number + 1 where name = 'two'")
                connection.execute("commit")

    writing = threading.Thread(target=write)
    writing.start()
    try:
        copies = [tmp_path / f"{number}.db" for number in range(10)]
        for copy in copies:
            copy_sqlite(source, copy)
    finally:
        stopping.set()
        writing.join()
    pairs = [numbers(copy) for copy in copies]
    assert all(one == two for one, two in pairs)
    assert pairs[0][0] < pairs[-1][0], "work went on meanwhile"
    for copy in copies:
        quick_check(copy)
        assert copy.stat().st_mode & 0o777 == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".part", ".db-wal")) and path != source]


def test_a_copy_takes_nobodys_place(source: Path, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        copy_sqlite(source, tmp_path / "there.db")
    assert (tmp_path / "there.db").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "there.db.part").exists()


def test_a_damaged_file_is_told(source: Path, tmp_path: Path) -> None:
    copy_sqlite(source, tmp_path / "copy.db")
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[4096:12_000] = b"\xff" * (12_000 - 4096)
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(ConflictError, match="damaged"):
        quick_check(tmp_path / "copy.db")


def test_a_database_that_somebody_has_open_is_not_settled(source: Path) -> None:
    with closing(sqlite3.connect(source)) as reader:
        reader.execute("select * from pair").fetchone()
        with pytest.raises(BusyError, match="Somebody works with"):
            settle_sqlite(source)
    settle_sqlite(source)
    assert not source.with_name("source.db-wal").exists()
