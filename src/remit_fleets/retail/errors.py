"""How the shop refuses: a kind for programs, a sentence for the agent."""

from typing import Literal

from remit.gateway import ToolError

Kind = Literal[
    "user_not_found",
    "order_not_found",
    "product_not_found",
    "item_not_found",
    "bad_expression",
    "status",
    "reason",
    "payment_unknown",
    "payments_gt_1",
    "same_payment",
    "gift_card_balance",
    "item_unknown",
    "len",
    "same_item",
    "new_item_unavailable_or_other_product",
    "refund_target",
    "key_reused",
    "stale_fence",
]


class ShopError(ToolError):
    """The shop refused and changed nothing; `kind` says which of its rules spoke."""

    def __init__(self, kind: Kind, text: str) -> None:
        self.kind: Kind = kind
        super().__init__(f"Error: {text}")
