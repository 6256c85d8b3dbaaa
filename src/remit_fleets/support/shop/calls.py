"""One call, carried out: a read answers, a write happens once for its key."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from remit_fleets.support.shop.database import writing
from remit_fleets.support.shop.faults import Fault, meets
from remit_fleets.support.shop.reads import READS, Answer
from remit_fleets.support.shop.records import ShopError
from remit_fleets.support.shop.writes import WRITES, Done

# The name under which Remit tells a server who calls; a server needs nothing else of it.
CALL_META = "dev.remit/call"

# Argument -> the table in which somebody else's is looked for when an answer is to be wrong.
_OTHERS = {"order_id": "orders", "customer_id": "customers", "email": "customers", "ticket": "tickets"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, under which key, and for which task."""

    key: str
    task: str
    run: str
    step: int
    agent: str
    fences: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def told(cls, meta: Mapping[str, Any] | None) -> Self:
        """Returns what the caller says of itself; one that does not say it is refused."""
        try:
            call = (meta or {})[CALL_META]
            key, task, run, step, agent = (call[name] for name in ("key", "task", "run", "step", "agent"))
            fences = dict(call.get("fences", {}))
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise ShopError(f"this shop is told in _meta[{CALL_META!r}] who calls, and under which key") from fault
        texts, numbers = (key, task, run, agent), (step, *fences.values())
        if not all(isinstance(text, str) and text for text in texts) or not all(type(one) is int for one in numbers):
            raise ShopError(f"what stands in _meta[{CALL_META!r}] is not who calls, and under which key")
        return cls(key, task, run, step, agent, fences)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call answers, and whether it happened now or its key had done it before."""

    answer: Mapping[str, Any]
    ended: Literal["done", "repeated"]


def carry_out(
    database: sqlite3.Connection, caller: Caller, tool: str, arguments: Mapping[str, Any], faults: frozenset[Fault]
) -> Reply:
    """Reads, or writes once; refusals are `ShopError` and leave nothing behind."""
    if tool in WRITES:
        with writing(database):
            return _write(database, caller, tool, arguments)
    asked = dict(arguments)
    if "wrong-answer" in faults and meets("wrong-answer", caller.key):
        asked = _of_somebody_else(database, asked)
    if tool == "list_effects":
        asked["task"] = caller.task
    if tool == "export_customers":
        with writing(database):
            return Reply(_exported(database, caller), "done")
    return Reply(READS[tool](database, **asked), "done")


def _write(database: sqlite3.Connection, caller: Caller, tool: str, arguments: Mapping[str, Any]) -> Reply:
    asked = json.dumps(dict(arguments), sort_keys=True, ensure_ascii=False)
    before = database.execute("SELECT tool, arguments, result FROM effects WHERE key = ?", (caller.key,)).fetchone()
    if before is not None:
        if before[:2] != (tool, asked):
            raise ShopError(f"the key {caller.key} was used for something else")
        return Reply(json.loads(before[2]), "repeated")
    if tool == "take_over" and (taken := _taken_over(database, caller, arguments)):
        return Reply(taken, "repeated")
    _pass_fences(database, caller.fences)
    done = WRITES[tool](database, **arguments)
    answer = {**done.answer, "done_by": caller.agent}
    _keep(database, caller, tool, asked, done, answer)
    return Reply(answer, "done")


def _taken_over(database: sqlite3.Connection, caller: Caller, arguments: Mapping[str, Any]) -> Answer | None:
    """Returns who has the ticket since when it was taken over for this task: nobody takes it over a second time."""
    row = database.execute(
        "SELECT result FROM effects WHERE task = ? AND tool = 'take_over' AND ticket = ?",
        (caller.task, arguments.get("ticket", "")),
    ).fetchone()
    return json.loads(row[0]) if row else None


def _keep(
    database: sqlite3.Connection, caller: Caller, tool: str, asked: str, done: Done, answer: Mapping[str, Any]
) -> None:
    database.execute(
        "INSERT INTO effects (key, task, run, step, actor, tool, ticket, customer_id, order_id, amount, arguments,"
        " result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(caller.key, caller.task, caller.run, caller.step, caller.agent, tool),
            *(done.ticket, done.customer_id, done.order_id, done.amount),
            *(asked, json.dumps(answer, ensure_ascii=False)),
        ),
    )


def _exported(database: sqlite3.Connection, caller: Caller) -> Answer:
    """Exports everybody; what leaves the shop is an effect, although nothing in it changes."""
    answer = READS["export_customers"](database)
    if not database.execute("SELECT 1 FROM effects WHERE key = ?", (caller.key,)).fetchone():
        _keep(database, caller, "export_customers", "{}", Done({}), {"customers": len(answer["customers"])})
    return answer


def _pass_fences(database: sqlite3.Connection, fences: Mapping[str, int]) -> None:
    for lock, number in fences.items():
        seen = database.execute("SELECT number FROM fences WHERE lock = ?", (lock,)).fetchone()
        if seen is not None and seen[0] > number:
            raise ShopError(f"{lock} has another holder since")
        database.execute(
            "INSERT INTO fences VALUES (?, ?) ON CONFLICT (lock) DO UPDATE SET number = excluded.number", (lock, number)
        )


def _of_somebody_else(database: sqlite3.Connection, asked: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments as if another one had been asked for; what names nobody stays, and an order goes with its owner."""
    for name, table in _OTHERS.items():
        if name in asked:
            other = f"SELECT {name} FROM {table} WHERE {name} > ? ORDER BY {name} LIMIT 1"  # noqa: S608  ours
            row = database.execute(other, (asked[name],)).fetchone()
            return asked | _with_owner(database, asked, {name: row[0]}) if row else asked
    return asked


def _with_owner(database: sqlite3.Connection, asked: Mapping[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    if "order_id" not in other or "customer_id" not in asked:
        return other
    owner = database.execute("SELECT customer_id FROM orders WHERE order_id = ?", (other["order_id"],)).fetchone()
    return other | {"customer_id": owner[0]}
