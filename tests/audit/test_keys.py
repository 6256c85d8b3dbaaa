"""The key file is made once, for its owner only, and belongs to one log."""

from pathlib import Path

import pytest

from remit.audit import load_or_create_key
from remit.core import InputError


def test_the_key_is_made_on_first_use_and_loaded_after(tmp_path: Path) -> None:
    path = tmp_path / ".remit" / "log.key"
    first = load_or_create_key(path, "cell.example")
    assert load_or_create_key(path, "cell.example") == first


def test_only_the_owner_can_read_the_key_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    load_or_create_key(path, "cell.example")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    load_or_create_key(path, "cell.example")
    path.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        load_or_create_key(path, "cell.example")


def test_a_key_of_another_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    load_or_create_key(path, "cell.example")
    with pytest.raises(InputError, match="another log"):
        load_or_create_key(path, "renamed.example")


@pytest.mark.parametrize("change", ["", "cut", "swap"])
def test_a_damaged_key_file_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "log.key"
    load_or_create_key(path, "cell.example")
    text = path.read_text(encoding="utf-8").strip()
    damaged = {"": "", "cut": text[:-8], "swap": text[:-10] + text[-9] + text[-10] + text[-8:]}[change]
    path.write_text("" if damaged == text else damaged, encoding="utf-8")
    with pytest.raises(InputError):
        load_or_create_key(path, "cell.example")
