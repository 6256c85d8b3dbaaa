"""A contract takes the work its triggers list, and no other; a trigger that can never fire is told at check."""

import pytest

from contracts.fleet_folder import FILES, REFUND_DESK, Folder
from remit.contracts import TriggerKind, event_names, trigger_problem

DESK = "agents/refund-desk.agent.md"
TRIAGE_FILE = "agents/triage.agent.md"
EVENT = "  - on: event\n    name: ticket.created\n    when: category == 'refund'\n"
REFUND = {"category": "refund", "order_id": "R-1"}
TICKET = "schemas/ticket.json"
SIZED = FILES[TICKET].replace('"properties": {', '"properties": {"amount": BOUNDS, "urgency": {"enum": [1, 2, 3]}, ', 1)


def triggers(text: str) -> tuple[str, str]:
    """Returns the edit that puts other triggers in the place of the event's."""
    return EVENT, text


# --- what a contract takes


@pytest.mark.parametrize(
    ("on", "name", "giver", "category", "problem"),
    [
        ("event", "ticket.created", "", "refund", ""),
        ("event", "ticket.created", "", "other", "refund-desk takes event 'ticket.created' only when category =="),
        ("event", "ticket.closed", "", "refund", "refund-desk takes no event 'ticket.closed'; it takes event 'ticket"),
        ("handoff", "", "triage", "other", ""),
        ("handoff", "", "stranger", "other", "refund-desk takes no hand-offs from stranger; it takes"),
        ("task", "", "", "refund", "refund-desk takes no tasks given by hand; it takes event 'ticket.created', hand-"),
        ("schedule", "", "", "refund", "refund-desk takes no scheduled work; it takes"),
    ],
)
def test_a_contract_with_triggers_takes_only_what_they_list(
    folder: Folder, on: TriggerKind, name: str, giver: str, category: str, problem: str
) -> None:
    value = {**REFUND, "category": category}
    found = trigger_problem(folder.contract(), on, name=name, giver=giver, value=value)
    assert found.startswith(problem) if problem else found == ""


def test_a_contract_without_triggers_takes_tasks_by_hand_and_nothing_else(folder: Folder) -> None:
    bare = folder.write(TRIAGE_FILE, FILES[TRIAGE_FILE].replace("handoffs: [refund-desk]", ""))
    bare.edit(DESK, ("triggers:\n" + EVENT + "  - {on: handoff, from: triage}\n", ""))
    contract = bare.contract()
    assert trigger_problem(contract, "task", value=REFUND) == ""
    for on in ("event", "schedule", "handoff"):
        assert trigger_problem(contract, on, name="x", giver="x", value=REFUND).endswith(
            "; it takes tasks given by hand"
        )


def test_a_task_by_hand_meets_the_condition_of_its_trigger(folder: Folder) -> None:
    contract = folder.edit(DESK, triggers("  - {on: task, when: order_id != 'R-0'}\n" + EVENT)).contract()
    assert trigger_problem(contract, "task", value=REFUND) == ""
    assert "only when order_id != 'R-0'" in trigger_problem(contract, "task", value={**REFUND, "order_id": "R-0"})


def test_one_of_several_triggers_of_a_kind_is_enough(folder: Folder) -> None:
    two = "  - {on: task, when: order_id == 'R-1'}\n  - {on: task, when: category == 'other'}\n"
    contract = folder.edit(DESK, triggers(two)).contract()
    assert trigger_problem(contract, "task", value=REFUND) == ""
    assert trigger_problem(contract, "task", value={"category": "other", "order_id": "R-2"}) == ""
    problem = trigger_problem(contract, "task", value={**REFUND, "order_id": "R-2"})
    assert problem.endswith("only when order_id == 'R-1' or category == 'other'")


def test_the_reason_repeats_no_value_of_the_input(folder: Folder) -> None:
    assert "Ina Secret" not in trigger_problem(folder.contract(), "event", name="ticket.created", value={"category": "Ina Secret"})  # fmt: skip


def test_the_events_of_a_contract_are_known_by_name(folder: Folder) -> None:
    assert event_names(folder.contract()) == {"ticket.created"}


# --- what can never fire


