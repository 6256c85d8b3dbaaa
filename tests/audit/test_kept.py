"""A log that was set back is not signed on: the newest checkpoint is kept outside the database."""

from pathlib import Path

import pytest

from audit.cells import Cell, entry, open_cell
from remit.audit import KeptCheckpoint, Log, SigningKey, load_or_create_key, next_key
from remit.core import InputError, IntegrityError


def kept_by(cell: Cell, path: Path, key: SigningKey | None = None) -> Log:
    return Log(cell.database, key or cell.key, cell.clock, kept=KeptCheckpoint(path))


def test_the_newest_checkpoint_is_kept_and_only_ever_moves_on(tmp_path: Path) -> None:
    with open_cell(tmp_path / "log.db") as cell:
        log = kept_by(cell, tmp_path / "newest")
        cell.say("run_a", 3)
        old = cell.sign()
        log.keep()
        assert (tmp_path / "newest").read_text(encoding="utf-8") == old
        cell.say("run_a", 2)
        new = cell.sign()
        log.keep()
        KeptCheckpoint(tmp_path / "newest").keep(old, cell.key.public)
        assert (tmp_path / "newest").read_text(encoding="utf-8") == new
        assert [path.name for path in tmp_path.glob("newest*")] == ["newest"]
        log.check()


def test_a_log_that_is_shorter_than_what_was_signed_is_not_signed_on(tmp_path: Path) -> None:
    with open_cell(tmp_path / "old.db") as old, open_cell(tmp_path / "new.db", key=old.key) as new:
        old.say("run_a", 3)
        new.say("run_a", 3)
        new.say("run_b", 4)
        KeptCheckpoint(tmp_path / "newest").keep(new.sign(), new.key.public)
        log = kept_by(old, tmp_path / "newest")
        with pytest.raises(IntegrityError, match="set back"):
            log.check()
        old.say("run_c")
        with pytest.raises(IntegrityError, match="set back"):
            log.checkpoint_commit()


def test_a_log_that_has_grown_otherwise_to_the_same_size_is_not_signed_on(tmp_path: Path) -> None:
    with open_cell(tmp_path / "old.db") as old, open_cell(tmp_path / "new.db", key=old.key) as new:
        old.say("run_a", 3)
        new.say("run_b", 3)
        KeptCheckpoint(tmp_path / "newest").keep(new.sign(), new.key.public)
        old.say("run_a", 600)
        with pytest.raises(IntegrityError, match="set back"):
            kept_by(old, tmp_path / "newest").checkpoint_commit()


def test_what_is_kept_of_another_log_is_told_and_not_written_over(tmp_path: Path) -> None:
    with open_cell(tmp_path / "log.db") as cell, open_cell(tmp_path / "other.db", key=SigningKey.new("other")) as other:
        cell.say("run_a")
        other.say("run_a")
        KeptCheckpoint(tmp_path / "newest").keep(other.sign(), other.key.public)
        before = (tmp_path / "newest").read_text(encoding="utf-8")
        cell.sign()
        kept_by(cell, tmp_path / "newest").keep()
        assert (tmp_path / "newest").read_text(encoding="utf-8") == before
        with pytest.raises(IntegrityError, match="not signed by"):
            kept_by(cell, tmp_path / "newest").check()


def test_a_new_log_goes_on_after_the_entries_of_the_one_before_it(tmp_path: Path) -> None:
    with open_cell(tmp_path / "log.db") as cell:
        cell.say("run_a", 3)
        cell.sign()
        key = SigningKey.new(f"{cell.key.name}/2")
        with pytest.raises(IntegrityError, match="not signed by"):
            Log(cell.database, key, cell.clock).check()
        after = Log(cell.database, key, cell.clock, before=cell.key.public)
        cell.commit(entry("log"))
        commit = after.checkpoint_commit()
        assert commit is not None
        cell.writer.commit_now(commit)
        Log(cell.database, key, cell.clock).check()
        with pytest.raises(IntegrityError, match="not signed by"):
            cell.log.check()


def test_a_new_logs_key_has_a_name_of_its_own_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    first = load_or_create_key(path, "shop")
    second = next_key(path, "shop", used=["shop"])
    third = next_key(path, "shop", used=["shop", "shop/2"])
    assert [key.name for key in (first, second, third)] == ["shop", "shop/2", "shop/3"]
    assert load_or_create_key(path, "shop") == third
    assert load_or_create_key(tmp_path / "log.key.1", "shop") == first
    assert (path.stat().st_mode & 0o077, (tmp_path / "log.key.2").exists()) == (0, True)
    with pytest.raises(InputError, match="of another log"):
        load_or_create_key(path, "shopper")
