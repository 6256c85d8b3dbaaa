"""Answering several questions at once: of one kind, with one reason, and each by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from remit.approvals import MEANINGS, OVERRIDABLE, OverrideCategory
from remit.core import InputError, RemitError
from remit.operations import QuestionViews, Verbs

# As many as a page of the queue has.
MOST_PICKED = 50
TOGETHER = ("action", "answer")
"""Kinds that may be answered together; a proposal is somebody's own action, the others are about what happened."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A question that was picked, with the fingerprint of what was looked at."""

    approval: str
    seen: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one answer."""

    approval: str
    what: str
    state: str = ""
    fault: str = ""


def picks_of(values: Sequence[str]) -> list[Pick]:
    """Reads what a form has picked: `ID:FINGERPRINT` each."""
    pairs = (value.rpartition(":") for value in dict.fromkeys(values))
    return [Pick(approval, seen) for approval, _, seen in pairs if approval]


def categories() -> list[tuple[str, str]]:
    """Returns what a form offers: every category of an override with what it means."""
    return [(category.value, meaning) for category, meaning in MEANINGS.items()]


def category_of(typed: str, kind: str, *, undoes: str = "") -> OverrideCategory | None:
    """Returns the category chosen in a form for an edit or a no; a question about what happened, or of a rollback, has none.

    Whoever sits before a form chooses one: a case is found again by it.
    """
    if kind not in OVERRIDABLE or undoes:
        return None
    try:
        return OverrideCategory(typed)
    except ValueError as fault:
        hint = f"One of {', '.join(OverrideCategory)}"
        raise InputError("Say what is wrong with it", which=typed, why="no category is chosen", hint=hint) from fault


async def answer_together(
    verbs: Verbs, views: QuestionViews, picks: Sequence[Pick], *, answer: str, reason: str, category: str = ""
) -> list[Result]:
    """Answers each question and returns what became of each.

    Raises `InputError`, before anything is answered, when nothing was picked, when they are not of one kind, or when a
    reason is missing.
    """
    if answer not in ("approve", "reject"):
        raise InputError("No such answer", which=answer, hint="Approve or reject")
    if not picks or len(picks) > MOST_PICKED:
        why = f"{len(picks)} are picked; at most {MOST_PICKED} are answered together" if picks else "none is picked"
        raise InputError("Nothing was answered", why=why, hint="Tick the questions to answer")
    if answer == "reject" and not reason:
        raise InputError("To reject takes a reason", hint="It is told to each agent")
    asked = [views.get(pick.approval) for pick in picks]
    kinds = sorted({f"{each.kind} of {each.what}" for each in asked})
    if len(kinds) > 1:
        raise InputError("Nothing was answered", why=f"they are of several kinds: {', '.join(kinds)}")
    if asked[0].kind not in TOGETHER:
        raise InputError("Nothing was answered", why=f"questions of kind {asked[0].kind} are answered one by one")
    why = category_of(category, asked[0].kind) if answer == "reject" else None
    results: list[Result] = []
    for pick, each in zip(picks, asked, strict=True):
        try:
            answered = await verbs.answer(pick.approval, answer, reason=reason, seen=pick.seen, category=why)
        except RemitError as fault:
            results.append(Result(pick.approval, each.what, fault=fault.text()))
        else:
            results.append(Result(pick.approval, each.what, state=answered.state.value))
    return results
