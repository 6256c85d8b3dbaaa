"""The tool server of the generated fleet: cases, stock and payments in a SQLite file of its own, the end state that is checked.

Every effect is a row of its own with the key it was called under. A tool that is declared idempotent heeds its key; a
payment does not, so one that was called twice is there twice. Some cases have a fault: the server then misbehaves once.
"""

import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from remit.gateway import ToolCall, ToolError
from remit.gateway.servers import UnreachableError

PLACE = Path(".remit") / "desk.db"
# How often a server that is away is asked in vain.
AWAY = 2
# One call in so many is timed; a prime, so that every tool comes to its turn.
TIMED = 17
SCHEMA = """
create table cases (
  id text primary key, agent text not null, cents integer not null, shelf text not null, fault text not null,
  status text not null default 'open');
create table shelves (id text primary key, taken integer not null default 0);
create table effects (key text not null, tool text not null, case_id text not null, cents integer not null);
create index effects_by_key on effects (key, tool);
create index effects_by_case on effects (case_id, tool);
create table misbehaved (case_id text not null, fault text not null, times integer not null,
  primary key (case_id, fault));
create table served (process integer not null, calls integer not null, seconds real not null);
"""
_P = ParamSpec("_P")
_T = TypeVar("_T")


def open_desk(path: Path) -> sqlite3.Connection:
    """Opens the file. It stands for a system elsewhere, whose own durability is not what is measured."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    for pragma in ("journal_mode = wal", "synchronous = off"):
        database.execute(f"pragma {pragma}")
    return database


def timed(
    tool: Callable[Concatenate["Desk", _P], Awaitable[_T]],
) -> Callable[Concatenate["Desk", _P], Awaitable[_T]]:
    """Counts a tool's calls, and of one in `TIMED` the CPU, which is not Remit's: asking the clock takes longer than some."""

    @wraps(tool)
    async def counted(desk: "Desk", *arguments: _P.args, **named: _P.kwargs) -> _T:
        desk.calls += 1
        if desk.calls % TIMED:
            return await tool(desk, *arguments, **named)
        began = time.thread_time()
        try:
            return await tool(desk, *arguments, **named)
        finally:
            desk.seconds += TIMED * (time.thread_time() - began)

    return counted


class Desk:
    """What an agent of the fleet works with."""

    latest = Path()
    """The file of the one that was opened last in this process."""

    def __init__(self, path: Path) -> None:
        Desk.latest = path
        self.database = open_desk(path)
        self.calls = 0
        self.seconds = 0.0

    @timed
    async def get_case(self, call: ToolCall, *, case_id: str) -> dict[str, Any]:
        """Returns a case, and the cents paid on it."""
        query = """select cents, shelf, status, (select coalesce(sum(cents), 0) from effects
            where case_id = cases.id and tool = 'pay') from cases where id = ?"""
        row = self.database.execute(query, (case_id,)).fetchone()
        if row is None:
            raise ToolError(f"there is no case {case_id}")
        return {"case_id": case_id, "amount": row[0] / 100, "shelf": row[1], "status": row[2], "paid": row[3] / 100}

    @timed
    async def get_stock(self, call: ToolCall, *, shelf: str) -> dict[str, Any]:
        """Returns how much was taken from a shelf."""
        row = self.database.execute("select taken from shelves where id = ?", (shelf,)).fetchone()
        return {"shelf": shelf, "taken": row[0] if row else 0}

    @timed
    async def note(self, call: ToolCall, *, case_id: str, text: str) -> dict[str, Any]:
        """Writes a note on a case; one server refuses a long one at first, one breaks off after it wrote."""
        if self._misbehaves(case_id, "refuses"):
            raise ToolError("the note is too long")
        self._do_once(call, "note", case_id)
        if self._misbehaves(case_id, "breaks off"):
            raise ConnectionError("the connection broke")
        return {"noted": len(text)}

    @timed
    async def reserve(self, call: ToolCall, *, case_id: str, shelf: str) -> dict[str, Any]:
        """Takes one piece from a shelf, once per key."""
        self.database.execute("begin immediate")
        try:
            if self._do_once(call, "reserve", case_id):
                self.database.execute("update shelves set taken = taken + 1 where id = ?", (shelf,))
        finally:
            self.database.execute("commit")
        return {"shelf": shelf, "reserved": True}

    @timed
    async def pay(self, call: ToolCall, *, case_id: str, amount: float) -> dict[str, Any]:
        """Pays, every time it is called; one call is lost before it acted, of one the answer is lost."""
        if self._misbehaves(case_id, "call lost"):
            raise ConnectionError("the connection broke")
        row = (call.key, "pay", case_id, round(amount * 100))
        self.database.execute("insert into effects values (?, ?, ?, ?)", row)
        if self._misbehaves(case_id, "answer lost"):
            raise ConnectionError("the connection broke")
        return {"payment": call.key, "amount": amount}

    @timed
    async def notify(self, call: ToolCall, *, case_id: str, text: str) -> dict[str, Any]:
        """Tells the customer, once per key; one server is away for two tries."""
        if self._misbehaves(case_id, "away", times=AWAY):
            raise UnreachableError("nobody listens there")
        self._do_once(call, "notify", case_id)
        return {"told": True}

    @timed
    async def close_case(self, call: ToolCall, *, case_id: str) -> dict[str, Any]:
        """Closes a case."""
        self.database.execute("begin immediate")
        try:
            self._do_once(call, "close_case", case_id)
            self.database.execute("update cases set status = 'closed' where id = ?", (case_id,))
        finally:
            self.database.execute("commit")
        return {"status": "closed"}

    def close(self) -> None:
        """Says how much this process has called, and closes the file."""
        self.database.execute("insert into served values (?, ?, ?)", (os.getpid(), self.calls, self.seconds))
        self.database.close()

    def _do_once(self, call: ToolCall, tool: str, case_id: str) -> bool:
        """Keeps an effect unless this key has had it; returns whether it is new."""
        query = """insert into effects select :key, :tool, :case, 0
            where not exists (select 1 from effects where key = :key and tool = :tool)"""
        return self.database.execute(query, {"key": call.key, "tool": tool, "case": case_id}).rowcount == 1

    def _misbehaves(self, case_id: str, fault: str, times: int = 1) -> bool:
        """Whether the case has this fault, and it has not happened so often yet; then it happens."""
        if not self.database.execute("select 1 from cases where id = ? and fault = ?", (case_id, fault)).fetchone():
            return False
        query = """insert into misbehaved values (?, ?, 1)
            on conflict (case_id, fault) do update set times = times + 1 returning times"""
        return int(self.database.execute(query, (case_id, fault)).fetchone()[0]) <= times


def connect(folder: Path) -> Desk:
    """Opens the desk of the fleet in `folder`."""
    return Desk(folder / PLACE)
