"""Views of settings: every value and where it comes from."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from remit.core import Settings
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import Shown, Viewing


class SettingRow(Shown):
    """One setting."""

    name: str
    value: str
    source: str
    """`remit.toml`, the name of a variable, `default`, or `command line`."""
    says: str
    """What it is for."""


class SettingViews(Viewing):
    """Reads settings. Secrets are none of them: settings hold the names of variables only."""

    @view(Permission.CELL_SETTINGS_READ)
    def listing(self) -> list[SettingRow]:
        """Returns every setting with its value and where it comes from."""
        settings = self._parts.settings
        return list(_rows(settings, _written(Path(self._source.fleet.folder)), ()))


def _written(folder: Path) -> Mapping[str, Any]:
    """Returns what remit.toml says; it was readable when the fleet was opened, and may not be any more."""
    try:
        return tomllib.loads((folder / "remit.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _rows(model: BaseModel, written: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[SettingRow]:
    for name, field in type(model).model_fields.items():
        value, here = getattr(model, name), (*path, name)
        inside: Any = written.get(name)
        if isinstance(value, BaseModel):
            yield from _rows(value, inside or {}, here)
        elif isinstance(value, Mapping) and any(isinstance(each, BaseModel) for each in value.values()):  # pyright: ignore[reportUnknownVariableType]
            tables: Mapping[str, Any] = inside or {}
            for key, each in value.items():  # pyright: ignore[reportUnknownVariableType]
                yield from _rows(each, tables.get(str(key), {}), (*here, str(key)))  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield SettingRow(
                name=".".join(here),
                value=_told(value),
                source=_source(here, is_written=name in written, is_default=value == field.get_default()),
                says=field.description or "",
            )


def _source(path: tuple[str, ...], *, is_written: bool, is_default: bool) -> str:
    """Says where a value comes from; a variable of a table around it counts for all that is in it."""
    for length in range(len(path), 0, -1):
        variable = f"{Settings.model_config.get('env_prefix', '')}{'__'.join(path[:length])}".upper()
        if variable in {name.upper() for name in os.environ}:
            return variable
    return "remit.toml" if is_written else "default" if is_default else "command line"


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())  # pyright: ignore[reportUnknownVariableType]
    return "" if value is None else str(value)
