"""The file with the key that signs checkpoints: made on first use, readable by its owner only."""

import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path

from remit.audit.notes import SigningKey
from remit.core import InputError


def load_or_create_key(path: Path, name: str) -> SigningKey:
    """Returns the key in `path`, made now if there is none; a key of another log is an `InputError`.

    The cell's first log has its name, those that took its place are `NAME/2`, `NAME/3` and so on.
    """
    if not path.exists():
        _create(path, SigningKey.new(name))
    if path.stat().st_mode & 0o077:
        raise InputError("Others can read the log's key", which=str(path), hint=f"chmod 600 {path}")
    key = SigningKey.parse(path.read_text(encoding="utf-8").strip())
    if key.name != name and not re.fullmatch(rf"{re.escape(name)}/\d+", key.name):
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


def next_key(path: Path, name: str, *, used: Collection[str]) -> SigningKey:
    """Makes the key of the log that takes the place of the one in `path`, under a name that none of `used` has.

    A key that is there is kept beside the new one, as `PATH.1`, `PATH.2` and so on: what it signed is still verified.
    """
    number = max((_number(one, name) for one in used), default=1)
    if path.exists():
        os.replace(path, _free(path))
    key = SigningKey.new(f"{name}/{number + 1}")
    _create(path, key)
    return key


def _number(origin: str, name: str) -> int:
    """Returns which log of the cell `origin` names: its first has the cell's own name."""
    later = re.fullmatch(rf"{re.escape(name)}/(\d+)", origin)
    return int(later[1]) if later else 1


def _free(path: Path) -> Path:
    number = 1
    while path.with_name(f"{path.name}.{number}").exists():
        number += 1
    return path.with_name(f"{path.name}.{number}")
