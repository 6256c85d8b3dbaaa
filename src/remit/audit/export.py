"""The log as files an auditor can take away: a folder, or one zip file when the name ends in `.zip`.

`entries.jsonl` holds the leaves byte for byte, one a line; `checkpoint` the signed note over exactly these. The public
key is not among them on purpose: who checks must have it from somewhere else.
"""

import tempfile
import zipfile
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from remit.audit.checks import Report, verify_export
from remit.audit.log import Log
from remit.audit.notes import Checkpoint, open_checkpoint
from remit.core import ConflictError, InputError


class _Sink(Protocol):
    """A folder or a zip file, opened for writing; both open a named part."""

    def open(self, name: str) -> AbstractContextManager["_Part"]: ...


class _Part(Protocol):
    def write(self, content: bytes, /) -> int: ...


def write_export(log: Log, target: Path) -> Checkpoint:
    """Writes everything the latest checkpoint covers to `target`, which must not exist, and returns that checkpoint.

    The checkpoint is written last, so an export that broke off does not verify.
    """
    note = log.latest_checkpoint()
    if note is None:
        raise ConflictError("Nothing in this log is signed yet", hint="Sign a checkpoint and export again")
    if target.exists():
        raise InputError("The export is there already", which=str(target), hint="Name a new folder or file")
    checkpoint = open_checkpoint(note, log.public_key)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _zip(target) if target.suffix == ".zip" else _folder(target) as sink:
        with sink.open("entries.jsonl") as part:
            for leaf in log.leaves(checkpoint.size):
                part.write(leaf + b"\n")
        with sink.open("README.txt") as part:
            part.write(_readme(checkpoint).encode())
        with sink.open("checkpoint") as part:
            part.write(note.encode())
    return checkpoint


def verify_log(log: Log, *, since: Sequence[str] = ()) -> Report:
    """Verifies all that the latest checkpoint covers as an auditor does: from an export, with the public key alone."""
    with tempfile.TemporaryDirectory() as folder:
        write_export(log, Path(folder) / "log")
        return verify_export(Path(folder) / "log", log.public_key, since=since)


def _readme(checkpoint: Checkpoint) -> str:
    return (
        f"The log of {checkpoint.origin}, {checkpoint.size} entries. "
        "Verify with: python -m remit.audit.verify THIS --key PUBLIC_KEY (get the key from somewhere else).\n"
    )


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str) -> AbstractContextManager[_Part]:
        return (self._path / name).open("wb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def open(self, name: str) -> AbstractContextManager[_Part]:
        return self._archive.open(name, "w", force_zip64=True)


@contextmanager
def _folder(target: Path) -> Generator[_Sink]:
    target.mkdir()
    yield _Folder(target)


@contextmanager
def _zip(target: Path) -> Generator[_Sink]:
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
        yield _Zip(archive)
