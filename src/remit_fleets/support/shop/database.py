"""The shop's database: made from a world, shared by several processes, and looked at from outside."""

import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from remit_fleets.support.world import Customer, Order, World, make_world

DATABASE = Path(".remit") / "shop.db"
"""Where the shop of a fleet lies, seen from the fleet's folder."""

CALL_LOG = Path(".remit") / "shop-calls.jsonl"
"""Where the shop's servers write down each call, seen from the fleet's folder."""

STANDARD_SEED = 1
# A writer of another process is done within milliseconds; one that makes the shop takes seconds.
_BUSY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Mail:
    """What a customer wrote, as it lies in the shop's inbox."""

    ticket: str
    sender: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One write that had an effect; `amount` is in cents, `detail` what was asked and answered."""

    key: str
    task: str
    run: str
    step: int
    actor: str
    tool: str
    ticket: str
    customer_id: str
    order_id: str
    amount: int | None
    detail: Mapping[str, Any]


def open_shop(path: Path, world: World | None = None) -> sqlite3.Connection:
    """Opens the shop at a path; where there is none it is made of `world`, or of the standard one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS, cached_statements=200)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # After a power cut the last effects may be gone; it is an invented shop.
        database.execute("PRAGMA synchronous = NORMAL")
        if not _is_made(database):
            _make(database, world or make_world(STANDARD_SEED))
        for statement in _schema():
            if "IF NOT EXISTS" in statement:  # a shop of an earlier version has no such table
                database.execute(statement)
    except BaseException:
        database.close()
        raise
    return database


def grow(database: sqlite3.Connection, more: World) -> None:
    """Adds customers and their orders to a shop that was made of the same seed."""
    with writing(database):
        _fill(database, more)
        database.execute("UPDATE made SET customers = customers + ?", (len(more.customers),))


@contextmanager
def writing(database: sqlite3.Connection) -> Generator[None]:
    """Makes everything inside one change: all of it is kept, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def put_in(database: sqlite3.Connection, mails: Iterable[Mail]) -> None:
    """Lays tickets into the inbox; one that lies there stays as it is."""
    with writing(database):
        database.executemany(
            "INSERT INTO tickets SELECT ?1, ?2, ifnull((SELECT customer_id FROM customers WHERE email = lower(?2)), ''),"
            " ?3, ?4 WHERE true ON CONFLICT DO NOTHING",
            [(mail.ticket, mail.sender, mail.subject, mail.body) for mail in mails],
        )


def effects_of(database: sqlite3.Connection, task: str = "") -> list[Effect]:
    """Returns what was done for a task, or everything that was done, in order."""
    columns = "key, task, run, step, actor, tool, ticket, customer_id, order_id, amount, arguments, result"
    where, given = ("WHERE task = ?", (task,)) if task else ("", ())
    rows = database.execute(f"SELECT {columns} FROM effects {where} ORDER BY number", given)  # noqa: S608  ours
    return [_effect(*row) for row in rows]


def _effect(*row: Any) -> Effect:
    *columns, arguments, result = row
    return Effect(*columns, detail=json.loads(arguments) | json.loads(result))


def _is_made(database: sqlite3.Connection) -> bool:
    tables = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'made'").fetchone()[0]
    return bool(tables) and database.execute("SELECT count(*) FROM made").fetchone()[0] > 0


def _make(database: sqlite3.Connection, world: World) -> None:
    with writing(database):
        if _is_made(database):  # another process was first
            return
        for statement in _schema():
            database.execute(statement)
        _fill(database, world)
        database.execute(_insert(2, "made"), (world.seed, len(world.customers)))


def _fill(database: sqlite3.Connection, world: World) -> None:
    database.executemany(_insert(11, "customers"), map(_customer_row, world.customers))
    database.executemany(_insert(8, "orders"), map(_order_row, world.orders.values()))
    database.executemany(_insert(8, "items"), _item_rows(world))
    database.executemany(_insert(4, "payments"), _payment_rows(world))


@cache
def _schema() -> tuple[str, ...]:
    text = files("remit_fleets.support.shop").joinpath("schema.sql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return tuple(filter(str.strip, "\n".join(lines).split(";")))


def _insert(columns: int, table: str) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608  our own names


def _customer_row(one: Customer) -> tuple[Any, ...]:
    place = one.address
    address = (place.street, place.city, place.postcode, place.country)
    return (one.customer_id, one.name, one.email, *address, one.language, one.status, one.two_factor, one.flagged)


def _order_row(one: Order) -> tuple[Any, ...]:
    dates = (one.placed_on, one.promised_on, one.delivered_on)
    return (one.order_id, one.customer_id, one.status, *dates, one.tracking, one.note)


def _item_rows(world: World) -> Iterator[tuple[Any, ...]]:
    for order in world.orders.values():
        for line, item in enumerate(order.items, start=1):
            found = (item.sku in order.returned, item.sku in order.missing)
            yield (order.order_id, item.sku, line, item.name, item.price, item.quantity, *found)


def _payment_rows(world: World) -> Iterator[tuple[Any, ...]]:
    for order in world.orders.values():
        for payment in order.payments:
            yield (order.order_id, payment.payment_id, payment.amount, payment.method)
