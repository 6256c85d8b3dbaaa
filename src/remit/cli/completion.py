"""What the shell completes: names and ids of the fleet that is spoken of, looked at without a trace.

Whatever goes wrong while somebody is still typing, nothing is offered, and nothing is said.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from remit.approvals import Approvals
from remit.contracts import read_fleet, server_names
from remit.controls import Controls
from remit.core import RemitError, SystemClock, load_settings, short_id
from remit.journal import Journal
from remit.registry import Registry
from remit.store import Database, open_database

# More than a person reads through; the newest are what they mean.
MOST = 50
_AGENT_FILE = ".agent.md"

Offers = list[tuple[str, str]]
"""Values with a word about each."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """The fleet the command line speaks of so far."""

    folder: Path
    database: Database
    agent: str
    """The agent named before, if one is."""


def _offered(look: Callable[[_Looked, str], Iterator[tuple[str, str]]]) -> Callable[[typer.Context, str], Offers]:
    """Makes what Typer asks for a completion."""

    def offer(ctx: typer.Context, incomplete: str) -> Offers:
        folder = Path(ctx.params.get("fleet") or ".").resolve()
        try:
            database = open_database(load_settings(folder).database_url, folder=folder, read_only=True)
            try:
                named = str(ctx.params.get("name") or "")
                return list(look(_Looked(folder, database, named), incomplete))[:MOST]
            finally:
                database.close()
        except (RemitError, OSError, sqlite3.Error, ValueError):
            return []

    return offer


def _agents(looked: _Looked, _: str) -> Iterator[tuple[str, str]]:
    for path in sorted((looked.folder / "agents").glob(f"*{_AGENT_FILE}")):
        yield path.name.removesuffix(_AGENT_FILE), "agent"


def _versions(looked: _Looked, _: str) -> Iterator[tuple[str, str]]:
    for version in Registry(looked.database, SystemClock()).versions(looked.agent):
        yield version.version, f"{version.agent}, {version.state}"


def _runs(looked: _Looked, incomplete: str) -> Iterator[tuple[str, str]]:
    for run in Journal(looked.database, SystemClock()).newest(limit=MOST):
        yield _as_begun(run.id, incomplete), f"{run.agent}@{run.version}, {run.state}"


def _approvals(looked: _Looked, incomplete: str) -> Iterator[tuple[str, str]]:
    for asked in Approvals(looked.database, SystemClock()).listing(state="pending", limit=MOST):
        yield _as_begun(asked.id, incomplete), f"{asked.agent}: {asked.name}"


def _as_begun(identifier: str, incomplete: str) -> str:
    """Returns an id in the short form, which is what people are shown, unless the long one is being typed."""
    short = short_id(identifier)
    return identifier if len(incomplete) > len(short) else short


def _scopes(looked: _Looked, incomplete: str) -> Iterator[tuple[str, str]]:
    yield "fleet", "everything"
    versions = Registry(looked.database, SystemClock()).versions()
    yield from ((f"agent:{name}", "every version") for name in sorted({version.agent for version in versions}))
    yield from ((f"version:{version.id}", str(version.state)) for version in versions)
    yield from ((f"unit:{name}", "business unit") for name in sorted({version.unit for version in versions}))
    yield from ((f"class:{name}", "class") for name in sorted({version.agent_class for version in versions}))
    if incomplete.startswith("tool:"):
        yield from ((f"tool:{name}", "tool") for name in sorted(read_fleet(looked.folder)[0].tools))
    if incomplete.startswith("run:"):
        yield from ((f"run:{name}", told) for name, told in _runs(looked, incomplete.removeprefix("run:")))
    else:
        yield from (("tool:", "one tool"), ("run:", "one run"))


def _stopped(looked: _Looked, _: str) -> Iterator[tuple[str, str]]:
    for switch in Controls(looked.database, SystemClock()).switches():
        if switch.stopped:
            yield switch.scope, switch.because


def _people(looked: _Looked, _: str) -> Iterator[tuple[str, str]]:
    for person in read_fleet(looked.folder)[0].people.values():
        yield person.id, ", ".join(person.roles)


def _servers(looked: _Looked, _: str) -> Iterator[tuple[str, str]]:
    yield from ((name, "tool server") for name in server_names(looked.folder))


agents, versions, runs, approvals = map(_offered, (_agents, _versions, _runs, _approvals))
scopes, stopped, people, servers = map(_offered, (_scopes, _stopped, _people, _servers))

AgentArgument = Annotated[str, typer.Argument(metavar="AGENT", autocompletion=agents)]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", autocompletion=versions)]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", autocompletion=runs)]
ApprovalArgument = Annotated[str, typer.Argument(metavar="APPROVAL", autocompletion=approvals)]
