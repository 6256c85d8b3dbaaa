"""Whom a step acts for comes from its task; where a model's answer may say it, `check` warns."""

import pytest

from contracts.fleet_folder import FILES, Folder

DESK, SHOP = "agents/refund-desk.agent.md", "tools/shop.yaml"
LOOK, DECIDE = "`shop__get_order` — look.", "model — decide."
PAY = "`shop__issue_refund` with `amount = steps.2.amount`, `reason = input.category`"
SHOW = "`shop__show` with `language = input.category`"
HAND_OVER = "handoff `helper`"
FIND = """\
  find:
    description: Finds.
    input: {type: object}
    output: {type: object, properties: {order_id: {type: string}}, required: [order_id]}
    effect: read
    risk: low
  show:
    description: Shows an order.
    input: {type: object, properties: {order_id: {type: string}, language: {type: string}}}
    effect: read
    risk: low
    subjects: {order: order_id}
"""
HELPER = """\
---
agent: helper
version: 1.0.0
purpose: Looks.
owner: ina@acme.example
experts: [ute@acme.example]
unit: customer-care
class: user-facing
triggers:
  - {on: handoff, from: refund-desk}
input: {type: object, properties: {order_id: {type: string}}, required: [order_id]}
output: {type: object, properties: {seen: {type: boolean}}}
subjects: {order: order_id}
---
Look.
"""


def warned(folder: Folder, *steps: str) -> list[str]:
    """Returns the warnings about subjects of a contract with these steps."""
    text = FILES[DESK]
    before = text[text.index("1. `shop__get_order`") : text.index("\n\n## Edge cases")]
    after = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    granted = ("  - use: shop__get_order\n", "  - use: shop__get_order\n  - use: shop__find\n  - use: shop__show\n")
    folder.write("agents/helper.agent.md", HELPER)
    folder.edit(SHOP, ("tools:\n", f"tools:\n{FIND}"))
    folder.edit(DESK, (before, after), granted, ("never: [", "handoffs: [helper]\nnever: ["))
    told = [each.partition(" steps")[2] for each in folder.findings() if "a model's answer may say" in each]
    return [f"steps{each}" for each in told]


@pytest.mark.parametrize(
    ("last", "who"),
    [
        (SHOW, "shop__show"),
        (f"{SHOW}, `order_id = steps.2.order_id`", "shop__show"),
        (HAND_OVER, "helper"),
        (f"{HAND_OVER} with `order_id = steps.2.order_id`", "helper"),
    ],
    ids=["tool, by name", "tool, by path", "hand-off, by name", "hand-off, by path"],
)
def test_a_subject_that_a_model_may_name_is_told_with_what_to_write(folder: Folder, last: str, who: str) -> None:
    assert warned(folder, LOOK, DECIDE, last) == [
        f"steps[3]: a model's answer may say which order {who} acts for: order_id (write: with `order_id = input.order_id`)"
    ]


def test_what_is_not_in_the_input_is_taken_from_a_tool_that_gives_it(folder: Folder) -> None:
    folder.edit("schemas/ticket.json", ('"order_id": {"type": "string"},', ""), (', "order_id"]', "]"))
    (told,) = warned(folder, "`shop__find` — look.", DECIDE, SHOW)
    assert told.endswith("(write: with `order_id = steps.1.order_id`)")


@pytest.mark.parametrize(
    "steps",
    [
        (LOOK, SHOW, DECIDE),
        (LOOK, DECIDE, PAY),
        (LOOK, DECIDE, f"{SHOW}, `order_id = input.order_id`"),
        (LOOK, DECIDE, f"{HAND_OVER} with `order_id = input.order_id`"),
        ("`shop__find` — look.", DECIDE, f"{SHOW}, `order_id = steps.1.order_id`"),
        (DECIDE, "`shop__find` — look.", SHOW),
    ],
    ids=[
        "no model before",
        "a write: policy keeps it to the task's",
        "input",
        "hand-off, input",
        "a tool's result",
        "a later result always has it",
    ],
)
def test_a_subject_that_no_model_can_name_is_well(folder: Folder, steps: tuple[str, ...]) -> None:
    assert warned(folder, *steps) == []


def test_a_later_result_that_may_be_missing_leaves_it_to_the_model(folder: Folder) -> None:
    assert len(warned(folder, DECIDE, "`shop__find` if `decision` — look.", SHOW)) == 1
