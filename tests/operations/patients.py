"""Fleets with something amiss, looked at by the doctor, who leaves no trace, and mended by what he says."""

import asyncio
import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journeys.command_line import REPOSITORY, environment
from remit.app import inspect_fleet
from remit.cli import main
from remit.endpoints import load_sources
from remit.operations.doctor import CHECKS, Diagnosis, Health, Patient, diagnose

STARTER = REPOSITORY / "src" / "remit_fleets" / "starter"
YOU, SAM = "you@example.com", "sam.stand-in@example.com"
COFFEE, CHAIRS = '{"request": "3 bags of coffee"}', '{"request": "2 chairs"}'
CHECK = {check.__name__: check for check in CHECKS}
_AMISS = (Health.WARNING, Health.TROUBLE)


def starter(folder: Path) -> Path:
    """Copies the starter."""
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "__init__.py"))
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Changes a text that stands in a file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def said(folder: Path, check: str = "", **circumstances: Any) -> list[Diagnosis]:
    """Returns what the doctor says, of one check or of all."""
    patient = Patient(folder=folder, inspect=inspect_fleet, read_secrets=load_sources, **circumstances)
    return asyncio.run(diagnose(patient, [CHECK[check]] if check else CHECKS))


def looked_at(folder: Path, check: str = "", **circumstances: Any) -> list[Diagnosis]:
    """Returns the same, and sees to it that he has changed nothing; for fleets nobody works with just now."""
    before = dict(traces(folder))
    found = said(folder, check, **circumstances)
    assert dict(traces(folder)) == before
    return found


def amiss(folder: Path, check: str, **circumstances: Any) -> list[Diagnosis]:
    """Returns the warnings and troubles of one check."""
    return [found for found in looked_at(folder, check, **circumstances) if found.health in _AMISS]


def only(folder: Path, check: str, **circumstances: Any) -> Diagnosis:
    """Returns the one thing that is amiss, which says how it is mended."""
    (found,) = amiss(folder, check, **circumstances)
    assert found.check == check.replace("_", " ")
    assert found.mend
    return found


def traces(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields every file with its digest and its rights; SQLite's readers note in `-shm` where they are."""
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts and not path.name.endswith("-shm"):
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            yield str(path.relative_to(folder)), f"{path.lstat().st_mode:o} {content}"


def typed(folder: Path, *commands: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Types commands into one shell in the fleet's folder, in which `remit` is this one."""
    lines = [f'remit() {{ "{sys.executable}" -m remit.cli "$@"; }}', *commands]
    return subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


def worked(folder: Path, *arguments: str) -> None:
    """Has a command work on the fleet, in this process."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--fleet", str(folder), "--json"])
    assert not ended.value.code, arguments


def changed(folder: Path, change: Callable[[sqlite3.Connection], Any]) -> None:
    """Changes the database behind Remit's back."""
    with closing(sqlite3.connect(folder / ".remit" / "remit.db", isolation_level=None)) as connection:
        for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {trigger}")
        change(connection)
