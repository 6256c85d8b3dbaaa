"""Pinning what MCP servers offer: what is locked, what they say now, and taking that over after somebody has looked."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remit.contracts import (
    Lock,
    Offer,
    Server,
    ToolChange,
    compare,
    lock_name,
    read_fleet,
    read_lock,
    read_server_head,
    server_names,
)
from remit.core import InputError, RemitError, load_settings
from remit.gateway import offered_by


@dataclass(frozen=True, slots=True)
class LockedServer:
    """A server with what has become of its tools."""

    server: str
    changes: tuple[ToolChange, ...]
    written: int | None = None
    """How many tools were pinned just now; None when they were only compared."""
    problem: str = ""
    """Why it could not be compared at all."""

    @property
    def differs(self) -> bool:
        """Whether a locked tool is in quarantine, being another one now or gone, or whether nobody can tell."""
        return bool(self.problem) or any(change.state in ("changed", "vanished") for change in self.changes)


def declared_tools(folder: Path) -> list[dict[str, Any]]:
    """Returns every declared tool: its effect and risk, how it is reached and what it is pinned to.

    Servers whose files have mistakes have a row without a tool.
    """
    fleet, _ = read_fleet(folder)
    rows: list[dict[str, Any]] = []
    for name in server_names(folder):
        server = fleet.servers.get(name)
        if server is None:
            row = {"tool": f"{name}__…", "effect": "", "risk": "", "reached": "", "pinned": ""}
            rows.append({**row, "problem": f"tools/{name}.yaml has mistakes; `remit check` names them"})
            continue
        rows += [
            {
                "tool": tool.name,
                "effect": tool.effect,
                "risk": tool.risk.value,
                "reached": server.reached,
                "pinned": tool.pinned,
                "problem": "",
            }
            for tool in server.tools
        ]
    return rows


async def check_locks(folder: Path, name: str = "") -> list[LockedServer]:
    """Compares what MCP servers offer now with their lock files: one server, or all of them.

    A server that cannot be compared says so in its `problem`; the others are compared all the same.
    """
    if name and not read_server_head(folder, name).is_pinned:
        raise InputError("The server has no lock file", which=name, why="its tools are Python code of the fleet")
    checked = [await _checked(folder, each) for each in ([name] if name else server_names(folder))]
    return [one for one in checked if one is not None]


async def lock_server(folder: Path, name: str) -> LockedServer:
    """Writes down what a server offers now, and returns what that changes; an altered lock file counts as none."""
    head = read_server_head(folder, name)
    if not head.is_pinned:
        raise InputError("The server needs no lock file", which=name, why="its tools are Python code of the fleet")
    offer = await _offered(folder, head)
    before = read_lock(folder, name)[0] if (folder / lock_name(name)).exists() else None
    changes = compare(before or Lock(server=name), offer)
    lock = Lock(server=name, implementation=offer.implementation, tools=dict(offer.tools))
    _write(folder / lock_name(name), lock.text())
    return LockedServer(name, tuple(changes), written=len(offer.tools))


async def _checked(folder: Path, name: str) -> LockedServer | None:
    """Returns how a server compares, or None for one that has no lock file."""
    try:
        head = read_server_head(folder, name)
        if not head.is_pinned:
            return None
        changes = compare(_locked(folder, head), await _offered(folder, head))
    except RemitError as fault:
        return LockedServer(name, (), problem=fault.text())
    return LockedServer(name, tuple(changes))


def _locked(folder: Path, head: Server) -> Lock:
    again = f"Run `remit tools lock {head.name}`"
    if not (folder / lock_name(head.name)).exists():
        raise InputError("The server has no lock file yet", which=head.name, hint=again)
    lock, findings = read_lock(folder, head.name)
    if lock is None:
        raise InputError(
            "The lock file has mistakes", which=lock_name(head.name), why="; ".join(map(str, findings[:3]))
        )
    return lock


async def _offered(folder: Path, head: Server) -> Offer:
    return await offered_by(head, folder, result_bytes=load_settings(folder).limits.result_bytes)


def _write(path: Path, text: str) -> None:
    """Replaces the file at once: whoever reads it meanwhile reads the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
