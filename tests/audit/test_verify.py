"""The verifier runs as a command of its own, with exit codes a script can rely on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit.cells import Cell
from remit.audit.verify import main


@pytest.fixture
def export(cell: Cell, tmp_path: Path) -> Path:
    cell.say("run_a", 5)
    (tmp_path / "key.pub").write_text(cell.key.public.text() + "\n", encoding="utf-8")
    return cell.export(tmp_path / "export")


def test_a_sound_export_ends_with_0(export: Path, cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(export), "--key", cell.key.public.text()]) == 0
    said = capsys.readouterr().out
    assert "cell.example: 5 entries" in said
    assert "--since" in said


def test_the_key_may_lie_in_a_file_and_the_report_be_json(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(export), "--key", str(export.parent / "key.pub"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["size"], report["problems"]) == (True, 5, [])


def test_a_changed_export_ends_with_1_and_says_what(
    export: Path, cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (export / "entries.jsonl").read_bytes().splitlines(keepends=True)
    (export / "entries.jsonl").write_bytes(b"".join(lines[:2] + lines[3:]))
    assert main([str(export), "--key", cell.key.public.text()]) == 1
    assert "entry 2 is missing" in capsys.readouterr().out


def test_a_rolled_back_export_is_found_with_a_kept_checkpoint_and_a_kept_proof(
    export: Path, cell: Cell, tmp_path: Path
) -> None:
    cell.say("run_a", 5)
    (tmp_path / "kept").write_text(cell.sign(), encoding="utf-8")
    (tmp_path / "kept.tlog-proof").write_text(cell.log.prove(3).text(), encoding="utf-8")
    key = cell.key.public.text()
    assert main([str(export), "--key", key]) == 0
    assert main([str(export), "--key", key, "--since", str(tmp_path / "kept")]) == 1
    assert main([str(export), "--key", key, "--proof", str(tmp_path / "kept.tlog-proof")]) == 1


@pytest.mark.parametrize("wrong", ["export", "key", "private", "since"])
def test_used_wrongly_ends_with_2(export: Path, cell: Cell, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = {
        "export": ["/nowhere", "--key", cell.key.public.text()],
        "key": [str(export), "--key", "nonsense"],
        "private": [str(export), "--key", cell.key.text()],
        "since": [str(export), "--key", cell.key.public.text(), "--since", "/nowhere"],
    }[wrong]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said
    assert cell.key.text() not in said


@pytest.mark.slow
def test_it_runs_from_the_shell_without_a_warning(export: Path, cell: Cell) -> None:
    command = [sys.executable, "-W", "error", "-m", "remit.audit.verify", str(export), "--key", cell.key.public.text()]
    path = ":".join(path for path in sys.path if path)
    done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
