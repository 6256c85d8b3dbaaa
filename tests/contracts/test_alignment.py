"""Contracts that do not go together fail at check, not in production."""

import pytest

from contracts.fleet_folder import TRIAGE, Folder
from remit.contracts import breaking_changes
from remit.contracts.alignment import misfits

DESK = "agents/refund-desk.agent.md"
TRIAGE_FILE = "agents/triage.agent.md"

WAYS = ("input", "output")


def test_an_event_has_one_taker(folder: Folder) -> None:
    found = folder.edit(TRIAGE_FILE, ("category == 'other'", "order_id != ''")).findings()
    assert found == [
        f"{TRIAGE_FILE}:10 triggers[0].when: refund-desk claims the event 'ticket.created' too, "
        "and both conditions can hold at once (make the two exclude each other)"
    ]


def test_a_trigger_without_a_condition_claims_every_such_event(folder: Folder) -> None:
    (found,) = folder.edit(TRIAGE_FILE, (", when: \"category == 'other'\"", "")).findings()
    assert "claims the event 'ticket.created' too" in found


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            ("handoffs: [refund-desk]", "handoffs: [refund-dsek]"),
            "handoffs[0]: There is no agent 'refund-dsek' (did you mean",
        ),
        (("handoffs: [refund-desk]", "handoffs: [triage]"), "handoffs[0]: An agent does not hand off to itself"),
        (("handoffs: [refund-desk]", ""), f"{DESK}:13 triggers[1].from: triage never hands off to refund-desk"),
        (("agent: triage", "agent: triage\n#"), ""),
    ],
)
def test_both_sides_of_a_hand_off_know_of_it(folder: Folder, edit: tuple[str, str], expected: str) -> None:
    found = "\n".join(folder.edit(TRIAGE_FILE, edit).findings())
    assert (expected in found) if expected else found == ""


def test_who_is_handed_to_must_take_it(folder: Folder) -> None:
    (found,) = folder.edit(DESK, ("  - {on: handoff, from: triage}\n", "")).findings()
    assert f"{TRIAGE_FILE}:13 handoffs[0]: refund-desk takes no hand-offs from triage" in found
    assert f"add to {DESK}" in found


def test_a_hand_off_that_lacks_a_field_is_told_at_check(folder: Folder) -> None:
    edits = [(f"{way}: {{$ref: schemas/ticket.json}}", f"{way}: {{$ref: schemas/resolution.json}}") for way in WAYS]
    untriggered = ("""  - {on: event, name: ticket.created, when: "category == 'other'"}\n""", "  - {on: task}\n")
    found = folder.edit(TRIAGE_FILE, *edits, untriggered).findings()
    told = "handoffs[0]: The output does not fit the input of refund-desk"
    assert found == [
        f"{TRIAGE_FILE}:13 {told}: category is needed and not given",
        f"{TRIAGE_FILE}:13 {told}: order_id is needed and not given",
    ]


def test_what_a_giver_was_given_itself_it_may_hand_on(folder: Folder) -> None:
    edits = ("output: {$ref: schemas/ticket.json}", "output: {$ref: schemas/resolution.json}")
    assert folder.edit(TRIAGE_FILE, edits).findings() == []


def test_a_breaking_change_names_who_it_breaks(folder: Folder) -> None:
    fleet = folder.fleet()
    old = fleet.contracts["triage"]
    folder.edit(TRIAGE_FILE, ("output: {$ref: schemas/ticket.json}", "output: {$ref: schemas/resolution.json}"))
    new = folder.contract("triage")
    assert [finding.problem for finding in breaking_changes(old, new, fleet)] == [
        "refund-desk can no longer take a hand-off: category is needed and not given",
        "refund-desk can no longer take a hand-off: order_id is needed and not given",
    ]
    assert breaking_changes(new, old, fleet) == []


def test_a_needed_field_more_breaks_the_givers(folder: Folder) -> None:
    fleet = folder.fleet()
    schema = fleet.contracts["refund-desk"].terms.input
    wider = {**schema, "required": [*schema["required"], "urgency"], "properties": {**schema["properties"], "urgency": {"type": "integer"}}}  # fmt: skip
    old = fleet.contracts["refund-desk"]
    new = old.model_copy(update={"terms": old.terms.model_copy(update={"input": wider})})
    (found,) = breaking_changes(old, new, fleet)
    assert found.problem == "triage can no longer hand off to it: urgency is needed and not given"


def schema(kind: dict[str, object], *, required: bool = True) -> dict[str, object]:
    return {"type": "object", "properties": {"x": kind}, "required": ["x"] if required else []}


@pytest.mark.parametrize(
    ("given", "taken", "expected"),
    [
        (schema({"type": "integer"}), schema({"type": "number"}), []),
        (schema({"type": "number"}), schema({"type": "integer"}), [("x", "is number and must be integer", True)]),
        (schema({"enum": ["a"]}), schema({"enum": ["a", "b"]}), []),
        (schema({"enum": ["a", "c"]}), schema({"enum": ["a"]}), [("x", "is one of a, c and must be one of a", True)]),
        (schema({"type": "string", "format": "date"}), schema({"type": "string"}), []),
        (schema({"type": "string"}), schema({"type": "string", "format": "date"}), [("x", "is string and must be date", True)]),
        (schema({"type": "string"}, required=False), schema({"type": "string"}), [("x", "is needed and not always given", False)]),
        (schema({"type": "string"}), schema({"type": "integer"}, required=False), [("x", "is string and must be integer", True)]),
        (schema({"type": "array", "items": {"type": "string"}}), schema({"type": "array", "items": {"type": "integer"}}),
         [("x", "is array of string and must be array of integer", True)]),
        (schema({}), schema({"type": "integer"}), []),
        ({"type": "object"}, schema({"type": "integer"}), []),
        (schema({"type": "object", "properties": {"y": {"type": "string"}}}),
         schema({"type": "object", "properties": {"y": {"type": "string"}, "z": {"type": "string"}}, "required": ["y", "z"]}),
         [("x.y", "is needed and not always given", False), ("x.z", "is needed and not given", True)]),
    ],
)  # fmt: skip
def test_what_fits(given: dict[str, object], taken: dict[str, object], expected: list[object]) -> None:
    assert list(misfits(given, taken)) == expected


def test_two_agents_with_one_purpose_are_told(folder: Folder) -> None:
    purpose = ("Find out what a message is about.", "resolve  Refund requests for delivered orders.")
    assert folder.edit(TRIAGE_FILE, purpose).findings() == [
        f"{TRIAGE_FILE}:4 purpose: refund-desk has the same purpose (merge them or tell them apart)"
    ]


def test_two_agents_that_write_the_same_without_a_lock_are_told(folder: Folder) -> None:
    rules = "tools:\n  - use: shop__issue_refund\n    autonomy: [{level: autonomous, because: x}]\nhandoffs:"
    folder.write(TRIAGE_FILE, TRIAGE.replace("handoffs:", rules))
    assert folder.findings() == []
    found = folder.edit("tools/shop.yaml", ("    locks: [order_id]\n", "")).findings()
    assert found == [
        f"{TRIAGE_FILE}:14 tools[0].use: refund-desk also calls shop__issue_refund without asking, "
        "and nothing keeps the two apart (declare locks: for the tool, or let one agent own it)"
    ]
