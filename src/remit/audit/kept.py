"""The newest checkpoint, kept in a file outside the database: a log that was set back is not signed on.

A database that is restored from a copy has a shorter log. Signing other entries after it would sign two histories under
one name, and whoever held a later checkpoint would call it a forgery, with reason.
"""

import contextlib
import os
import secrets
from pathlib import Path

from remit.audit.notes import Checkpoint, PublicKey, open_checkpoint
from remit.core import InputError, RemitError

# A checkpoint with the signatures of witnesses; what is larger is none.
_LARGEST = 262_144


class KeptCheckpoint:
    """The file that holds it; it only ever moves on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self) -> str | None:
        """Returns the note, None while none was kept."""
        try:
            with self.path.open(encoding="utf-8") as file:
                return file.read(_LARGEST) or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else "it is not text"
            raise InputError("Cannot read the kept checkpoint", which=str(self.path), why=why or "") from fault

    def checkpoint(self, key: PublicKey) -> Checkpoint | None:
        """Returns what it says if `key` signed it; any other content is an error."""
        note = self.note()
        return None if note is None else open_checkpoint(note, key)

    def keep(self, note: str, key: PublicKey) -> None:
        """Keeps `note`, unless a later one of this key is kept already."""
        size = open_checkpoint(note, key).size
        with contextlib.suppress(RemitError):  # one of another key is not to be compared with; `Log` refuses to sign
            if (kept := self.checkpoint(key)) is None or kept.size < size:
                self.replace(note)

    def replace(self, note: str) -> None:
        """Puts `note` in its place, whatever was kept: another log begins."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        try:
            with aside.open("x", encoding="utf-8") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)
