"""What changes for the business when one contract takes the place of another: sentences, not lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, cast

from remit.contracts.diff_authority import Change, Kind, use_changes
from remit.contracts.field_types import FieldType, field_types
from remit.contracts.model import Contract, Escalation, Part, Step
from remit.core import Money

_PRIVACY = ("restricted", "internal", "public")
_PEOPLE = ("owner", "experts", "unit")
_TERMS = (
    "agent_class",
    "priority",
    "purpose",
    "success",
    "intent",
    "subjects",
    "code",
    "on_failure",
    "evaluation",
    "slo",
)


def diff(old: Contract, new: Contract) -> list[Change]:
    """Returns what is different in `new`; what widens the agent's authority comes first."""
    was, now = old.terms, new.terms
    changes = [
        *_tools(old, new),
        *_oversight(old, new),
        *_named("handoffs", was.handoffs, now.handoffs, "may now hand off to {}", "no longer hands off to {}"),
        *_triggers(old, new),
        *_fields("limits", was.limits, now.limits, tuple(type(now.limits).model_fields), "limits.", _raised),
        *_fields("models", was.models, now.models, tuple(type(now.models).model_fields), "models.", _looser_model),
        *_schema("input", was.input, now.input),
        *_schema("output", was.output, now.output),
        *_fields("people", was, now, _PEOPLE, "", _never),
        *_fields("terms", was, now, _TERMS, "", _looser_term),
        *_body(old, new),
    ]
    return sorted(changes, key=lambda change: not change.widens)


def _tools(old: Contract, new: Contract) -> Iterator[Change]:
    was, now = ({use.use for use in contract.terms.tools} for contract in (old, new))
    yield from _named("tools", was, now, "may now use {}", "may no longer use {}")
    for use in new.terms.tools:
        if before := old.tool_use(use.use):
            yield from use_changes(before, use)
    ruled_out = _named(
        "tools", old.terms.never, new.terms.never, "may never use {}", "{} is no longer ruled out for good"
    )
    for change in ruled_out:
        yield Change("tools", "never", change.text, widens=not change.widens)


def _named(kind: Kind, was: Iterable[str], now: Iterable[str], added: str, removed: str) -> Iterator[Change]:
    for name in sorted(set(now) - set(was)):
        yield Change(kind, kind, added.format(name), widens=True)
    for name in sorted(set(was) - set(now)):
        yield Change(kind, kind, removed.format(name))


def _oversight(old: Contract, new: Contract) -> Iterator[Change]:
    was, now = old.terms, new.terms
    if was.approvers != now.approvers:  # each of them must agree, so one fewer is less oversight
        text = f"approvers are {_shown(now.approvers)} (were {_shown(was.approvers)})"
        yield Change("approvers", "approvers", text, widens=not set(was.approvers) <= set(now.approvers))
    before, after = map(_escalations, (was.escalate, now.escalate))
    for text in sorted(before - after):
        yield Change("oversight", "escalate", f"no longer {text}", widens=True)
    for text in sorted(after - before):
        yield Change("oversight", "escalate", f"now {text}")
    if was.refine != now.refine:
        what = "answers and steps" if now.refine.steps else "answers"
        text = f"{what} go back at most {now.refine.times} times; answers are checked by {_shown(now.refine.gates)}"
        yield Change("oversight", "refine", text, widens=not set(was.refine.gates) <= set(now.refine.gates))


def _escalations(items: Iterable[Escalation]) -> set[str]:
    return {f"escalates to {item.to} where {item.when}" for item in items}


def _triggers(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = (
        [trigger.model_dump(by_alias=True) for trigger in contract.terms.triggers] for contract in (old, new)
    )
    for trigger in after:
        if trigger not in before:
            yield Change("triggers", "triggers", f"is now started by {_trigger(trigger)}", widens=True)
    for trigger in before:
        if trigger not in after:
            yield Change("triggers", "triggers", f"is no longer started by {_trigger(trigger)}")


def _trigger(trigger: Mapping[str, Any]) -> str:
    detail = trigger["name"] or trigger["cron"] or ", ".join(trigger["from"])
    condition = f" when {trigger['when']}" if trigger["when"] else ""
    return f"{trigger['on']} {detail}".rstrip() + condition


def _fields(
    kind: Kind, was: Part, now: Part, names: Iterable[str], prefix: str, looser: Callable[[str, Any, Any], bool]
) -> Iterator[Change]:
    for name in names:
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            field = prefix + (type(now).model_fields[name].alias or name)
            yield Change(kind, field, f"{field}: {_shown(after)} (was {_shown(before)})", looser(name, before, after))


def _never(name: str, before: Any, after: Any) -> bool:
    return False


def _raised(name: str, before: Any, after: Any) -> bool:
    if before is None or after is None:
        return after is None
    if isinstance(before, Money) and before.currency != after.currency:
        return True
    return before < after


def _looser_model(name: str, before: Any, after: Any) -> bool:
    if name == "privacy":
        return _PRIVACY.index(after) > _PRIVACY.index(before)
    return name in ("max_tokens", "turns") and after > before


def _looser_term(name: str, before: Any, after: Any) -> bool:
    # New code may do anything the contract grants; a subject less is something less its calls are held to.
    if name == "slo":  # what the agent is held to, and so when its promotion is frozen
        return before is not None and (after is None or after.is_looser_than(before))
    return name == "code" or (name == "subjects" and not before.items() <= after.items())


def _schema(side: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    if was == now:
        return
    before, after = field_types(was), field_types(now)
    told = [
        *(f"{name} is new{', required' if after[name].required else ''}" for name in after.keys() - before.keys()),
        *(f"{name} is gone" for name in before.keys() - after.keys()),
        *chain.from_iterable(_retyped(name, before[name], after[name]) for name in before.keys() & after.keys()),
    ]
    for text in sorted(told) or ["its details changed"]:
        yield Change("schema", side, f"{side}: {text}")


def _retyped(name: str, was: FieldType, now: FieldType) -> Iterator[str]:
    if (was.kind, was.items) != (now.kind, now.items):
        yield f"{name} is {now.kind} (was {was.kind})"
    elif was.values != now.values:
        yield f"{name} is one of {', '.join(now.values)} (was {', '.join(was.values)})"
    if was.required != now.required:
        yield f"{name} is {'now' if now.required else 'no longer'} required"


def _body(old: Contract, new: Contract) -> Iterator[Change]:
    if list(map(_doing, old.steps)) != list(map(_doing, new.steps)):
        yield Change(
            "steps", "steps", f"steps are now: {' → '.join(step.tool or 'model' for step in new.steps) or 'none'}"
        )
    was, now = ({case.id: (case.when, case.then) for case in contract.edge_cases} for contract in (old, new))
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            word = "new" if name not in was else "changed" if name in now else "gone"
            yield Change("steps", f"edge cases.{name}", f"edge case {name} is {word}")
    if old.instructions != new.instructions:
        yield Change("text", "instructions", "the text the model reads has changed")


def _doing(step: Step) -> tuple[Any, ...]:
    return step.tool, step.inputs, step.when


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, cast("tuple[Any, ...]", value))) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {item}" for key, item in cast("Mapping[str, Any]", value).items()) or "none"
    return "none" if value in (None, "") else str(value)
