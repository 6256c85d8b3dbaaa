"""The shop's orders and refunds, as a tool server over a SQLite database of its own."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.gateway import ToolCall, ToolError

ORDERS: Mapping[str, Mapping[str, Any]] = {
    "R-1": {"status": "delivered", "paid": 40.00},
    "R-2": {"status": "delivered", "paid": 9_000.00},
    "R-3": {"status": "delivered", "paid": 40.00, "refunded": 40.00},
    "R-4": {"status": "shipped", "paid": 120.00},
}

_SCHEMA = """
create table if not exists orders (id text primary key, status text not null, paid integer not null);
create table if not exists refunds (
  key text primary key, order_id text not null references orders (id), cents integer not null, why text not null);
"""


class Shop:
    """Orders, and the ledger of refunds: the source of truth that gates check against."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)
        if not self._database.execute("select 1 from orders").fetchone():
            for identifier, order in ORDERS.items():
                self.add_order(identifier, order)

    def add_order(self, identifier: str, order: Mapping[str, Any]) -> None:
        """Puts an order in, with what was refunded of it before."""
        paid = round(order["paid"] * 100)
        self._database.execute("insert into orders values (?, ?, ?)", (identifier, order["status"], paid))
        if before := round(order.get("refunded", 0) * 100):
            row = (f"before:{identifier}", identifier, before, "before")
            self._database.execute("insert into refunds values (?, ?, ?, ?)", row)

    async def get_order(self, call: ToolCall, *, order_id: str) -> dict[str, Any]:
        """Returns an order with what was paid and refunded."""
        row = self._database.execute("select status, paid from orders where id = ?", (order_id,)).fetchone()
        if row is None:
            raise ToolError(f"there is no order {order_id}")
        return {"order_id": order_id, "status": row[0], "paid": row[1] / 100, "refunded": self.refunded(order_id) / 100}

    async def list_refunds(self, call: ToolCall, *, order_id: str) -> list[dict[str, Any]]:
        """Returns the refunds of an order, oldest first."""
        query = "select key, cents, why from refunds where order_id = ? order by rowid"
        return [
            {"key": key, "amount": cents / 100, "why": why}
            for key, cents, why in self._database.execute(query, (order_id,))
        ]

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        """Books a refund once per key; more than what is left of the payment is refused."""
        cents = round(amount * 100)
        if not self._database.execute("select 1 from refunds where key = ?", (call.key,)).fetchone():
            row = self._database.execute("select paid from orders where id = ?", (order_id,)).fetchone()
            if row is None or self.refunded(order_id) + cents > row[0]:
                raise ToolError(f"{order_id} has not so much left to refund")
            self._database.execute("insert into refunds values (?, ?, ?, ?)", (call.key, order_id, cents, why))
        return {"order_id": order_id, "amount": cents / 100, "refund_id": call.key}

    async def cancel_refund(self, call: ToolCall, *, order_id: str, refund_id: str, amount: float) -> dict[str, Any]:
        """Books a refund back once: a second entry with the amount taken off, so that the ledger shows both."""
        cents, why = round(amount * 100), f"cancels {refund_id}"
        if not self._database.execute("select 1 from refunds where key = ?", (call.key,)).fetchone():
            known = "select 1 from refunds where key = ? and order_id = ? and cents = ?"
            if not self._database.execute(known, (refund_id, order_id, cents)).fetchone():
                raise ToolError(f"{order_id} has no refund {refund_id} of {cents / 100:.2f}")
            if self._database.execute("select 1 from refunds where why = ?", (why,)).fetchone():
                raise ToolError(f"the refund {refund_id} was cancelled before")
            self._database.execute("insert into refunds values (?, ?, ?, ?)", (call.key, order_id, -cents, why))
        return {"order_id": order_id, "cancelled": refund_id, "amount": cents / 100}

    def refunded(self, order_id: str) -> int:
        """Returns the cents refunded of an order."""
        query = "select coalesce(sum(cents), 0) from refunds where order_id = ?"
        return int(self._database.execute(query, (order_id,)).fetchone()[0])

    def close(self) -> None:
        """Closes the database."""
        self._database.close()


def connect(folder: Path) -> Shop:
    """Opens the shop of the fleet in `folder`."""
    path = folder / ".remit" / "shop.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Shop(path)
