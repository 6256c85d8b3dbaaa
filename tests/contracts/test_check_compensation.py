"""What a tool says of how it is undone is checked before anybody relies on it."""

import pytest

from contracts.fleet_folder import Folder

SHOP, BANK, DESK = "tools/shop.yaml", "tools/bank.yaml", "agents/refund-desk.agent.md"
UNDO = "compensation: {use: shop__cancel, arguments: {order_id: arguments.order_id, cents: result.cents}, after: []}"
CANCEL = """  cancel:
    description: Cancels a refund.
    effect: write
    reversible: true
    input:
      type: object
      properties: {order_id: {type: string}, cents: {type: integer}}
      required: [order_id, cents]
"""
RECALL = CANCEL.replace("  cancel:", "server: bank\npython: acme.bank:connect\ntools:\n  recall:")
# What is written otherwise, and what is said of it.
MISTAKES = {
    "a tool nobody declares": (("use: shop__cancel", "use: shop__cancle"), "There is no tool 'shop__cancle'"),
    "a tool without effect": (("use: shop__cancel", "use: shop__get_order"), "shop__get_order has no effect"),
    "one that cannot be undone itself": (
        ("effect: write\n    reversible: true\n    input:", "effect: write\n    reversible: false\n    input:"),
        "shop__cancel is itself irreversible",
    ),
    "itself": (("use: shop__cancel", "use: shop__issue_refund"), "Compensations undo each other"),
    "an argument that is missing": ((", cents: result.cents", ""), "shop__cancel needs 'cents'"),
    "an argument it does not take": (("cents: result.cents", "cent: result.cents"), "has no argument 'cent'"),
    "a field the call does not have": (("arguments.order_id", "arguments.order"), "has no field 'order'"),
    "a field it does not return": (("result.cents", "result.cent"), "The output of shop__issue_refund has no field"),
    "a field of another kind": (("result.cents", "result.order_id"), "order_id is string, and integer is wanted"),
    "a text for a number": (("cents: result.cents", "cents: \"'5'\""), "A text is no integer"),
    "an order to what is not there": (("after: []", "after: [shop__send]"), "There is no tool 'shop__send'"),
}


@pytest.fixture
def shop(folder: Folder) -> Folder:
    """A shop whose refunds can be cancelled."""
    folder.edit(
        SHOP,
        ("    locks: [order_id]\n", f"    locks: [order_id]\n    {UNDO}\n"),
        (
            "    locks: [order_id]\n",
            "    locks: [order_id]\n    output: {type: object, properties: {order_id: {type: string}, cents: {type: integer}}}\n",
        ),
    )
    text = (folder.path / SHOP).read_text(encoding="utf-8")
    return folder.write(SHOP, text.replace("  delete_customer:", CANCEL + "  delete_customer:"))


def test_a_sound_compensation_is_no_finding(shop: Folder) -> None:
    assert shop.findings() == []
    assert shop.edit(SHOP, ("after: []", "after: [shop__issue_refund]")).findings() == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_compensation_is_told(shop: Folder, name: str) -> None:
    edit, expected = MISTAKES[name]
    found = shop.edit(SHOP, edit).findings()
    assert any(SHOP in finding and expected in finding for finding in found), found


def test_what_one_server_answers_steers_another_only_under_a_warning(shop: Folder) -> None:
    shop.write(BANK, RECALL).edit(SHOP, ("use: shop__cancel", "use: bank__recall"))
    assert any("What shop answers says what bank is told" in finding for finding in shop.findings())
    shop.edit(SHOP, ("cents: result.cents", "cents: arguments.amount"))
    assert not any("is told" in finding for finding in shop.findings())


def test_a_contract_hears_what_a_rollback_of_it_could_not_undo(shop: Folder) -> None:
    shop.edit(DESK, ("never: [shop__delete_customer]", "never: [shop__cancel]"))
    assert any("is undone by shop__cancel, which is in never" in finding for finding in shop.findings())
    shop.edit(SHOP, (f"    {UNDO}\n", "")).edit(DESK, ("never: [shop__cancel]", "on_failure: rollback"))
    assert any("on_failure is rollback, and shop__issue_refund has no comp" in finding for finding in shop.findings())
