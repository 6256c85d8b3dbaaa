"""Changes of an account, each kept with what was there before, so that it can be changed back."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from remit_fleets.support.shop.records import ShopError, customer_of


def change(database: sqlite3.Connection, customer_id: str, after: Mapping[str, Any]) -> str:
    """Sets columns of an account, and returns the name under which that is changed back."""
    customer_of(database, customer_id)
    before = _values(database, customer_id, after)
    (made,) = database.execute("SELECT count(*) FROM changes WHERE customer_id = ?", (customer_id,)).fetchone()
    change_id = f"CH-{customer_id}-{made + 1}"
    row = (change_id, customer_id, json.dumps(before), json.dumps(dict(after)))
    database.execute("INSERT INTO changes VALUES (?, ?, ?, ?)", row)
    _set(database, customer_id, after)
    return change_id


def change_back(database: sqlite3.Connection, customer_id: str, change_id: str) -> None:
    """Sets what a change has set as it was before; what was set otherwise since then stays, and is refused."""
    kept = "SELECT before, after FROM changes WHERE change_id = ? AND customer_id = ?"
    row = database.execute(kept, (change_id, customer_id)).fetchone()
    if row is None:
        raise ShopError(f"there is no change {change_id} of this account")
    before, after = map(json.loads, row)
    if _values(database, customer_id, after) != after:
        raise ShopError(f"the account {customer_id} was changed again since")
    try:
        _set(database, customer_id, before)
    except sqlite3.IntegrityError as fault:
        raise ShopError("another account has this e-mail address by now") from fault


def _values(database: sqlite3.Connection, customer_id: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    names = ", ".join(columns)
    row = database.execute(f"SELECT {names} FROM customers WHERE customer_id = ?", (customer_id,)).fetchone()  # noqa: S608  ours
    return dict(zip(columns, row or (), strict=False))


def _set(database: sqlite3.Connection, customer_id: str, values: Mapping[str, Any]) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    database.execute(f"UPDATE customers SET {names} WHERE customer_id = ?", (*values.values(), customer_id))  # noqa: S608  ours
