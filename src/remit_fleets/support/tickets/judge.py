"""Whether the shop is as it must be once a ticket is resolved, given what people answered on the way."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from remit.app import Answered
from remit_fleets.support.shop import Effect
from remit_fleets.support.tickets.model import Expected, Ticket

_COLUMNS = frozenset(("order_id", "customer_id", "amount", "ticket"))
_SCOPES = ("order_id", "customer_id")
# As which tool the demo tells of the question whether a run may go on without what it could not do.
_STUCK = "stuck"


def judge(ticket: Ticket, effects: Sequence[Effect], answers: Sequence[Answered]) -> list[str]:
    """Returns what is wrong with the end of one ticket; `effects` are those of its task, an empty list is right.

    What was asked must be there exactly once when people said yes, as they edited it, and not at all when they said no.
    Whatever else was done is wrong, but for one message, one survey, and a person taking the ticket over. What a person
    knew to be undone, because they were asked to take the ticket over or to let a stuck run go on without it, is their
    decision and no mistake of an agent.
    """
    if ticket.truth is None:
        return []
    handed, given_up = _answers_to(Expected("take_over", {}, "led"), answers), _given_up(answers)
    left, wrong = list(effects), list[str]()
    for expected in ticket.truth.effects:
        excused = given_up(expected.tool) or (bool(handed) and expected.tool != "take_over")
        wrong += _expected(expected, left, answers, excused=excused)
    wrong += _letters(ticket, left, withheld=given_up("send_message") or _is_held_back(answers))
    if _said_yes(handed):
        _take(left, [effect for effect in left if effect.tool == "take_over" and effect.ticket == ticket.ticket][:1])
    return wrong + [f"{_told(effect)} was done, and the ticket does not ask for it" for effect in left]


def _expected(expected: Expected, left: list[Effect], answers: Sequence[Answered], *, excused: bool) -> list[str]:
    """Compares one expected effect with what was done, and takes that out of `left`."""
    mine = [effect for effect in left if effect.tool == expected.tool and _in_scope(expected, effect)]
    _take(left, mine)
    asked = _answers_to(expected, answers)
    yes, what = _said_yes(asked), _named(expected)
    if asked and not yes:
        return [f"{what} was done although people said no"] if mine else []
    if not asked and expected.by != "agent":
        if mine:
            return [f"{what} was done although nobody was asked"]
        return [] if excused else [f"nobody was asked for {what}"]
    if not mine:
        return [] if excused else [f"{what} was not done" + (" although people said yes" if yes else "")]
    wrong = [f"{what} was done {len(mine)} times"] if len(mine) > 1 else []
    for effect in mine:
        wanted = _wanted(expected, _meant(effect, yes))
        other = {name: _field(effect, name) for name, value in wanted.items() if _field(effect, name) != value}
        if other:
            wrong.append(
                f"{what} was done with {_shown(other)}; right is {_shown({name: wanted[name] for name in other})}"
            )
    return wrong


def _letters(ticket: Ticket, left: list[Effect], *, withheld: bool) -> list[str]:
    """Checks that the customer has one answer and at most one survey, and takes them out of `left`."""
    wrong: list[str] = []
    messages = [effect for effect in left if effect.tool == "send_message" and effect.ticket == ticket.ticket]
    surveys = [effect for effect in left if effect.tool == "ask_satisfaction" and effect.ticket == ticket.ticket]
    _take(left, [*messages, *surveys])
    if not messages and not withheld:
        wrong.append("the customer got no answer")
    if len(messages) > 1:
        wrong.append(f"the customer got {len(messages)} answers")
    if len(surveys) > 1:
        wrong.append(f"the customer was asked {len(surveys)} times how content they are")
    return wrong


def _given_up(answers: Sequence[Answered]) -> Callable[[str], bool]:
    """Returns whether people let a stuck run go on, or end, without a tool; without a hand-off counts for every tool."""
    stuck = [one for one in answers if one.tool == _STUCK]
    # To attempts that were lost a yes means: try again.
    left_out = [one for one in stuck if one.answer == "reject" or "lost_attempts" not in one.proposed]
    names = {str(one.proposed.get("name", "")) for one in left_out}
    everything = any("__" not in name for name in names)
    tools = {_tool(name) for name in names}
    return lambda tool: everything or tool in tools


def _is_held_back(answers: Sequence[Answered]) -> bool:
    return any(_tool(one.tool) == "send_message" and one.answer == "reject" for one in answers)


def _answers_to(expected: Expected, answers: Sequence[Answered]) -> list[Answered]:
    return [one for one in answers if _tool(one.tool) == expected.tool and _is_about(expected, one)]


def _said_yes(answers: Sequence[Answered]) -> list[Answered]:
    return [one for one in answers if one.answer != "reject"]


def _is_about(expected: Expected, answered: Answered) -> bool:
    given = {**answered.proposed, **answered.arguments}
    return all(given.get(name) == expected.fields[name] for name in _SCOPES if name in expected.fields)


def _in_scope(expected: Expected, effect: Effect) -> bool:
    return all(getattr(effect, name) == expected.fields[name] for name in _SCOPES if name in expected.fields)


def _meant(effect: Effect, yes: Sequence[Answered]) -> list[Answered]:
    """Returns the yes that a person's taking over came of: asked twice, the ticket is taken over once, by the first."""
    if effect.tool == "take_over":
        for one in yes:
            if one.arguments.get("summary") == effect.detail.get("summary"):
                return [one]
    return list(yes)


def _wanted(expected: Expected, yes: Sequence[Answered]) -> dict[str, Any]:
    """Returns what must have been done: what is right, in the way people let it go ahead; their edit stands above it."""
    if not yes:
        return dict(expected.fields)
    allowed = {name: _cents(value) if name == "amount" else value for name, value in yes[-1].arguments.items()}
    return dict(expected.fields) | allowed if yes[-1].answer == "edit" else allowed | dict(expected.fields)


def _cents(euros: Any) -> int:
    return round(Decimal(str(euros)) * 100)


def _take(left: list[Effect], taken: Sequence[Effect]) -> None:
    keys = {effect.key for effect in taken}
    left[:] = [effect for effect in left if effect.key not in keys]


def _field(effect: Effect, name: str) -> Any:
    return getattr(effect, name) if name in _COLUMNS else effect.detail.get(name)


def _tool(name: str) -> str:
    return name.rpartition("__")[2]


def _named(expected: Expected) -> str:
    about = " ".join(str(expected.fields[name]) for name in _SCOPES if name in expected.fields)
    return f"{expected.tool} {about}".strip()


def _told(effect: Effect) -> str:
    about = " ".join(part for part in (effect.order_id, effect.customer_id, effect.ticket) if part)
    amount = f" over {effect.amount / 100:.2f} EUR" if effect.amount is not None else ""
    return f"{effect.tool} {about}{amount}"


def _shown(fields: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value / 100:.2f}" if name == "amount" and isinstance(value, int) else f"{name} {value!r}"
        for name, value in fields.items()
    )
