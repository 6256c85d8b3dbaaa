"""An export holds the leaves byte for byte and the checkpoint over exactly these."""

import zipfile
from pathlib import Path

import pytest

from audit.cells import Cell
from remit.audit import verify_export, write_export
from remit.core import ConflictError, InputError


def test_a_folder_holds_the_leaves_one_a_line_and_the_checkpoint(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 5, text="two\nlines, ünd \u2028 more")
    export = cell.export(tmp_path / "export")
    assert (export / "entries.jsonl").read_bytes() == b"".join(leaf + b"\n" for leaf in cell.log.leaves(5))
    assert (export / "checkpoint").read_text(encoding="utf-8") == cell.log.latest_checkpoint()
    assert "cell.example, 5 entries" in (export / "README.txt").read_text(encoding="utf-8")


def test_a_zip_holds_the_same_and_verifies(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 5)
    export = cell.export(tmp_path / "export.zip")
    with zipfile.ZipFile(export) as archive:
        assert archive.namelist() == ["entries.jsonl", "README.txt", "checkpoint"]
    report = verify_export(export, cell.key.public)
    assert (report.problems, report.size) == ((), 5)


def test_entries_no_checkpoint_covers_stay_out(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 5)
    assert write_export(cell.log, tmp_path / "export").size == 1
    assert verify_export(tmp_path / "export", cell.key.public).size == 1


def test_the_public_key_is_not_in_the_export(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a")
    export = cell.export(tmp_path / "export")
    assert all(cell.key.public.text() not in part.read_text(encoding="utf-8") for part in export.iterdir())


def test_a_log_without_a_checkpoint_is_not_exported(cell: Cell, tmp_path: Path) -> None:
    with pytest.raises(ConflictError):
        write_export(cell.log, tmp_path / "export")


def test_an_export_is_never_overwritten(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a")
    cell.export(tmp_path / "export")
    with pytest.raises(InputError, match="is there already"):
        write_export(cell.log, tmp_path / "export")
