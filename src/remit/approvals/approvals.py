"""Approvals: what was asked of whom, and what they said. Answers enter through the gateway."""

import json
from collections import OrderedDict
from dataclasses import dataclass

from remit.approvals.model import Approval, ApprovalKind, ApprovalState, Needs, Vote, is_satisfied
from remit.approvals.overrides import Override, OverrideCategory, Overriding
from remit.core import Clock, NotFoundError, new_id, remember
from remit.store import Database, Row, Statement, load_queries

_Q = load_queries("remit.approvals")
LIST_LIMIT = 1_000
# Attempts under way that are remembered with what people refused.
REMEMBERED = 16_384


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
    confidence: str = ""
    """The agent's own word, when it gave one."""


class Approvals:
    """Reads questions and votes; its changes are statements for the gateway's commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._refused: OrderedDict[tuple[str, str, int], frozenset[str]] = OrderedDict()

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

    def waiting_since(self, moment: int, *, limit: int = LIST_LIMIT) -> list[Approval]:
        """Returns open questions that were asked by then, the oldest first."""
        parameters = {"since": moment, "limit": limit}
        return [Approval.of(row) for row in self._database.read(_Q["approvals_waiting"], parameters)]

    def of_run(self, run: str) -> list[Approval]:
        """Returns the questions of one run in the order they were asked."""
        return [Approval.of(row) for row in self._database.read(_Q["approvals_of"], {"run": run})]

    def refused(self, task: str, run: str, attempt: int) -> frozenset[str]:
        """Returns the tools to which people have said no in a task, to whichever of its agents and arguments.

        As it was when this attempt asked first, or since `forget_refused`; `guard_unrefused` says whether it still is.
        """
        key = (task, run, attempt)
        if key not in self._refused:
            names = frozenset(row["name"] for row in self._database.read(_Q["refused"], {"task": task}))
            remember(self._refused, key, names, REMEMBERED)
        return self._refused[key]

    def begins(self, task: str, run: str, attempt: int) -> None:
        """Notes that a task's very first attempt begins: nobody can have refused anything before it."""
        remember(self._refused, (task, run, attempt), frozenset(), REMEMBERED)

    def forget_refused(self, task: str, run: str, attempt: int) -> None:
        """Makes the next `refused` of this attempt a fresh look."""
        self._refused.pop((task, run, attempt), None)

    def guard_unrefused(self, task: str, name: str) -> Statement:
        """Holds only while people have not said no to this tool in a task."""
        refusal = "people have said no to this tool in this task meanwhile"
        return Statement(_Q["guard_unrefused"], {"task": task, "name": name}, refusal=refusal)

    def votes(self, approval: str) -> list[Vote]:
        """Returns every answer given to a question."""
        return [_vote(row) for row in self._database.read(_Q["votes"], {"approval": approval})]

    def answer(self, approval: Approval, vote: Vote, *, proposed: str) -> tuple[ApprovalState, list[Statement]]:
        """Returns the state after this answer and the statements that record it; `proposed` is what it leaves asked for.

        An edit moves the question to another digest, so yeses to the old one no longer count.
        """
        state = _state_after(approval, [*self.votes(approval.id), vote], vote.digest)
        values = {name: getattr(vote, name) for name in Vote.__slots__}
        kept = Statement(_Q["vote"], {**values, "approval": approval.id, "roles": json.dumps(vote.roles)})
        decided = Statement(
            _Q["reject" if state is ApprovalState.REJECTED else "decide"],
            {
                "id": approval.id,
                "revision": approval.revision,
                "state": state.value,
                "digest": vote.digest,
                "proposed": proposed,
                "reason": vote.reason,
                "decided_at": None if state is ApprovalState.PENDING else vote.at,
                "now": vote.at,
            },
            refusal="somebody else answered at the same moment, or it has expired",
        )
        return state, [decided, kept]

    def override(self, approval: Approval, overriding: Overriding) -> Statement:
        """Keeps what somebody does not let stand. The last answer to a question counts, to what the agent proposed.

        What is changed back to what the agent proposed is no override any more.
        """
        before = self.override_of(approval.id)
        proposed = before.proposed if before else approval.proposed
        if overriding.decided == proposed:
            return Statement(_Q["forget_override"], {"approval": approval.id}, want=None)
        asked = {name: getattr(approval, name) for name in ("kind", "agent", "version", "name", "task", "run", "step")}
        said = {name: getattr(overriding, name) for name in Overriding.__slots__}
        said["category"] = overriding.category.value
        new = {"id": new_id("case"), "approval": approval.id, "proposed": proposed, "at": self._clock.now()}
        return Statement(_Q["override"], {**asked, **said, **new})

    def override_of(self, approval: str) -> Override | None:
        """Returns what somebody did not let stand of what was asked, or None."""
        row = self._database.read_one(_Q["override_of"], {"approval": approval})
        return Override.of(row) if row else None

    def overrides(
        self, *, agent: str = "", category: str = "", after: str = "", limit: int = LIST_LIMIT
    ) -> list[Override]:
        """Returns what people did not let stand, the newest first."""
        parameters = {"agent": agent, "category": category, "after": after, "limit": limit}
        return [Override.of(row) for row in self._database.read(_Q["overrides"], parameters)]

    def overrides_of_run(self, run: str) -> list[Override]:
        """Returns what people did not let stand of one run, step by step."""
        return [Override.of(row) for row in self._database.read(_Q["overrides_of_run"], {"run": run})]

    def override_counts(self, agent: str = "") -> dict[OverrideCategory, int]:
        """Returns how many there are of each category, of one agent or of all."""
        counts = {row["category"]: row["count"] for row in self._database.read(_Q["override_counts"], {"agent": agent})}
        return {category: counts.get(category.value, 0) for category in OverrideCategory}

    def get_override(self, identifier: str) -> Override:
        """Returns an override by its id or the end of it, or raises `NotFoundError`."""
        rows = self._database.read(_Q["overrides_ending"], {"ending": identifier.removeprefix("case_")})
        if len(rows) != 1:
            why = "several end like this" if rows else ""
            raise NotFoundError("No such case", which=identifier, why=why, hint="`remit cases` lists them")
        return Override.of(rows[0])

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

    def give_back(self, approval: str) -> Statement:
        """Makes an approval that was used as it was before: what it was used for has not happened."""
        return Statement(_Q["give_back"], {"id": approval}, refusal="the approval was not used")

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
    roles = tuple(json.loads(row["roles"]))
    return Vote(row["person"], row["answer"], roles, row["digest"], row["reason"], row["at"], row["category"])
