"""An invented store and its orders, as a tool server with a small SQLite database of its own."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.gateway import Read, ToolCall, ToolError

# Price in EUR, whether it is in stock, whether it is hazardous.
ITEMS: Mapping[str, tuple[float, bool, bool]] = {
    "coffee": (12.50, True, False),
    "paper": (4.90, True, False),
    "pens": (0.80, False, False),
    "chair": (189.00, True, False),
    "standing desk": (640.00, True, False),
    "drain cleaner": (3.20, True, True),
}


class Store:
    """One async method for each tool of tools/store.yaml."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("create table if not exists orders (key text primary key, item text, quantity integer)")

    async def find_item(self, call: ToolCall, *, item: str) -> dict[str, Any]:
        """Returns an item with its price."""
        if item not in ITEMS:
            raise ToolError(f"the store has no {item}; it has {', '.join(ITEMS)}")
        price, in_stock, hazardous = ITEMS[item]
        return {"item": item, "price": price, "in_stock": in_stock, "hazardous": hazardous}

    async def place_order(self, call: ToolCall, *, item: str, quantity: int, why: str) -> dict[str, Any]:
        """Orders once for each key: called again after a crash, nothing is ordered twice."""
        if item not in ITEMS:
            raise ToolError(f"the store has no {item}")
        add = "insert into orders values (?, ?, ?) on conflict do nothing"
        self._database.execute(add, (call.key, item, quantity))
        return {"order": call.key, "item": item, "quantity": quantity, "total": round(ITEMS[item][0] * quantity, 2)}

    def close(self) -> None:
        """Closes the database."""
        self._database.close()


async def order_facts(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    """Finds out what an order would come to, from the store's own prices; contract and policies decide by it."""
    found = await read("store__find_item", item=arguments["item"])
    if found is None:
        return {}
    return {"total": round(found["price"] * arguments["quantity"], 2), "hazardous": found["hazardous"]}


def connect(folder: Path) -> Store:
    """Opens the store of the fleet in `folder`."""
    path = folder / ".remit" / "store.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Store(path)
