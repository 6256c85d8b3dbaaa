"""Troubles of what is kept: files, locks, damage, other Remits' tables, journals, keys, signatures."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from operations.patients import COFFEE, amiss, changed, edit, looked_at, only, said, starter, typed, worked
from remit.audit import SigningKey
from remit.operations.doctor import Health
from remit.store import SqliteDatabase, load_migrations, migrate

NOBODY = 65_534
URL = "sqlite:///.remit/remit.db"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet that has worked."""
    folder = starter(tmp_path / "office")
    worked(folder, "run", "supplies-desk", "--input", COFFEE)
    return folder


@contextmanager
def somebody() -> Generator[int]:
    """Is somebody with no more rights than their own: root may do what it likes."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    os.seteuid(NOBODY)
    try:
        yield NOBODY
    finally:
        os.seteuid(0)


def test_files_that_cannot_be_written_are_named_and_given_back_to_their_owner() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = starter(Path(temporary) / "office")
        worked(folder, "agents")
        place = folder / ".remit"
        with somebody() as user:
            pass
        os.chmod(temporary, 0o755)  # noqa: S103  whoever looks must get there
        for path in (place, place / "remit.db"):
            os.chown(path, user, -1)
            path.chmod(0o555 if path.is_dir() else 0o444)
        with somebody():
            found = said(folder, "database_file")
            assert [each.health for each in found] == [Health.TROUBLE] * 2
            assert all("cannot be read and written" in each.what for each in found)
            for each in found:
                mending = ["/bin/sh", "-c", each.command]
                subprocess.run(mending, check=True, user=user if os.getuid() == 0 else None)
            assert [each.health for each in said(folder, "database_file")] == [Health.OK]


def test_a_folder_of_somebody_else_is_not_ours_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_DATABASE_URL", "sqlite:////usr/remit.db")
    with tempfile.TemporaryDirectory() as temporary:
        os.chmod(temporary, 0o755)  # noqa: S103  as above
        folder = starter(Path(temporary) / "office")
        with somebody():
            (found,) = said(folder, "database_file")
    assert found.what == "/usr cannot be read and written"
    assert (found.command, "Run Remit as its owner" in found.mend) == ("", True)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    folder = starter(tmp_path / "office")
    (folder / ".remit").write_text("in the way", encoding="utf-8")
    assert "is a file" in only(folder, "database_file").what
    (folder / ".remit").unlink()
    assert amiss(folder, "database_file") == []


def test_a_database_that_is_none_of_ours_is_named_once(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_DATABASE_URL", "mysql://db.example/x")
    troubles = [found for found in looked_at(fleet) if found.health is Health.TROUBLE]
    assert [(found.check, found.mend) for found in troubles] == [
        ("database server", "Write sqlite:///PATH or postgresql://USER@HOST/NAME")
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock")
def test_whoever_keeps_the_lock_is_named_and_ended(fleet: Path) -> None:
    assert amiss(fleet, "database_lock") == []
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(fleet / ".remit" / "remit.db")], stdout=subprocess.PIPE
    )
    try:
        assert holding.stdout is not None
        holding.stdout.readline()
        (found,) = said(fleet, "database_lock")
        assert found.what == f"Process {holding.pid} holds the database's write lock"
        assert typed(fleet, found.command).returncode == 0
        holding.wait(10)
        assert amiss(fleet, "database_lock") == []
        worked(fleet, "run", "supplies-desk", "--input", COFFEE)
    finally:
        holding.kill()
        holding.communicate()


HOLDING = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print("held", flush=True)
time.sleep(60)
"""


def test_a_damaged_database_is_named_and_the_rest_is_looked_at(fleet: Path) -> None:
    copy = shutil.copy(fleet / ".remit" / "remit.db", fleet.parent)
    with (fleet / ".remit" / "remit.db").open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * 40_000)
    troubles = [found for found in looked_at(fleet) if found.health is Health.TROUBLE]
    assert "database content" in [found.check for found in troubles]
    assert not [found for found in troubles if "fell over" in found.what]
    shutil.copy(copy, fleet / ".remit" / "remit.db")
    assert amiss(fleet, "database_content") == []


def test_a_file_that_is_no_database_is_named_once(fleet: Path) -> None:
    (fleet / ".remit" / "remit.db").write_text("not a database" * 1_000, encoding="utf-8")
    troubles = [found for found in looked_at(fleet) if found.health is Health.TROUBLE]
    assert [(found.check, found.why) for found in troubles] == [("database content", "file is not a database")]


