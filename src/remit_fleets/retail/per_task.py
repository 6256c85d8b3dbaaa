"""A shop for every task: recorded work began in the same state each time, so each task gets its own copy."""

from collections.abc import Awaitable, Callable
from typing import Any

from remit.gateway import ToolCall
from remit_fleets.retail.documents import Document
from remit_fleets.retail.shop import Shop

TOOLS = (
    "find_user_id_by_email",
    "find_user_id_by_name_zip",
    "get_user_details",
    "get_order_details",
    "get_product_details",
    "get_item_details",
    "list_all_product_types",
    "calculate",
    "think",
    "transfer_to_human_agents",
    "cancel_pending_order",
    "modify_pending_order_address",
    "modify_user_address",
    "modify_pending_order_payment",
    "modify_pending_order_items",
    "return_delivered_order_items",
    "exchange_delivered_order_items",
)


class ShopPerTask:
    """A tool server that answers each task from a shop of its own, all copies of `start`."""

    def __init__(self, start: Shop) -> None:
        self.start = start
        self._shops: dict[str, Shop] = {}
        for tool in TOOLS:
            setattr(self, tool, self._method(tool))

    def of(self, task: str) -> Shop:
        """Returns the shop of one task."""
        if task not in self._shops:
            self._shops[task] = self.start.fresh()
        return self._shops[task]

    def changed(self, task: str) -> dict[tuple[str, str], Document]:
        """Returns every document of a task that differs from the start; a task that was never here changed none."""
        return self._shops[task].changed_since(self.start) if task in self._shops else {}

    def forget(self, task: str) -> None:
        """Lets the shop of a task go."""
        if shop := self._shops.pop(task, None):
            shop.close()

    def close(self) -> None:
        """Lets every shop go."""
        for task in list(self._shops):
            self.forget(task)
        self.start.close()

    def _method(self, tool: str) -> Callable[..., Awaitable[Any]]:
        async def answer(call: ToolCall, **arguments: Any) -> Any:
            return await getattr(self.of(call.task), tool)(call, **arguments)

        return answer
