"""A fleet in a temporary folder, opened the way users' tests want it: with their own servers, models and clock."""

import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from remit.app import Cell, build
from remit.core import Settings, load_settings
from remit.gateway.providers import Provider
from remit.testing.clock import SettableClock


@asynccontextmanager
async def open_fleet(
    source: Path,
    folder: Path,
    *,
    clock: SettableClock | None = None,
    servers: Mapping[str, object] | None = None,
    providers: Mapping[str, Provider] | None = None,
    change: Callable[[Settings], Settings] | None = None,
    edit: Mapping[str, Callable[[str], str]] | None = None,
) -> AsyncGenerator[Cell]:
    """Opens a copy of the fleet `source` in `folder` (kept if it is there already) and loads it.

    `change` alters its settings, `edit` the text of its files, by path.
    """
    settings = _prepare(source, folder, edit or {})
    cell = build(
        folder,
        settings=change(settings) if change else settings,
        clock=clock,
        servers=servers,
        providers=providers,
    )
    try:
        await cell.operations.load()
        yield cell
    finally:
        await cell.close()


def _prepare(source: Path, folder: Path, edit: Mapping[str, Callable[[str], str]]) -> Settings:
    if not folder.exists():
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    for name, rewrite in edit.items():
        path = folder / name
        path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")
    return load_settings(folder)