def test_a_newer_remits_database_is_named(fleet: Path) -> None:
    changed(fleet, lambda c: c.execute("insert into migrations (number, name, digest) values (9999, 'x', 'y')"))
    found = only(fleet, "database_tables")
    assert (found.health, found.what) == (Health.TROUBLE, "The database was made by a newer Remit")
    assert [each.why for each in said(fleet, "log_head")] == ["the database is not one of this Remit"]


def test_tables_of_a_changed_migration_are_named(fleet: Path) -> None:
    changed(fleet, lambda c: c.execute("update migrations set digest = 'other' where number = 1"))
    assert only(fleet, "database_tables").what == "A migration was changed after it was applied"


@pytest.mark.slow
def test_an_older_remits_database_is_brought_up_to_date_by_what_is_said(tmp_path: Path) -> None:
    folder = starter(tmp_path / "office")
    connection = SqliteDatabase(URL, folder=folder).connect()
    migrate(connection, load_migrations()[:-1])
    connection.close()
    found = only(folder, "database_tables")
    assert (found.health, found.what) == (Health.WARNING, "The database was made by an older Remit")
    assert typed(folder, found.command).returncode == 0
    assert amiss(folder, "database_tables") == []


@pytest.mark.slow
def test_a_journal_that_has_grown_is_taken_in_by_what_is_said(fleet: Path) -> None:
    subprocess.run([sys.executable, "-c", GROWING, str(fleet / ".remit" / "remit.db")], check=True)
    found = only(fleet, "journal_size")
    assert found.health is Health.WARNING
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "journal_size") == []


# It dies before it can put the journal into the file.
GROWING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma wal_autocheckpoint = 0")
connection.execute("insert into bundles (digest, body) values ('large', zeroblob(70000000))")
os._exit(0)
"""


def test_a_missing_key_is_named_while_there_is_a_log(fleet: Path, tmp_path: Path) -> None:
    key = fleet / ".remit" / "log.key"
    key.rename(tmp_path / "log.key")
    found = only(fleet, "log_key")
    assert found.health is Health.TROUBLE
    assert "is missing, and there is a log" in found.what
    assert not key.exists()
    (tmp_path / "log.key").rename(key)
    assert amiss(fleet, "log_key") == []


def test_a_new_fleet_has_no_key_yet(tmp_path: Path) -> None:
    assert amiss(starter(tmp_path / "new"), "log_key") == []


def test_a_key_that_others_can_read_is_named_and_closed(fleet: Path) -> None:
    (fleet / ".remit" / "log.key").chmod(0o644)
    found = only(fleet, "log_key")
    assert "Others can read the log's key" in found.what
    assert typed(fleet, found.command).returncode == 0
    assert amiss(fleet, "log_key") == []


def test_the_key_of_another_log_and_a_damaged_one_are_named(fleet: Path) -> None:
    edit(fleet / "remit.toml", 'name = "starter"', 'name = "another"')
    assert "it signs for 'starter', this cell is 'another'" in only(fleet, "log_key").why
    (fleet / ".remit" / "log.key").write_text("garbage", encoding="utf-8")
    assert "not a private key" in amiss(fleet, "log_key")[0].what
    assert [found.why for found in said(fleet, "log_head")] == ["there is no usable key"]


@pytest.mark.parametrize(
    "change",
    [
        "update log set body = cast(replace(cast(body as text), 'kind', 'KIND') as blob) where leaf_index = 3",
        "update log_checkpoints set note = replace(note, 'starter', 'stArter')",
        "update log_head set stack = zeroblob(length(stack))",
        "delete from log where leaf_index = (select max(leaf_index) from log)",
    ],
)
def test_a_log_that_was_changed_does_not_verify(fleet: Path, change: str) -> None:
    assert amiss(fleet, "log_head") == []
    changed(fleet, lambda connection: worked_on(connection, change))
    found = only(fleet, "log_head")
    assert (found.health, found.what) == (Health.TROUBLE, "The log does not verify")


def worked_on(connection: sqlite3.Connection, change: str) -> None:
    assert connection.execute(change).rowcount > 0


def test_a_log_signed_with_another_key_does_not_verify(fleet: Path) -> None:
    key = fleet / ".remit" / "log.key"
    key.write_text(SigningKey.new("starter").text(), encoding="utf-8")
    assert only(fleet, "log_head").what == "The log does not verify"