@pytest.mark.parametrize(
    ("bounds", "condition", "can_hold"),
    [
        ('{"type": "number", "maximum": 1000}', "amount > 1000", False),
        ('{"type": "number", "maximum": 1000}', "amount >= 1000", True),
        ('{"type": "number", "exclusiveMaximum": 1000}', "amount >= 1000", False),
        ('{"type": "number", "minimum": 50}', "amount < 50 and category == 'refund'", False),
        ('{"type": "number", "minimum": 50, "maximum": 60}', "amount > 50 and amount < 60", True),
        ('{"type": "integer", "minimum": 5, "maximum": 6}', "amount > 5 and amount < 6", False),
        ('{"type": "integer", "exclusiveMinimum": 5}', "amount == 5 or category == 'refund'", True),
        ('{"type": "number"}', "urgency > 3", False),
        ('{"type": "number"}', "urgency >= 3", True),
    ],
)
def test_a_condition_outside_the_bounds_of_the_input_is_told(
    folder: Folder, bounds: str, condition: str, can_hold: bool
) -> None:
    folder.write(TICKET, SIZED.replace("BOUNDS", bounds))
    folder.edit(DESK, triggers(f'  - {{on: event, name: big, when: "{condition}"}}\n'))
    told = f"{DESK}:10 triggers[0].when: {condition!r} can never hold"
    assert any(found.startswith(told) for found in folder.findings()) is not can_hold


def test_two_takers_of_an_event_whose_inputs_exclude_each_other_are_no_conflict(folder: Folder) -> None:
    def ticket(bounds: str) -> str:
        return SIZED.replace("BOUNDS", bounds)

    folder.write("schemas/small.json", ticket('{"type": "number", "maximum": 100}'))
    folder.write(TICKET, ticket('{"type": "number", "minimum": 101}'))
    folder.edit(TRIAGE_FILE, ("input: {$ref: schemas/ticket.json}", "input: {$ref: schemas/small.json}"))
    folder.edit(TRIAGE_FILE, ("when: \"category == 'other'\"", 'when: "amount > 0"'))
    folder.edit(DESK, ("when: category == 'refund'", "when: amount > 0"))
    assert not [told for told in folder.findings() if "claims the event" in told]
    folder.write("schemas/small.json", ticket('{"type": "number", "maximum": 101}'))
    assert [told for told in folder.findings() if "claims the event" in told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  - {on: event, name: x, when: urgency > 3}\n", "triggers[0].when: There is no field 'urgency' here"),
        ('  - {on: schedule, cron: "0 7 31 2 *"}\n', "triggers[0].cron: This schedule never fires"),
        ('  - {on: schedule, cron: "0 7 30,31 2 *"}\n', "triggers[0].cron: This schedule never fires"),
        ('  - {on: schedule, cron: "0 7 * * *", input: {category: refund}}\n', "input does not fit the contract's: order_id is"),
        ('  - {on: schedule, cron: "0 7 * * *", input: [1]}\n', "triggers[0].input: The schedule's input is no object"),
        ('  - {on: schedule, cron: "0 7 * * *", input: 0}\n', "triggers[0].input: The schedule's input is no object"),
        ('  - {on: schedule, cron: "0 7 * * *", name: x}\n', "triggers[0].name: A trigger on: schedule has no use for name"),
        ("  - {on: schedule}\n", "triggers[0]: A trigger on: schedule needs cron:"),
        ("  - {on: handoff}\n", "triggers[0]: A trigger on: handoff needs from:"),
        ("  - {on: handoff, from: nobody}\n", "triggers[0].from: There is no agent 'nobody'"),
    ],
)  # fmt: skip
def test_a_trigger_that_can_never_fire_is_told_at_check(folder: Folder, text: str, told: str) -> None:
    assert told in "\n".join(folder.edit(DESK, triggers(text)).findings())


def test_a_leap_day_comes(folder: Folder) -> None:
    text = '  - {on: schedule, cron: "0 7 29 2 *", input: {category: refund, order_id: R-1}}\n'
    assert folder.edit(DESK, triggers(text)).findings() == []


def test_the_same_schedule_twice_is_told_unless_its_input_differs(folder: Folder) -> None:
    line = '  - {{on: schedule, cron: "{}", input: {{category: refund, order_id: {}}}}}\n'
    (found,) = folder.edit(DESK, triggers(line.format("0 7 * * MON", "R-1") + line.format("0 7 * * mon", "R-1"))).findings()  # fmt: skip
    assert "triggers[1]: The same schedule with the same input stands here twice" in found
    folder.write(DESK, REFUND_DESK)
    assert folder.edit(DESK, triggers(line.format("0 7 * * mon", "R-1") + line.format("0 7 * * mon", "R-2"))).findings() == []  # fmt: skip
