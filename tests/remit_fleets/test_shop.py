"""Each tool of the shop: what it does, what it refuses, and that a refused or repeated call changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.desk import call, declared, use

from remit.gateway import ToolError
from remit_fleets.retail import Shop
from remit_fleets.retail import shop as shop_server
from remit_fleets.retail.errors import ShopError

ADDRESS = {"address1": "1 New Road", "address2": "", "city": "Salem", "state": "OR", "country": "USA", "zip": "97301"}
NO_ORDER = {"order_id": "#W9"}
# tool, arguments, kind of the refusal; the rows follow TOOLS.md's order of checks.
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("find_user_id_by_email", {"email": "nobody@mail.example"}, "user_not_found"),
    ("find_user_id_by_name_zip", {"first_name": "Ada", "last_name": "Winter", "zip": "97206"}, "user_not_found"),
    ("get_user_details", {"user_id": "nobody"}, "user_not_found"),
    ("get_order_details", {"order_id": "W1001"}, "order_not_found"),
    ("get_product_details", {"product_id": "7001-1"}, "product_not_found"),
    ("get_item_details", {"item_id": "7001"}, "item_not_found"),
    ("cancel_pending_order", NO_ORDER | {"reason": "no longer needed"}, "order_not_found"),
    ("cancel_pending_order", {"order_id": "#W1004", "reason": "too dear"}, "status"),
    ("cancel_pending_order", {"order_id": "#W1001", "reason": "too dear"}, "reason"),
    ("modify_pending_order_address", NO_ORDER | ADDRESS, "order_not_found"),
    ("modify_pending_order_address", {"order_id": "#W1010"} | ADDRESS, "status"),
    ("modify_user_address", {"user_id": "nobody"} | ADDRESS, "user_not_found"),
]
PAY = "modify_pending_order_payment"
CARD = "credit_card_{}"
for order, method, kind in [
    ("#W9", "x", "order_not_found"),
    ("#W1004", "x", "status"),
    ("#W1002", CARD.format("ada_winter"), "payment_unknown"),
    ("#W1002", CARD.format("ben_okafor"), "same_payment"),
    ("#W1009", "gift_card_iris_kowalski", "gift_card_balance"),
]:
    REFUSALS.append((PAY, {"order_id": order, "payment_method_id": method}, kind))
for order, old, new, method, kind in [
    ("#W9", [], [], "x", "order_not_found"),
    ("#W1005", [], [], "x", "status"),
    ("#W1002", ["7007-1"] * 3, ["7007-2"] * 3, "x", "item_unknown"),
    ("#W1002", ["7007-1"], [], "x", "len"),
    ("#W1002", ["7007-1"], ["7007-1"], "x", "same_item"),
    ("#W1002", ["7007-1"], ["7010-1"], "x", "new_item_unavailable_or_other_product"),
    ("#W1001", ["7001-1"], ["7001-3"], "x", "new_item_unavailable_or_other_product"),
    ("#W1002", ["7007-1"], ["7007-2"], "x", "payment_unknown"),
]:
    arguments = {"order_id": order, "item_ids": old, "new_item_ids": new, "payment_method_id": method}
    REFUSALS.append(("modify_pending_order_items", arguments, kind))
for order, old, new, method, kind in [
    ("#W9", [], [], "x", "order_not_found"),
    ("#W1001", [], [], "x", "status"),
    ("#W1005", ["7001-1"], ["7004-2"], "x", "item_unknown"),
    ("#W1005", ["7004-1"], [], "x", "len"),
    ("#W1005", ["7004-1"], ["7004-3"], "x", "new_item_unavailable_or_other_product"),
    ("#W1005", ["7004-1"], ["7004-2"], "x", "payment_unknown"),
]:
    arguments = {"order_id": order, "item_ids": old, "new_item_ids": new, "payment_method_id": method}
    REFUSALS.append(("exchange_delivered_order_items", arguments, kind))
for order, old, method, kind in [
    ("#W9", [], "x", "order_not_found"),
    ("#W1001", [], "x", "status"),
    ("#W1004", ["7006-1"], "x", "payment_unknown"),
    ("#W1004", ["7007-1"], CARD.format("david_lindqvist"), "item_unknown"),
]:
    arguments = {"order_id": order, "item_ids": old, "payment_method_id": method}
    REFUSALS.append(("return_delivered_order_items", arguments, kind))


@pytest.mark.parametrize(("tool", "arguments", "kind"), REFUSALS)
async def test_a_refused_call_names_its_rule_and_changes_nothing(
    shop: Shop, tool: str, arguments: dict[str, Any], kind: str
) -> None:
    before = shop.documents()
    with pytest.raises(ShopError, match=r"^Error: ") as refusal:
        await use(shop, tool, arguments)
    assert refusal.value.kind == kind
    assert shop.documents() == before


async def test_users_are_found_whatever_the_case(shop: Shop) -> None:
    assert await use(shop, "find_user_id_by_email", {"email": "ADA.winter@mail.example"}) == "ada_winter"
    name = {"first_name": "ADA", "last_name": "winter", "zip": "97205"}
    assert await use(shop, "find_user_id_by_name_zip", name) == "ada_winter"


async def test_products_are_listed_by_name(shop: Shop) -> None:
    products = await use(shop, "list_all_product_types", {})
    assert list(products)[:2] == ["Backpack", "Bicycle"]
    assert products["Kettle"] == "7001"


async def test_an_item_is_found_in_whatever_product(shop: Shop) -> None:
    assert await use(shop, "get_item_details", {"item_id": "7012-2"}) == {
        "item_id": "7012-2",
        "options": {"face": "metal"},
        "available": True,
        "price": 44.0,
    }


async def test_thinking_and_transferring_change_nothing(shop: Shop) -> None:
    before = shop.documents()
    assert await use(shop, "think", {"thought": "hm"}) == ""
    assert await use(shop, "transfer_to_human_agents", {"summary": "angry"}) == "Transfer successful"
    assert shop.documents() == before


async def test_cancelling_refunds_every_payment_to_where_it_came_from(shop: Shop) -> None:
    card = {"order_id": "#W1002", "payment_method_id": "gift_card_ben_okafor"}
    order = await use(shop, "modify_pending_order_payment", card)
    assert [(entry["transaction_type"], entry["amount"]) for entry in order["payment_history"]] == [
        ("payment", 39.0),
        ("payment", 39.0),
        ("refund", 39.0),
    ]
    user = await use(shop, "get_user_details", {"user_id": "ben_okafor"})
    assert user["payment_methods"]["gift_card_ben_okafor"]["balance"] == 1.0
    cancelled = await use(shop, "cancel_pending_order", {"order_id": "#W1002", "reason": "ordered by mistake"})
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "ordered by mistake")
    user = await use(shop, "get_user_details", {"user_id": "ben_okafor"})
    assert user["payment_methods"]["gift_card_ben_okafor"]["balance"] == 40.0


async def test_an_order_paid_twice_cannot_change_its_payment_again(shop: Shop) -> None:
    await use(shop, PAY, {"order_id": "#W1002", "payment_method_id": "gift_card_ben_okafor"})
    with pytest.raises(ShopError) as refusal:
        await use(shop, PAY, {"order_id": "#W1002", "payment_method_id": "credit_card_ben_okafor"})
    assert refusal.value.kind == "payments_gt_1"


async def test_each_changed_item_takes_its_own_new_variant(shop: Shop) -> None:
    arguments = {
        "order_id": "#W1001",
        "item_ids": ["7011-2", "7001-1"],
        "new_item_ids": ["7011-1", "7001-2"],
        "payment_method_id": "credit_card_ada_winter",
    }
    order = await use(shop, "modify_pending_order_items", arguments)
    assert [(item["item_id"], item["price"], item["options"]) for item in order["items"]] == [
        ("7001-2", 41.9, {"colour": "black"}),
        ("7011-1", 17.0, {"volume": "0.5 l"}),
    ]
    assert order["payment_history"][-1] == {
        "transaction_type": "refund",
        "amount": 3.0,
        "payment_method_id": "credit_card_ada_winter",
    }
    with pytest.raises(ShopError, match="item modified"):
        await use(shop, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"})


async def test_of_two_equal_items_one_or_both_can_be_changed(shop: Shop) -> None:
    arguments = {
        "order_id": "#W1002",
        "item_ids": ["7007-1", "7007-1"],
        "new_item_ids": ["7007-2", "7007-3"],
        "payment_method_id": "gift_card_ben_okafor",
    }
    order = await use(shop, "modify_pending_order_items", arguments)
    assert [item["item_id"] for item in order["items"]] == ["7007-2", "7007-3"]
    assert order["payment_history"][-1]["amount"] == 0.0


async def test_a_gift_card_must_cover_what_new_items_cost_more(shop: Shop) -> None:
    documents = shop.documents()
    documents["users"]["ben_okafor"]["payment_methods"]["gift_card_ben_okafor"]["balance"] = 9.99
    documents["products"]["7007"]["variants"]["7007-2"]["price"] = 29.5
    own = Shop.load(documents)
    arguments = {
        "order_id": "#W1002",
        "item_ids": ["7007-1"],
        "new_item_ids": ["7007-2"],
        "payment_method_id": "gift_card_ben_okafor",
    }
    with pytest.raises(ShopError) as refusal:
        await use(own, "modify_pending_order_items", arguments)
    assert refusal.value.kind == "gift_card_balance"
    documents["users"]["ben_okafor"]["payment_methods"]["gift_card_ben_okafor"]["balance"] = 10.01
    own = Shop.load(documents)
    await use(own, "modify_pending_order_items", arguments)
    balance = own.documents()["users"]["ben_okafor"]["payment_methods"]["gift_card_ben_okafor"]["balance"]
    assert balance == 0.01


async def test_a_return_goes_to_the_first_payment_method_or_a_gift_card(shop: Shop) -> None:
    documents = shop.documents()
    documents["users"]["david_lindqvist"]["payment_methods"]["paypal_1"] = {"source": "paypal", "id": "paypal_1"}
    own = Shop.load(documents)
    arguments = {"order_id": "#W1004", "item_ids": ["7006-1", "7001-2"], "payment_method_id": "paypal_1"}
    with pytest.raises(ShopError) as refusal:
        await use(own, "return_delivered_order_items", arguments)
    assert refusal.value.kind == "refund_target"
    card = {"payment_method_id": "gift_card_david_lindqvist"}
    order = await use(own, "return_delivered_order_items", arguments | card)
    assert (order["status"], order["return_items"]) == ("return requested", ["7001-2", "7006-1"])
    assert own.documents()["users"] == documents["users"]


async def test_an_exchange_notes_the_difference_and_moves_no_money(shop: Shop) -> None:
    arguments = {
        "order_id": "#W1005",
        "item_ids": ["7004-1"],
        "new_item_ids": ["7004-2"],
        "payment_method_id": "credit_card_elif_demir",
    }
    order = await use(shop, "exchange_delivered_order_items", arguments)
    assert order["exchange_price_difference"] == 12.0
    assert order["items"][0]["item_id"] == "7004-1"
    assert len(order["payment_history"]) == 1


async def test_an_exchange_for_the_same_item_is_left_to_the_policy(shop: Shop) -> None:
    arguments = {
        "order_id": "#W1005",
        "item_ids": ["7004-1"],
        "new_item_ids": ["7004-1"],
        "payment_method_id": "credit_card_elif_demir",
    }
    assert (await use(shop, "exchange_delivered_order_items", arguments))["status"] == "exchange requested"


async def test_addresses_are_replaced_whole(shop: Shop) -> None:
    order = await use(shop, "modify_pending_order_address", {"order_id": "#W1001"} | ADDRESS)
    user = await use(shop, "modify_user_address", {"user_id": "ben_okafor"} | ADDRESS)
    assert order["address"] == user["address"] == ADDRESS
    assert set(shop.documents()["users"]["ada_winter"]["address"].values()) & {"4 Mill Lane"}


async def test_a_repeated_key_gets_the_first_result_and_has_no_second_effect(shop: Shop) -> None:
    card = {"order_id": "#W1002", "payment_method_id": "gift_card_ben_okafor"}
    first = await use(shop, PAY, card, key="run_9:4")
    after = shop.documents()
    assert await use(shop, PAY, card, key="run_9:4") == first
    assert shop.documents() == after


async def test_the_key_of_another_call_is_refused(shop: Shop) -> None:
    await use(shop, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"}, key="run_9:4")
    with pytest.raises(ShopError) as refusal:
        await use(shop, "cancel_pending_order", {"order_id": "#W1007", "reason": "no longer needed"}, key="run_9:4")
    assert refusal.value.kind == "key_reused"


async def test_a_refused_call_leaves_its_key_free(shop: Shop) -> None:
    with pytest.raises(ToolError):
        await use(shop, "cancel_pending_order", {"order_id": "#W1001", "reason": "?"}, key="run_9:4")
    await use(shop, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"}, key="run_9:4")


async def test_a_holder_whose_lock_was_given_on_is_refused(shop: Shop) -> None:
    lock = "shop:order_id:#W1001"
    await shop.modify_pending_order_address(call(fences={lock: 7}), order_id="#W1001", **ADDRESS)
    with pytest.raises(ShopError) as refusal:
        await shop.cancel_pending_order(call(fences={lock: 6}), order_id="#W1001", reason="no longer needed")
    assert refusal.value.kind == "stale_fence"
    await shop.cancel_pending_order(call(fences={lock: 7}), order_id="#W1001", reason="no longer needed")


async def test_a_copy_goes_its_own_way(shop: Shop) -> None:
    copy = shop.fresh()
    await use(copy, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"})
    assert list(copy.changed_since(shop)) == [("orders", "#W1001")]
    assert shop.changed_since(shop.fresh()) == {}


async def test_a_fleet_folder_keeps_its_shop(tmp_path: Path) -> None:
    first = shop_server.connect(tmp_path)
    await use(first, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"}, key="run_9:1")
    first.close()
    second = shop_server.connect(tmp_path)
    assert second.documents()["orders"]["#W1001"]["status"] == "cancelled"
    await use(second, "cancel_pending_order", {"order_id": "#W1001", "reason": "no longer needed"}, key="run_9:1")
    second.close()
    assert (tmp_path / ".remit" / "shop.db").exists()


def test_every_declared_tool_is_a_method(shop: Shop) -> None:
    assert all(hasattr(shop, tool) for tool in declared()["tools"])
    assert len(declared()["tools"]) == 17
