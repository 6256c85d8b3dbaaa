"""The difference between two contracts is told in sentences; more authority comes first."""

import pytest

from contracts.fleet_folder import Folder
from remit.contracts import diff

DESK = "agents/refund-desk.agent.md"

# An edit of the refund desk: what is said, and whether it widens the agent's authority.
CHANGES = {
    "limit raised": (
        ('"amount <= 50"', '"amount <= 500"'),
        "may now call shop__issue_refund without asking where amount is up to 500 (was where amount is up to 50)",
        True,
    ),
    "limit lowered": (
        ('"amount <= 50"', '"amount < 20"'),
        "may now call shop__issue_refund without asking where amount is below 20 (was where amount is up to 50)",
        False,
    ),
    "another way to say the same": (
        ('"amount <= 50"', '"50 >= amount"'),
        "may now call shop__issue_refund without asking where amount is up to 50",
        False,
    ),
    "condition dropped": (
        ("amount <= 500 and facts.owner", "amount <= 500"),
        "may now call shop__issue_refund once a person approves where amount is up to 500",
        True,
    ),
    "rule dropped": (
        ('      - {when: "amount <= 50", level: autonomous, because: small and reversible}\n', ""),
        "may no longer call shop__issue_refund without asking (before: where amount is up to 50)",
        False,
    ),
    "answered by others": (
        ("by: care-lead", "by: [treasurer, care-lead]"),
        "shop__issue_refund where amount <= 500 and facts.owner is now answered by treasurer and care-lead (was care-lead)",
        False,
    ),
    "answered by fewer": (
        ("by: care-lead", "by: treasurer"),
        "is now answered by treasurer (was care-lead)",
        True,
    ),
    "gate dropped": (
        ("    gate: {before: refund_matches_order}\n", ""),
        "shop__issue_refund is checked before by no gate (was refund_matches_order)",
        True,
    ),
    "tool gone": (("  - use: shop__get_order\n", ""), "may no longer use shop__get_order", False),
    "never dropped": (
        ("never: [shop__delete_customer]", "never: []"),
        "shop__delete_customer is no longer ruled out for good",
        True,
    ),
    "hand-off": (("approvers:", "handoffs: [triage]\napprovers:"), "may now hand off to triage", True),
    "approver": (("approvers: [care-lead]", "approvers: [treasurer]"), "approvers are treasurer (were care-lead)", True),
    "escalation dropped": (
        ('escalate:\n  - {when: "confidence < 0.7", to: care-lead}\n', ""),
        "no longer escalates to care-lead where confidence < 0.7",
        True,
    ),
    "steps raised": (("steps: 30", "steps: 40"), "limits.steps: 40 (was 30)", True),
    "budget lowered": (("200 EUR", "100 EUR"), "limits.cost_per_day: 100.00 EUR (was 200.00 EUR)", False),
    "budget dropped": ((", cost_per_day: 200 EUR", ""), "limits.cost_per_day: none (was 200.00 EUR)", True),
    "looser privacy": (("limits:", "models: {privacy: public}\nlimits:"), "models.privacy: public (was internal)", True),
    "subject dropped": (("subjects: {order: order_id}\n", ""), "subjects: none (was order = order_id)", True),
    "trigger": (
        ("when: category == 'refund'", "when: order_id == 'x'"),
        "is now started by event ticket.created when order_id == 'x'",
        True,
    ),
    "owner": (("owner: ina", "owner: ute"), "owner: ute@acme.example (was ina@acme.example)", False),
    "output": (("schemas/resolution.json", "schemas/ticket.json"), "output: resolved is gone", False),
    "steps": (("with `amount = steps.2.amount`,\n   ", "with "), "steps are now: shop__get_order → model → shop__issue_refund", False),
    "edge case": (("| explain |", "| refuse |"), "edge case e1 is changed", False),
    "text": (("You resolve", "You always resolve"), "the text the model reads has changed", False),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_in_a_sentence(folder: Folder, name: str) -> None:
    edit, expected, widens = CHANGES[name]
    old = folder.contract()
    new = folder.edit(
        DESK, edit, *((("success: resolved and decision != 'explain'\n", ""),) if name == "output" else ())
    )
    changes = diff(old, new.contract())
    found = [change for change in changes if expected in change.text]
    assert found, changes
    assert found[0].widens is widens
    assert sorted(changes, key=lambda change: not change.widens) == changes


def test_a_contract_does_not_differ_from_itself(folder: Folder) -> None:
    assert diff(folder.contract(), folder.contract()) == []


def test_a_new_tool_and_a_new_schema_field_are_told(folder: Folder) -> None:
    old = folder.contract("triage")
    folder.edit("agents/triage.agent.md", ("handoffs:", "tools: [{use: shop__get_order}]\nhandoffs:"))
    folder.edit("schemas/ticket.json", ('"required": ["category"', '"required": ["urgency", "category"'))
    folder.edit("schemas/ticket.json", ('"properties": {', '"properties": {"urgency": {"type": "integer"}, '))
    assert [change.text for change in diff(old, folder.contract("triage"))] == [
        "may now use shop__get_order",
        "input: urgency is new, required",
        "output: urgency is new, required",
    ]


def test_leaving_authority_to_the_risk_counts_as_more(folder: Folder) -> None:
    old = folder.contract()
    text = (folder.path / DESK).read_text(encoding="utf-8")
    rules = text[text.index("    autonomy:") : text.index("    gate:")]
    (first, *_) = diff(old, folder.edit(DESK, (rules, "")).contract())
    assert (first.text, first.widens) == ("may now call shop__issue_refund as the tool's risk proposes", True)
