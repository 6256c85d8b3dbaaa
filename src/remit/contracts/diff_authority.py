"""How freely a tool may be used now, and before: decided case by case, not by comparing texts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from remit.contracts.cells import Cell, cells
from remit.contracts.conditions import Compare, Condition, condition_of, holds
from remit.contracts.declared import Level
from remit.contracts.model import AutonomyRule, ToolUse

Kind = Literal[
    "authority", "approvers", "handoffs", "limits", "models", "oversight", "people", "schema", "steps", "terms", "text",
    "tools", "triggers",
]  # fmt: skip

_FREEDOM: tuple[Level, ...] = tuple(Level)  # from the least to the most
_DOES: Mapping[Level, str] = {
    Level.AUTONOMOUS: "call {} without asking",
    Level.HUMAN_IN_THE_LOOP: "call {} once a person approves",
    Level.HUMAN_LED: "propose {} to a person",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in meaning; `widens` when the agent may do more, or is watched less, than before."""

    kind: Kind
    field: str
    text: str
    widens: bool = False

    def __str__(self) -> str:
        return self.text


def use_changes(old: ToolUse, new: ToolUse) -> Iterator[Change]:
    """Yields what is different in how one tool may be used."""
    yield from _authority(old, new)
    yield from _gates(old, new)
    if old.intents != new.intents:
        text = f"{new.use} is for {_intents(new)} (was {_intents(old)})"
        more = bool(old.intents) and (not new.intents or not set(new.intents) <= set(old.intents))
        yield Change("authority", f"tools.{new.use}.intents", text, more)


def _intents(use: ToolUse) -> str:
    return ", ".join(use.intents) or "any intent"


def _authority(old: ToolUse, new: ToolUse) -> Iterator[Change]:
    if old.autonomy == new.autonomy:
        return
    if not old.autonomy or not new.autonomy:
        # What a tool's risk proposes is not in the contract; a change from or to it counts as more, to be safe.
        now = "as its rules say" if new.autonomy else "as the tool's risk proposes"
        only_led = bool(new.autonomy) and all(rule.level is Level.HUMAN_LED for rule in new.autonomy)
        yield Change("authority", f"tools.{new.use}.autonomy", f"may now call {new.use} {now}", widens=not only_led)
        return
    for level in reversed(_FREEDOM):
        before, after = _rules(old, level), _rules(new, level)
        if [rule.when for rule in before] != [rule.when for rule in after]:
            yield _level_change(old, new, level)
    yield from _answerers(old, new)


def _rules(use: ToolUse, level: Level) -> list[AutonomyRule]:
    return [rule for rule in use.autonomy if rule.level is level]


def _level_change(old: ToolUse, new: ToolUse, level: Level) -> Change:
    before, after = _rules(old, level), _rules(new, level)
    what = _DOES[level].format(new.use)
    if not after:
        text = f"may no longer {what} (before: {_ranges(before)})"
    elif not before:
        text = f"may now {what} {_ranges(after)}".rstrip()
    else:
        text = f"may now {what} {_ranges(after)} (was {_ranges(before)})"
    widens = _reaches_more(old.autonomy, new.autonomy, level)
    return Change("authority", f"tools.{new.use}.autonomy", text, widens)


def _ranges(rules: Iterable[AutonomyRule]) -> str:
    return " or ".join(_range(rule.when) for rule in rules)


def _range(when: str) -> str:
    condition = condition_of(when)
    if isinstance(condition, Compare) and not isinstance(condition.literal, str | bool):
        words = {"<=": "up to", "<": "below", ">": "above", ">=": "from"}
        if condition.operator in words:
            return f"where {condition.field} is {words[condition.operator]} {condition.literal}"
    return f"where {when}" if when else "always"


def _reaches_more(old: Iterable[AutonomyRule], new: Iterable[AutonomyRule], level: Level) -> bool:
    """Whether in some case the new rules give at least `level` and the old ones less; too many cases count as yes."""
    before, after = _conditions(old, level), _conditions(new, level)
    found = cells([*before, *after], {})
    if found is None:
        return True
    return any(_any_holds(after, cell) and not _any_holds(before, cell) for cell in found)


def _conditions(rules: Iterable[AutonomyRule], level: Level) -> list[Condition]:
    enough = _FREEDOM[_FREEDOM.index(level) :]
    return [condition_of(rule.when) for rule in rules if rule.level in enough]


def _any_holds(conditions: Iterable[Condition], cell: Cell) -> bool:
    return any(holds(condition, cell) for condition in conditions)


def _answerers(old: ToolUse, new: ToolUse) -> Iterator[Change]:
    before = {(rule.level, rule.when): rule for rule in old.autonomy}
    for rule in new.autonomy:
        was = before.get((rule.level, rule.when))
        if was is not None and (was.by, was.count) != (rule.by, rule.count):
            text = f"{new.use} {_range(rule.when)} is now answered by {_asked(rule)} (was {_asked(was)})"
            fewer = rule.count < was.count or not set(was.by) <= set(rule.by) or bool(was.by) != bool(rule.by)
            yield Change("approvers", f"tools.{new.use}.autonomy", text, widens=fewer)


def _asked(rule: AutonomyRule) -> str:
    roles = " and ".join(rule.by) or "the contract's approvers"
    return f"{rule.count} × {roles}" if rule.count > 1 else roles


def _gates(old: ToolUse, new: ToolUse) -> Iterator[Change]:
    for side in ("before", "after"):
        was, now = getattr(old.gate, side), getattr(new.gate, side)
        if was != now:
            text = f"{new.use} is checked {side} by {now or 'no gate'} (was {was or 'no gate'})"
            yield Change("oversight", f"tools.{new.use}.gate.{side}", text, widens=bool(was))
