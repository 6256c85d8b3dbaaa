"""Does a contract take this work this way? The one answer for tasks, events, schedules and hand-offs."""

from collections.abc import Mapping
from typing import Any

from remit.contracts.conditions import condition_of, holds
from remit.contracts.model import Contract, Trigger, TriggerKind


def trigger_problem(
    contract: Contract, on: TriggerKind, *, value: Mapping[str, Any], name: str = "", giver: str = ""
) -> str:
    """Returns why the contract takes no such work this way, and `""` when it does.

    A contract without triggers takes tasks by hand; one with triggers takes only what they list, and only when the
    condition of one of them holds over the input `value`. `name` is an event's, `giver` the agent that hands off.
    The reason never repeats a value.
    """
    triggers = contract.terms.triggers
    if on == "task" and not triggers:
        return ""
    listed = [trigger for trigger in triggers if _is_about(trigger, on, name, giver)]
    if not listed:
        told = ", ".join(dict.fromkeys(map(_shown, triggers))) or "tasks given by hand"
        return f"{contract.name} takes no {_work(on, name, giver)}; it takes {told}"
    if any(holds(condition_of(trigger.when), value) for trigger in listed):
        return ""
    conditions = " or ".join(trigger.when for trigger in listed)
    return f"{contract.name} takes {_work(on, name, giver)} only when {conditions}"


def event_names(contract: Contract) -> frozenset[str]:
    """Returns the names of the events the contract has a trigger for."""
    return frozenset(trigger.name for trigger in contract.terms.triggers if trigger.on == "event")


def _is_about(trigger: Trigger, on: TriggerKind, name: str, giver: str) -> bool:
    if trigger.on != on:
        return False
    return (on != "event" or trigger.name == name) and (on != "handoff" or giver in trigger.givers)


def _work(on: TriggerKind, name: str, giver: str) -> str:
    match on:
        case "task":
            return "tasks given by hand"
        case "event":
            return f"event {name!r}"
        case "schedule":
            return "scheduled work"
        case "handoff":
            return f"hand-offs from {giver}"


def _shown(trigger: Trigger) -> str:
    return _work(trigger.on, trigger.name, " or ".join(trigger.givers))
