"""The shop's tool server: its reads and writes as the agents see them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from remit.gateway import ToolCall
from remit_fleets.retail import changes, synthetic
from remit_fleets.retail.arithmetic import calculate
from remit_fleets.retail.documents import TABLES, Document, Documents
from remit_fleets.retail.errors import ShopError


class Shop:
    """Products, users and orders in a database of their own; one async method for each tool.

    A write with a key that was already used returns the first result and changes nothing.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    @classmethod
    def load(cls, documents: Mapping[str, Mapping[str, Document]], path: Path | str = ":memory:") -> "Shop":
        """Opens a new shop with these `products`, `users` and `orders`."""
        store = Documents(path)
        store.fill(documents)
        return cls(store)

    def fresh(self) -> "Shop":
        """Returns a copy in memory that goes its own way from here."""
        return Shop(self._documents.copy())

    def close(self) -> None:
        """Lets the database go."""
        self._documents.close()

    def documents(self) -> dict[str, dict[str, Document]]:
        """Returns everything in the shop, by table and key."""
        return {table: self._documents.all(table) for table in TABLES}

    def changed_since(self, start: "Shop") -> dict[tuple[str, str], Document]:
        """Returns every document that differs from `start`, whole, by table and key."""
        changed: dict[tuple[str, str], Document] = {}
        for table in TABLES:
            before = start._documents.texts(table)
            for key, text in self._documents.texts(table).items():
                if text != before.get(key) and (now := self._documents.get(table, key)) is not None:
                    changed[table, key] = now
        return changed

    def has_done(self, key: str) -> bool:
        """Whether a write was done under this key."""
        return self._documents.is_used(key)

    # Reads

    async def find_user_id_by_email(self, call: ToolCall, *, email: str) -> str:
        """Returns the id of the user with this e-mail address."""
        return _found(self._documents.user_with_email(email))

    async def find_user_id_by_name_zip(self, call: ToolCall, *, first_name: str, last_name: str, zip: str) -> str:
        """Returns the id of the user with this name and zip code."""
        return _found(self._documents.user_with_name(first_name, last_name, zip))

    async def get_user_details(self, call: ToolCall, *, user_id: str) -> Document:
        """Returns a user with address, payment methods and order ids."""
        return changes.user_of(self._documents, user_id)

    async def get_order_details(self, call: ToolCall, *, order_id: str) -> Document:
        """Returns an order with items, status and payments."""
        return changes.order_of(self._documents, order_id)

    async def get_product_details(self, call: ToolCall, *, product_id: str) -> Document:
        """Returns a product with all its variants."""
        return changes.product_of(self._documents, product_id)

    async def get_item_details(self, call: ToolCall, *, item_id: str) -> Document:
        """Returns one variant of whatever product it belongs to."""
        if (variant := self._documents.variant(item_id)) is None:
            raise ShopError("item_not_found", f"there is no item {item_id}")
        return variant

    async def list_all_product_types(self, call: ToolCall) -> dict[str, str]:
        """Returns product ids by product name."""
        products = self._documents.all("products").values()
        return dict(sorted((product["name"], product["product_id"]) for product in products))

    async def calculate(self, call: ToolCall, *, expression: str) -> str:
        """Returns the value of a sum as text."""
        return calculate(expression)

    async def think(self, call: ToolCall, *, thought: str) -> str:
        """Notes a thought; nothing comes of it."""
        return ""

    async def transfer_to_human_agents(self, call: ToolCall, *, summary: str) -> str:
        """Hands the case to a person; the agent's authority over it ends."""
        return "Transfer successful"

    # Writes

    async def cancel_pending_order(self, call: ToolCall, *, order_id: str, reason: str) -> Document:
        """Cancels a pending order and refunds it."""
        return self._once(call, changes.cancel_pending_order, order_id=order_id, reason=reason)

    async def modify_pending_order_address(self, call: ToolCall, *, order_id: str, **address: str) -> Document:
        """Sends a pending order to another address."""
        return self._once(call, changes.modify_pending_order_address, order_id=order_id, **_address(**address))

    async def modify_user_address(self, call: ToolCall, *, user_id: str, **address: str) -> Document:
        """Replaces a user's default address."""
        return self._once(call, changes.modify_user_address, user_id=user_id, **_address(**address))

    async def modify_pending_order_payment(self, call: ToolCall, *, order_id: str, payment_method_id: str) -> Document:
        """Pays a pending order by another method."""
        return self._once(
            call, changes.modify_pending_order_payment, order_id=order_id, payment_method_id=payment_method_id
        )

    async def modify_pending_order_items(
        self, call: ToolCall, *, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Document:
        """Swaps items of a pending order for other options."""
        return self._once(
            call,
            changes.modify_pending_order_items,
            order_id=order_id,
            item_ids=item_ids,
            new_item_ids=new_item_ids,
            payment_method_id=payment_method_id,
        )

    async def return_delivered_order_items(
        self, call: ToolCall, *, order_id: str, item_ids: list[str], payment_method_id: str
    ) -> Document:
        """Starts the return of delivered items."""
        return self._once(
            call,
            changes.return_delivered_order_items,
            order_id=order_id,
            item_ids=item_ids,
            payment_method_id=payment_method_id,
        )

    async def exchange_delivered_order_items(
        self, call: ToolCall, *, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
    ) -> Document:
        """Starts the exchange of delivered items."""
        return self._once(
            call,
            changes.exchange_delivered_order_items,
            order_id=order_id,
            item_ids=item_ids,
            new_item_ids=new_item_ids,
            payment_method_id=payment_method_id,
        )

    def _once(self, call: ToolCall, change: Callable[..., Document], **arguments: Any) -> Document:
        with self._documents.writing():
            done = self._documents.result_of(call.key, change.__name__, arguments)
            if done is None:
                self._documents.pass_fences(call.fences)
                done = change(self._documents, **arguments)
                self._documents.record(call.key, change.__name__, arguments, done)
            return done


def connect(folder: Path) -> Shop:
    """Opens the shop of the fleet in `folder`; the first time, it is filled with the fleet's invented goods."""
    path = folder / ".remit" / "shop.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Shop.load(synthetic.documents(), path)


def _found(user_id: str | None) -> str:
    if user_id is None:
        raise ShopError("user_not_found", "nobody is known under this; try e-mail, or name and zip code")
    return user_id


def _address(*, address1: str, address2: str, city: str, state: str, country: str, zip: str) -> dict[str, str]:
    return {"address1": address1, "address2": address2, "city": city, "country": country, "state": state, "zip": zip}
