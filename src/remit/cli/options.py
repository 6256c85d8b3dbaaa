"""The options every command shares, and opening the cell they speak of."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from remit.app import Cell, build
from remit.core import InputError
from remit.operations import Views

T = TypeVar("T")

FleetOption = Annotated[
    Path, typer.Option("--fleet", help="The fleet's folder.", envvar="REMIT_FLEET", file_okay=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")]
AsOption = Annotated[
    str, typer.Option("--as", help="Who you are: an id of people.yaml.", envvar="REMIT_PERSON", metavar="PERSON")
]
BecauseOption = Annotated[str, typer.Option("--because", help="The reason; it goes on the record.")]
HERE = Path()


def with_cell(folder: Path, work: Callable[[Cell, Views], Awaitable[T]]) -> T:
    """Opens the cell of `folder`, loads its fleet, does `work` and closes the cell."""
    return asyncio.run(_with_cell(folder, work))


async def _with_cell(folder: Path, work: Callable[[Cell, Views], Awaitable[T]]) -> T:
    cell = build(checked_folder(folder))
    try:
        await cell.operations.load()
        return await work(cell, Views(parts=cell.parts, log=cell.log, fleet=cell.fleet))
    finally:
        await cell.close()


def checked_folder(folder: Path) -> Path:
    """Returns the absolute folder if a fleet is in it."""
    folder = folder.resolve()
    if not (folder / "agents").is_dir():
        raise InputError(
            "There is no fleet here",
            which=str(folder),
            why="it has no folder `agents`",
            hint="Name the fleet's folder with --fleet, or try `remit demo`",
        )
    return folder


def person(identifier: str) -> str:
    """Returns who is acting; nobody acts anonymously."""
    if not identifier:
        raise InputError("Who are you?", hint="Say it with --as PERSON or REMIT_PERSON; the answer goes on the record")
    return identifier


def login() -> str:
    """Returns the login name of this session, for the record of what the machine's own operator does."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "operator"
