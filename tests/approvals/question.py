"""Questions to people, and their answers, on a store of their own."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remit.approvals import Approval, Approvals, ApprovalState, Asking, Needs, Vote, VoteAnswer
from remit.core import HOUR
from remit.store import Statement
from remit.testing import SettableClock
from store.opened import Store, open_store

TWO_LEADS: Needs = ((("lead", 2),),)


@dataclass(frozen=True)
class Inbox:
    """Approvals and what commits for them."""

    store: Store
    approvals: Approvals
    clock: SettableClock

    def ask(self, needs: Needs = TWO_LEADS, **more: Any) -> Approval:
        """Asks for an action's approval."""
        values: dict[str, Any] = {
            "kind": "action",
            "run": "run_1",
            "step": 3,
            "task": "task_1",
            "agent": "desk",
            "version": "1.0.0",
            "name": "shop__refund",
            "digest": "d1",
            "proposed": "d1",
            "needs": needs,
            "because": "it is much money",
            "on_behalf_of": "carl",
            "expires_at": self.clock.now() + HOUR,
        }
        identifier, asked = self.approvals.ask(Asking(**{**values, **more}))
        self.store.commit(asked)
        return self.approvals.get(identifier)

    def vote(
        self, approval: Approval, person: str, answer: VoteAnswer = "approve", digest: str = "", roles: str = "lead"
    ) -> tuple[ApprovalState, list[Statement]]:
        """The state after an answer, and the statements that record it."""
        digest = digest or approval.digest
        said = f"{person} says {answer}"
        vote = Vote(person, answer, tuple(roles.split()), digest, said, self.clock.now())
        return self.approvals.answer(approval, vote, proposed=digest)

    def answered(self, approval: Approval, person: str, answer: VoteAnswer = "approve", **more: str) -> Approval:
        """Records an answer to the question as it stands now, and returns the question after it."""
        state, statements = self.vote(self.approvals.get(approval.id), person, answer, **more)
        self.store.commit(*statements)
        after = self.approvals.get(approval.id)
        assert after.state is state
        return after


@contextmanager
def open_inbox(folder: Path) -> Generator[Inbox]:
    """Opens the questions of the store in `folder`."""
    with open_store(folder) as store:
        yield inbox_on(store)


def inbox_on(store: Store) -> Inbox:
    """Returns the questions of a store."""
    clock = SettableClock()
    return Inbox(store, Approvals(store.database, clock), clock)
