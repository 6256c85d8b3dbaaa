"""The file with the key that signs checkpoints: made on first use, readable by its owner only."""

import os
import secrets
from pathlib import Path

from remit.audit.notes import SigningKey
from remit.core import InputError


def load_or_create_key(path: Path, name: str) -> SigningKey:
    """Returns the key in `path`, made now if there is none; a key of another log is an `InputError`."""
    if not path.exists():
        _create(path, SigningKey.new(name))
    if path.stat().st_mode & 0o077:
        raise InputError("Others can read the log's key", which=str(path), hint=f"chmod 600 {path}")
    key = SigningKey.parse(path.read_text(encoding="utf-8").strip())
    if key.name != name:
        raise InputError(
            "The key is of another log",
            which=str(path),
            why=f"it signs for {key.name!r}, this cell is {name!r}",
            hint="Set `name` back, or start a new log with a new key file",
        )
    return key


def _create(path: Path, key: SigningKey) -> None:
    """Writes the key aside and links it into place, so that of two starting processes both use the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key.text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        return
    finally:
        aside.unlink()
