"""The options every command shares, and opening the cell they speak of."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from remit.app import Cell, build
from remit.cli import completion
from remit.cli.output import show_warning
from remit.core import InputError, parse_json
from remit.operations import Actor, Verbs, Views, local_actor, person_actor

T = TypeVar("T")

FleetOption = Annotated[
    Path, typer.Option("--fleet", help="The fleet's folder.", envvar="REMIT_FLEET", file_okay=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output.")]
AsOption = Annotated[
    str,
    typer.Option(
        "--as",
        help="Who you are: an id of people.yaml.",
        envvar="REMIT_PERSON",
        metavar="PERSON",
        autocompletion=completion.people,
    ),
]
BecauseOption = Annotated[str, typer.Option("--because", help="The reason; it goes on the record.")]
HERE = Path()
# What a file named on the command line may hold: an input, a key, a checkpoint. Larger things are not these.
LARGEST_FILE = 1_048_576
# Seconds a command waits for runs it has set going; more than any contract's minutes.
LONGEST_DRIVE = 86_400.0


def with_cell(folder: Path, work: Callable[[Cell, Views], Awaitable[T]]) -> T:
    """Opens the cell of `folder`, loads its fleet, does `work` and closes the cell."""
    return asyncio.run(_with_cell(folder, work))


async def _with_cell(folder: Path, work: Callable[[Cell, Views], Awaitable[T]]) -> T:
    cell = build(checked_folder(folder))
    try:
        await cell.operations.load()
        for changed in cell.operations.changed:
            show_warning(changed)
        told = await work(cell, cell.views(local_actor(login())))
        # What this made ready goes on here too: the giver of a hand-off whose taker has just been answered.
        await cell.engine.drain(LONGEST_DRIVE)
        return told
    finally:
        await cell.close()


def verbs(cell: Cell, who: str) -> Verbs:
    """Returns what the one named with `--as` may do; without a name, whoever sits at the machine."""
    return cell.verbs(actor(cell, who))


def actor(cell: Cell, who: str) -> Actor:
    """Returns a person of people.yaml with what their roles allow; any other name is the machine's own operator."""
    known = cell.parts.people.find(who)
    if known is None:
        return local_actor(who or login())
    return person_actor(known, "command line", owns=cell.parts.people.owns(known.id))


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


def read_text(path: Path) -> str:
    """Returns the text of a file named on the command line."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST_FILE + 1)
    except (OSError, UnicodeDecodeError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise InputError("Cannot read the file", which=str(path), why=why or "") from fault
    if len(text) > LARGEST_FILE:
        raise InputError("The file is too large", which=str(path), why=f"the limit is {LARGEST_FILE} characters")
    return text


def json_object(text: str, *, name: str) -> dict[str, Any]:
    """Returns the JSON object given on the command line; `name` says in errors what it was."""
    value = parse_json(text, name=name, largest=LARGEST_FILE)
    if not isinstance(value, dict):
        raise InputError(f"{name} is not a JSON object", hint='Write {"field": "value"}')
    return cast("dict[str, Any]", value)


def one_of(given: str, known: Iterable[str], *, name: str) -> str:
    """Returns `given` if it is known, or nothing; an unexpected value is answered with the expected ones."""
    names = list(known)
    if given and given not in names:
        raise InputError(f"There is no {name}", which=given, hint=f"Write one of {', '.join(names)}")
    return given


def person(identifier: str) -> str:
    """Returns who is acting; nobody acts anonymously."""
    if not identifier:
        raise InputError("Who are you?", hint="Say it with --as PERSON or REMIT_PERSON; the answer goes on the record")
    return identifier


def login() -> str:
    """Returns the login name of this session, for the record of what the machine's own operator does."""
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "operator"
