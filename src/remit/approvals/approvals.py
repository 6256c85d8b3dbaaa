"""Approvals: what was asked of whom, and what they said. Answers enter through the gateway."""

import json
from dataclasses import dataclass

from remit.approvals.model import Approval, ApprovalKind, ApprovalState, Needs, Vote, VoteAnswer, is_satisfied
from remit.core import Clock, NotFoundError, new_id
from remit.store import Database, Row, Statement, load_queries

_Q = load_queries("remit.approvals")
LIST_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything a question to people says."""

    kind: ApprovalKind
    run: str
    step: int
    task: str
    agent: str
    version: str
    name: str
    digest: str
    proposed: str
    needs: Needs
    because: str
    on_behalf_of: str
    expires_at: int
    options: str = "[]"


class Approvals:
    """Reads questions and votes; its changes are statements for the gateway's commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ask(self, asking: Asking) -> tuple[str, Statement]:
        """Returns a new question's id and the statement that keeps it."""
        identifier = new_id("apr")
        values = {name: getattr(asking, name) for name in Asking.__slots__}
        values["needs"] = json.dumps(asking.needs)
        return identifier, Statement(_Q["ask"], {"id": identifier, "asked_at": self._clock.now(), **values})

    def find(self, identifier: str) -> Approval | None:
        """Returns the question, or None."""
        row = self._database.read_one(_Q["approval"], {"id": identifier})
        return Approval.of(row) if row else None

    def get(self, identifier: str) -> Approval:
        """Returns the question by its id or the end of it, or raises `NotFoundError`."""
        if exact := self.find(identifier):
            return exact
        rows = self._database.read(_Q["approvals_ending"], {"ending": identifier.removeprefix("apr_")})
        if len(rows) != 1:
            why = "several end like this" if rows else ""
            raise NotFoundError("No such approval", which=identifier, why=why, hint="`remit approvals` lists them")
        return Approval.of(rows[0])

    def listing(self, *, state: str = "", limit: int = LIST_LIMIT) -> list[Approval]:
        """Returns the newest questions first."""
        return [Approval.of(row) for row in self._database.read(_Q["approvals"], {"state": state, "limit": limit})]

    def of_run(self, run: str) -> list[Approval]:
        """Returns the questions of one run in the order they were asked."""
        return [Approval.of(row) for row in self._database.read(_Q["approvals_of"], {"run": run})]

    def votes(self, approval: str) -> list[Vote]:
        """Returns every answer given to a question."""
        return [_vote(row) for row in self._database.read(_Q["votes"], {"approval": approval})]

    def answer(
        self,
        approval: Approval,
        *,
        person: str,
        roles: tuple[str, ...],
        answer: VoteAnswer,
        reason: str,
        digest: str,
        proposed: str,
    ) -> tuple[ApprovalState, list[Statement]]:
        """Returns the state after this answer and the statements that record it.

        An edit moves the question to another digest, so yeses to the old one no longer count.
        """
        now = self._clock.now()
        vote = Vote(person, answer, roles, digest, reason, now)
        state = _state_after(approval, [*self.votes(approval.id), vote], digest)
        kept = Statement(
            _Q["vote"],
            {
                "approval": approval.id,
                "person": person,
                "answer": answer,
                "roles": json.dumps(roles),
                "digest": digest,
                "reason": reason,
                "at": now,
            },
        )
        decided = Statement(
            _Q["decide"],
            {
                "id": approval.id,
                "revision": approval.revision,
                "state": state.value,
                "digest": digest,
                "proposed": proposed,
                "reason": reason,
                "decided_at": None if state is ApprovalState.PENDING else now,
                "now": now,
            },
            refusal="somebody else answered at the same moment, or it has expired",
        )
        return state, [decided, kept]

    def pass_on(self, approval: Approval, needs: Needs) -> Statement:
        """Leaves an open question to fewer ways of a yes; answers that were given stay."""
        parameters = {"id": approval.id, "revision": approval.revision, "needs": json.dumps(needs)}
        return Statement(
            _Q["pass_on"], {**parameters, "now": self._clock.now()}, refusal="somebody else answered at the same moment"
        )

    def use(self, approval: Approval) -> Statement:
        """Uses an approval up, once, while it is fresh and says yes to exactly this digest."""
        parameters = {"id": approval.id, "digest": approval.digest, "now": self._clock.now()}
        return Statement(_Q["use"], parameters, refusal="the approval was used, has expired or was withdrawn")

    def act_on(self, approval: Approval, reason: str) -> Statement:
        """Takes an open proposal into a person's hands, once."""
        now = self._clock.now()
        parameters = {"id": approval.id, "revision": approval.revision, "reason": reason, "now": now}
        return Statement(_Q["act_on"], parameters, refusal="the proposal was answered already, or has expired")

    def close(self, approval: str, state: ApprovalState, reason: str) -> Statement:
        """Closes a question without an answer: expired or withdrawn."""
        parameters = {"id": approval, "state": state.value, "reason": reason, "now": self._clock.now()}
        return Statement(_Q["close"], parameters, want=None)


def _state_after(approval: Approval, votes: list[Vote], digest: str) -> ApprovalState:
    if votes[-1].answer == "reject":
        return ApprovalState.REJECTED
    return ApprovalState.APPROVED if is_satisfied(approval.needs, votes, digest) else ApprovalState.PENDING


def _vote(row: Row) -> Vote:
    return Vote(row["person"], row["answer"], tuple(json.loads(row["roles"])), row["digest"], row["reason"], row["at"])
