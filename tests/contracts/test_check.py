"""Whatever a contract or tools file names must exist, and every condition must be decidable."""

import pytest

from contracts.fleet_folder import FILES, Folder
from remit.contracts import check_fleet, read_fleet

DESK = "agents/refund-desk.agent.md"
SHOP = "tools/shop.yaml"

# One edit of the sound refund desk, and the finding it must give: what, where, what instead.
MISTAKES = {
    "unknown tool": (
        ("use: shop__get_order", "use: shop__get_ordre"),
        "19 tools[0].use: No tools file declares 'shop__get_ordre' (did you mean 'shop__get_order'?)",
    ),
    "tool used and ruled out": (
        ("never: [shop__delete_customer]", "never: [shop__get_order]"),
        "19 tools[0].use: shop__get_order is also in never",
    ),
    "unknown tool ruled out": (
        ("never: [shop__delete_customer]", "never: [shop__delete_costumer]"),
        "27 never: No tools file declares 'shop__delete_costumer' (did you mean 'shop__delete_customer'?)",
    ),
    "unknown role": (
        ("by: care-lead", "by: care-laed"),
        "23 tools[1].autonomy[1].by: Nobody has the role 'care-laed' (did you mean 'care-lead'?)",
    ),
    "unknown approver": (("approvers: [care-lead]", "approvers: [cfo]"), "26 approvers: Nobody has the role 'cfo'"),
    "unknown role to escalate to": (("to: care-lead", "to: cfo"), "30 escalate[0].to: Nobody has the role 'cfo'"),
    "unknown field": (
        ('"amount <= 50"', '"amout <= 50"'),
        "22 tools[1].autonomy[0].when: There is no field 'amout' here (did you mean 'amount'?)",
    ),
    "unknown fact": (
        ("facts.owner", "facts.owners"),
        "23 tools[1].autonomy[1].when: There is no field 'facts.owners' here (did you mean 'facts.owner'?)",
    ),
    "text for a number": (
        ('"amount <= 50"', "\"amount <= '50'\""),
        "22 tools[1].autonomy[0].when: amount needs a number, not '50' (write it without quotes)",
    ),
    "five decimals": (('"amount <= 50"', '"amount <= 50.00001"'), "50.00001 has more than 4 decimals"),
    "a text with an order": (('"amount <= 50"', "\"reason > 'a'\""), "reason is a text and has no order"),
    "a text as truth": (
        ('"amount <= 50"', '"reason"'),
        "reason is a text, not true or false (compare it: reason == …)",
    ),
    "a rule that never applies": (
        ('"amount <= 50"', '"amount <= 50 and amount > 60"'),
        "22 tools[1].autonomy[0].when: 'amount <= 50 and amount > 60' can never hold",
    ),
    "never in the enum": (
        ("category == 'refund'", "category == 'refnud'"),
        "12 triggers[0].when: category is never 'refnud' (did you mean 'refund'?)",
    ),
    "a trigger that never fires": (
        ("category == 'refund'", "category == 'refund' and category == 'other'"),
        "12 triggers[0].when: \"category == 'refund' and category == 'other'\" can never hold",
    ),
    "an object in a condition": (
        ("category == 'refund'", "category == 'refund' and customer"),
        "12 triggers[0].when: customer is an object (name one of its fields: customer.born, customer.name)",
    ),
    "no date": (
        ("category == 'refund'", "category == 'refund' and customer.born < 'May'"),
        "12 triggers[0].when: customer.born needs a date, not 'May' (write it as '2026-11-20')",
    ),
    "success over no such field": (("resolved and", "solved and"), "16 success: There is no field 'solved' here"),
    "subject that is no field": (
        ("{order: order_id}", "{order: order}"),
        "17 subjects.order: The input has no field 'order' (did you mean 'order_id'?)",
    ),
    "freedom without a reason": (
        (", because: small and reversible", ""),
        "22 tools[1].autonomy[0].level: autonomous is more freedom than human-in-the-loop, proposed for "
        "shop__issue_refund (write, high risk, not reversible) (say why with because:)",
    ),
    "nobody to ask": (
        ("approvers: [care-lead]", "approvers: []"),
        "24 tools[1].autonomy[2]: human-led, but nobody would be asked",
    ),
    "more votes than people": (
        ("by: care-lead", "by: care-lead, count: 2"),
        "23 tools[1].autonomy[1].count: 2 people of role 'care-lead' must agree, but there are only 1",
    ),
    "unknown gate": (
        ("before: refund_matches_order", "before: refund_matches"),
        "25 tools[1].gate: No tools file declares the gate 'refund_matches' (did you mean 'refund_matches_order'?)",
    ),
    "intents without an intent": (
        ("- use: shop__get_order", "- use: shop__get_order\n    intents: refund"),
        "20 tools[0].intents: The contract does not say where a task's intent is",
    ),
    "a tool granted twice": (
        ("- use: shop__get_order", "- use: shop__get_order\n  - use: shop__get_order"),
        "20 tools[1].use: shop__get_order is granted 2 times",
    ),
    "escalation over no such field": (
        ("confidence < 0.7", "confidnce < 0.7"),
        "30 escalate[0].when: There is no field 'confidnce' here (did you mean 'confidence'?)",
    ),
    "two currencies": (("200 EUR", "200 USD"), "28 limits.cost_per_day: USD here, EUR per run"),
    "a day cheaper than a run": (
        ("200 EUR", "0.20 EUR"),
        "28 limits.cost_per_day: 0.20 EUR a day is less than 0.40 EUR",
    ),
    "an event without a name": (("    name: ticket.created\n", ""), "10 triggers[0]: A trigger on: event needs name:"),
    "a useless field": (
        ("    name: ticket.created\n", '    name: ticket.created\n    cron: "0 7 * * *"\n'),
        "12 triggers[0].cron: A trigger on: event has no use for cron",
    ),
    "a schedule that does not fit the input": (
        ("  - {on: handoff, from: triage}", '  - {on: handoff, from: triage}\n  - {on: schedule, cron: "0 7 * * *"}'),
        "14 triggers[2].input: The schedule's input does not fit the contract's: category is missing",
    ),
    "no such cases file": (
        ("evaluation: {cases: cases/refund-desk.yaml}", "evaluation: {cases: cases/none.yaml}"),
        "31 evaluation.cases: There is no file cases/none.yaml",
    ),
    "a cases file outside": (
        ("evaluation: {cases: cases/refund-desk.yaml}", "evaluation: {cases: ../none.yaml}"),
        "31 evaluation.cases: ../none.yaml lies outside the fleet's folder",
    ),
    "no such case": (
        ("#already-refunded", "#alredy-refunded"),
        "45 edge cases.e1: cases/refund-desk.yaml has no case 'alredy-refunded' (did you mean 'already-refunded'?)",
    ),
    "an edge case without a case": (
        ("cases/refund-desk.yaml#already-refunded", ""),
        "45 edge cases.e1: The edge case has no evaluation case",
    ),
    "steps that go back where there are none": (
        ("1. `shop__get_order` — find the order.\n", "1. model — find the order.\n"),
        ("3. `shop__issue_refund` if `decision == 'refund'` with `amount = steps.2.amount`,\n", "3. model —\n"),
        ("   `reason = input.category` — at most once per order.\n", "   think.\n"),
        ("escalate:", "refine: {steps: true}\nescalate:"),
        "29 refine.steps: No tool or hand-off is a step of this contract (leave it out)",
    ),
    "a step with a tool not granted": (
        ("1. `shop__get_order`", "1. `shop__delete_customer`"),
        "37 steps[1]: The contract does not grant 'shop__delete_customer'",
    ),
    "a step with an unknown argument": (
        ("`amount = steps.2.amount`", "`amonut = steps.2.amount`"),
        "39 steps[3]: shop__issue_refund has no argument 'amonut' (did you mean 'amount'?)",
    ),
    "a path to a later step": (
        ("steps.2.amount", "steps.3.amount"),
        "39 steps[3]: amount = steps.3.amount: there is no step '3' before this one",
    ),
    "a path to no field": (
        ("steps.2.amount", "steps.1.amount"),
        "39 steps[3]: amount = steps.1.amount: step 1 gives no 'amount'",
    ),
    "a path to no input": (
        ("input.category", "input.kind"),
        "39 steps[3]: reason = input.kind: the input has no 'kind'",
    ),
    "an expert nobody knows": (
        ("ute@acme.example", "utte@acme.example"),
        "6 experts: people.yaml does not know utte@acme.example (did you mean 'ute@acme.example'?)",
    ),
}

