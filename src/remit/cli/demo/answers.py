"""What people answer in a demo: by a rule when nobody is there, by a simulated colleague when nobody has answered."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remit.app import Cell, LiveDemo
from remit.approvals import OVERRIDABLE, Approval, ApprovalState, OverrideCategory, VoteAnswer
from remit.cli.demo.arrivals import Arrivals
from remit.cli.demo.looked_at import LookedAt
from remit.cli.demo.terms import Answers, LiveTerms
from remit.core import SECOND, InputError, RemitError
from remit.operations import ApprovalShown, local_actor, person_actor

# Of a hundred seeded answers; the rest are rejected.
APPROVED, EDITED = 75, 8
# A question that could not be answered so often as the rule says is rejected, so that its run comes to an end. Tries
# are so far apart that what passes by itself, such as a fault of the outside world, has passed before.
MOST_TRIES, TRY_SECONDS = 10, 1.0
# What a rule may have against a proposal; its reason says that it was a rule.
_NOES = (OverrideCategory.WRONG_ACTION, OverrideCategory.MISSING_INFORMATION, OverrideCategory.NOT_ALLOWED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one question."""

    answer: VoteAnswer
    reason: str
    arguments: Mapping[str, Any] | None = None
    category: OverrideCategory | None = None


class Colleagues:
    """Answers in the name of whoever may, as soon as nobody else has answered for some time, or looks at it."""

    def __init__(self, cell: Cell, work: LiveDemo, terms: LiveTerms, arrivals: Arrivals, looked_at: LookedAt) -> None:
        self._cell = cell
        self._work = work
        self._terms = terms
        self._arrivals = arrivals
        self._looked_at = looked_at
        self._views = cell.views(local_actor("demo"))
        self._tries: Counter[str] = Counter()
        self._not_before: dict[str, float] = {}
        self._patience = 0 if terms.headless else int(terms.patience * SECOND)

    def open(self) -> list[Approval]:
        """Returns the questions nobody has decided yet."""
        return self._cell.parts.approvals.listing(state=ApprovalState.PENDING.value)

    def due(self) -> list[Approval]:
        """Returns the open questions that have waited long enough, and that nobody looks at."""
        now = time.monotonic()
        # The oldest first: however many are asked meanwhile, each has its turn.
        waited = self._cell.parts.approvals.waiting_since(self._cell.parts.clock.now() - self._patience)
        free = [asked for asked in waited if not self._looked_at.is_left(asked.id)]
        return [asked for asked in free if self._not_before.get(asked.id, 0) <= now]

    async def answer_due(self) -> None:
        """Answers what is due."""
        await asyncio.gather(*(self._answer(asked) for asked in self.due()))

    async def _answer(self, asked: Approval) -> None:
        """Has everybody answer who may, until the question is decided."""
        self._tries[asked.id] += 1
        self._not_before[asked.id] = time.monotonic() + TRY_SECONDS
        shown = self._views.approvals.get(asked.id)
        said = self._decide(asked, shown)
        for person in self._answerers(shown):
            try:
                if await self._vote(person, asked, said) is not ApprovalState.PENDING:
                    return
            except InputError:  # an edit that does not fit
                said = Answer("approve", self._reason("approve"))
            except RemitError:  # somebody else was faster, policy does not let them act, or the store is busy
                return
            if said.answer == "edit":  # to what was edited, the others say yes
                said = Answer("approve", self._reason("approve"))

    async def _vote(self, person: str, asked: Approval, said: Answer) -> ApprovalState:
        people = self._cell.parts.people
        actor = person_actor(people.person(person), "command line", owns=people.owns(person))
        now = self._cell.parts.approvals.get(asked.id)
        answered = await self._cell.verbs(actor).answer(
            asked.id,
            said.answer,
            reason=said.reason,
            arguments=said.arguments,
            category=said.category,
            seen=now.digest.partition(":")[2],
        )
        return answered.state

    def _answerers(self, shown: ApprovalShown) -> list[str]:
        """Returns who may answer; the guest at the console last, because the answer is not theirs."""
        may = [each.id for each in shown.answerers if each.may]
        return sorted(may, key=lambda person: person == self._work.guide)

    def _decide(self, asked: Approval, shown: ApprovalShown) -> Answer:
        if asked.kind == "unknown":
            return self._look(asked)
        if self._tries[asked.id] > MOST_TRIES:
            return Answer("reject", "it could not be done as it was asked")
        choice = self._choice(asked)
        if choice == "edit":
            proposed: Mapping[str, Any] = shown.proposed
            changed = self._work.edited(asked.name, proposed)
            if asked.kind == "action" and self._tries[asked.id] == 1 and changed != proposed:
                return Answer("edit", self._reason("edit"), changed, OverrideCategory.BETTER_WAY)
            choice = "approve"
        if choice == "reject" and asked.kind in OVERRIDABLE:
            return Answer(choice, self._reason(choice), category=_NOES[self._draw(asked)[4] % len(_NOES)])
        return Answer(choice, self._reason(choice))

    def _look(self, asked: Approval) -> Answer:
        """Tells what happened from the outside world itself, as a person would go and look."""
        happened = self._work.happened(f"{asked.run}:{asked.step}") is not None
        reason = f"looked it up outside: it {'happened' if happened else 'did not happen'}"
        return Answer("approve" if happened else "reject", self._signed(reason))

    def _choice(self, asked: Approval) -> VoteAnswer:
        if not self._terms.headless:
            return "approve"
        match self._terms.people:
            case Answers.APPROVE:
                return "approve"
            case Answers.REJECT:
                return "reject"
            case Answers.SEEDED:
                # A run that is stuck was hit by a fault at some moment; the rule knows no moments.
                return "approve" if asked.kind == "stuck" else self._drawn(asked)

    def _drawn(self, asked: Approval) -> VoteAnswer:
        """Returns the answer that seed, arrival and tool decide: the same in every run, whenever it is asked."""
        number = int.from_bytes(self._draw(asked)[:4], "big") % 100
        return "approve" if number < APPROVED else "edit" if number < APPROVED + EDITED else "reject"

    def _draw(self, asked: Approval) -> bytes:
        piece = self._arrivals.by_task.get(asked.task)
        about = piece.arrival.key if piece else asked.task
        return hashlib.sha256(f"{self._terms.seed}:{about}:{asked.name}".encode()).digest()

    def _reason(self, answer: VoteAnswer) -> str:
        if self._terms.headless:
            return f"by rule: {self._terms.people.value}, {answer}"
        return self._signed(f"nobody answered within {self._terms.patience:g} s, so it is approved")

    def _signed(self, reason: str) -> str:
        return reason if self._terms.headless else f"Simulated colleague: {reason}"