TOOL_MISTAKES = {
    "amount field": (("field: amount", "field: amuont"), "tools.issue_refund.amount.field: There is no field 'amuont'"),
    "amount kind": (("field: amount", "field: reason"), "tools.issue_refund.amount.field: reason is no number"),
    "currency": (("currency: EUR", "currency: euro"), "amount.currency: 'euro' is neither a currency such as EUR nor"),
    "lock field": (("locks: [order_id]", "locks: [order]"), "tools.issue_refund.locks: There is no field 'order'"),
    "subject": (("order: order_id", "order: facts.odrer"), "subjects.order: There is no field 'facts.odrer'"),
    "bound subject": (("customer: customer_id", "customer: id"), "binds.customer: There is no field 'id'"),
    "fact kind": (("owner: {type: boolean}", "owner: {type: object}"), "facts.gives.owner: A fact is one plain value"),
    "fact schema": (("owner: {type: boolean}", "owner: {type: bool}"), "type: 'bool' is not a JSON type"),
    "gate": (("    locks:", "    gate: {after: none}\n    locks:"), "tools.issue_refund.gate: There is no gate 'none'"),
    "compensation": (("    locks:", "    compensation: shop__x\n    locks:"), "There is no tool 'shop__x'"),
    "owner": (("owner: ina@", "owner: nia@"), "tools/shop.yaml:3 owner: people.yaml does not know nia@acme.example"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_contract_is_told_with_its_place_and_a_way_out(folder: Folder, name: str) -> None:
    *edits, expected = MISTAKES[name]
    found = folder.edit(DESK, *edits).findings()
    assert any(DESK in finding and expected in finding for finding in found), found


@pytest.mark.parametrize("name", TOOL_MISTAKES)
def test_a_mistake_in_a_tools_file_is_told(folder: Folder, name: str) -> None:
    edit, expected = TOOL_MISTAKES[name]
    found = folder.edit(SHOP, edit).findings()
    assert any(SHOP in finding and expected in finding for finding in found), found


def test_findings_come_in_the_order_of_the_files(folder: Folder) -> None:
    folder.edit(DESK, ("by: care-lead", "by: x"), ("success: resolved and", "success: solved and"))
    folder.edit(SHOP, ("locks: [order_id]", "locks: [order]"))
    fleet, _ = read_fleet(folder.path)
    found = check_fleet(fleet)
    assert [(finding.file, finding.line) for finding in found] == [(DESK, 16), (DESK, 23), (SHOP, 25)]
    assert all(finding.suggestion and finding.severity == "error" for finding in found)


@pytest.mark.parametrize(("evaluated", "severity"), [(True, "error"), (False, "warning")])
def test_an_edge_case_without_a_case_is_a_mistake_where_the_agent_is_evaluated(
    folder: Folder, evaluated: bool, severity: str
) -> None:
    folder.edit(DESK, ("cases/refund-desk.yaml#already-refunded", ""))
    if not evaluated:
        folder.edit(DESK, ("evaluation: {cases: cases/refund-desk.yaml}\n", ""))
    (found,) = check_fleet(read_fleet(folder.path)[0])
    assert (found.problem, found.severity) == ("The edge case has no evaluation case", severity)


def test_without_people_roles_come_from_elsewhere(folder: Folder) -> None:
    (folder.path / "people.yaml").unlink()
    assert folder.edit(DESK, ("by: care-lead", "by: whoever")).findings() == []


def test_a_tool_without_rules_has_the_level_its_risk_proposes_and_needs_somebody_to_ask(folder: Folder) -> None:
    rules = FILES[DESK][FILES[DESK].index("    autonomy:") : FILES[DESK].index("    gate:")]
    folder.edit(DESK, (rules, ""), ("approvers: [care-lead]\n", ""))
    assert folder.findings() == [
        f"{DESK}:20 tools[1].use: For its risk shop__issue_refund is human-in-the-loop, and nobody would be asked "
        "(add approvers: to the contract, or autonomy: to the tool)"
    ]


def test_an_escalation_may_speak_of_one_tool_only(folder: Folder) -> None:
    assert folder.edit(DESK, ("confidence < 0.7", "amount > 100 and not facts.owner")).findings() == []
