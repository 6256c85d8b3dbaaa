"""A history of work, written as the rest of Remit writes it and kept plainly beside, to count it in another way."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remit.approvals import ApprovalKind, Approvals, ApprovalState, Asking, Vote, VoteAnswer
from remit.audit import Log, load_or_create_key, make_entry
from remit.core import Settings
from remit.journal import Feedback, FeedbackKind, Journal, Origin, Run, Task
from remit.kpis import Kpis
from remit.ledger import Charge, ChargeKind, Ledger, Source
from remit.store import Commit, CommitRefused, Query, Statement
from remit.testing import SettableClock
from store.opened import Store, open_store

UNITS = {("ada", "1.0.0"): "care", ("bob", "1.0.0"): "care", ("cy", "1.0.0"): "sales", ("cy", "2.0.0"): "care"}
"""Which unit each agent version works for."""
VERSION = Query(
    "test.version",
    "insert into versions (agent, version, contract, release, unit, class, owner, created_at)"
    " values (:agent, :version, 'c', 'r', :unit, 'x', 'o', 0)",
)
DENIED = Query(
    "test.denied",
    "insert into steps (run, step, attempt, kind, name, asked, state, decision, at)"
    " values (:run, :step, :attempt, 'tool', 'shop__look', 'd', 'denied', 'dec', 0)",
)
STATES = {
    "runs": Query("test.runs", "select state, count(*) as count from runs group by state order by state"),
    "tasks": Query("test.tasks", "select state, count(*) as count from tasks group by state order by state"),
    "approvals": Query("test.asked", "select state, count(*) as count from approvals group by state order by state"),
}
"""How many there are in each state, counted the plain way."""
PEOPLE = ("pia", "quin")


@dataclass
class Asked:
    """A question as somebody remembers it."""

    id: str
    kind: ApprovalKind
    at: int
    effects: bool
    answers: dict[str, tuple[VoteAnswer, int]] = field(default_factory=dict[str, "tuple[VoteAnswer, int]"])
    carried_out_at: int | None = None
    closed_at: int | None = None
    state: ApprovalState = ApprovalState.PENDING


@dataclass
class Work:
    """A task as somebody remembers it."""

    task: Task
    unit: str
    runs: list[Run]
    created_at: int
    outcome: str = ""
    ended_at: int | None = None
    charges: list[Charge] = field(default_factory=list[Charge])
    asked: list[Asked] = field(default_factory=list[Asked])
    denied: int = 0
    said: list[tuple[FeedbackKind, int | None]] = field(default_factory=list["tuple[FeedbackKind, int | None]"])

    @property
    def agent(self) -> str:
        """Whose task it is."""
        return self.task.agent


class History:
    """Work that is done, and figures that count it."""

    def __init__(self, store: Store, clock: SettableClock, settings: Settings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self.journal, self.ledger = Journal(store.database, clock), Ledger(store.database)
        self.approvals = Approvals(store.database, clock)
        self.kpis = Kpis(store.database, settings)
        self.works: list[Work] = []
        versions = ({"agent": agent, "version": version, "unit": unit} for (agent, version), unit in UNITS.items())
        store.commit(*(Statement(VERSION, version) for version in versions))

    def take_on(self, agent: str, version: str = "1.0.0") -> Work:
        """Begins a task."""
        task, statements = self.journal.new_task(agent=agent, value={}, on_behalf_of="ann")
        run, queued = self.journal.new_run(task, agent=agent, version=version, release="r")
        self._commit(run, "run.queued", *statements, queued)
        work = Work(task, UNITS[agent, version], [run], self.clock.now())
        self.works.append(work)
        return work

    def charge(
        self,
        work: Work,
        kind: ChargeKind,
        amount: int,
        *,
        priced: bool = True,
        source: Source = "live",
        agent: str = "",
    ) -> None:
        """Charges something; another agent than the task's is one it handed work to."""
        run, step = work.runs[-1], len(work.charges) + 1
        charge = Charge(
            run=run.id, step=step, task=work.task.id, agent=agent or run.agent, version=run.version, unit=work.unit,
            kind=kind, name="x", amount=amount, priced=priced, source=source, input_tokens=3, output_tokens=2,
            at=self.clock.now(),
        )  # fmt: skip
        self._commit(run, "outcome", *self.ledger.settle(run.id, step, None, charge))
        work.charges.append(charge)

    def deny(self, work: Work, *, copied: bool = False) -> None:
        """Denies an action; `copied` is one a fork begins with."""
        run = work.runs[-1]
        step = {"run": run.id, "step": len(self.journal.steps(run.id)) + 1, "attempt": int(not copied)}
        self._commit(run, "decision", Statement(DENIED, step))
        work.denied += run.effects and not copied

    def ask(self, work: Work, kind: ApprovalKind, *, people: int = 1) -> Asked:
        """Asks people something."""
        run = work.runs[-1]
        identifier, statement = self.approvals.ask(
            Asking(
                kind=kind,
                run=run.id,
                step=1,
                task=work.task.id,
                agent=run.agent,
                version=run.version,
                name="x",
                digest="d",
                proposed="d",
                needs=((("lead", people),),),
                because="b",
                on_behalf_of="ann",
                expires_at=2**62,
            )
        )
        self._commit(run, "decision", statement)
        asked = Asked(identifier, kind, self.clock.now(), run.effects)
        work.asked.append(asked)
        return asked

    def answer(self, work: Work, asked: Asked, answer: VoteAnswer, person: str = "pia") -> None:
        """Answers a question."""
        vote = Vote(person, answer, ("lead",), "d", "r", self.clock.now())
        state, statements = self.approvals.answer(self.approvals.get(asked.id), vote, proposed="d")
        self._commit(work.runs[-1], "approval", *statements)
        asked.answers[person], asked.state = (answer, self.clock.now()), state

    def carry_out(self, work: Work, asked: Asked) -> None:
        """Does what an agent may only propose."""
        self._commit(work.runs[-1], "decision", self.approvals.act_on(self.approvals.get(asked.id), "did it"))
        asked.carried_out_at, asked.state = self.clock.now(), ApprovalState.USED

    def close(self, work: Work, asked: Asked) -> None:
        """Withdraws a question."""
        self._commit(work.runs[-1], "approval", self.approvals.close(asked.id, ApprovalState.WITHDRAWN, "r"))
        asked.closed_at, asked.state = self.clock.now(), ApprovalState.WITHDRAWN

    def say(self, work: Work, kind: FeedbackKind, score: int | None = None) -> None:
        """Hands in what those served say of a task."""
        key = str(len(work.said))
        said = Feedback(work.task.id, "survey", key, kind, score, "d", self.clock.now())
        self._commit(work.runs[0], "feedback", self.journal.keep_feedback(said))
        work.said.append((kind, score))

    def end(self, work: Work, outcome: str) -> None:
        """Ends a task; one that has ended stays as it is."""
        state = {"success": "done", "cancelled": "cancelled"}.get(outcome, "failed")
        self._commit(work.runs[-1], "run.completed", self.journal.end_task(work.task.id, state, outcome))
        if work.ended_at is None:
            work.outcome, work.ended_at = outcome, self.clock.now()

    def cancel_run(self, work: Work) -> None:
        """Cancels the newest run of a task, if it is not over; the task stays open."""
        run = self.journal.run(work.runs[-1].id)
        if not run.state.is_over:
            self._commit(run, "run.cancelled", self.journal.cancel(run.id, "r"))

    def fork(self, work: Work, *, effects: bool) -> None:
        """Begins another run of a task, which opens it again when it had failed."""
        last = work.runs[-1]
        origin = Origin(parent_run=last.id, forked_at=1, effects=effects)
        run, queued = self.journal.new_run(
            work.task, agent=last.agent, version=last.version, release="r", origin=origin
        )
        reopen = [self.journal.reopen_task(work.task.id)] if effects else []
        self._commit(run, "run.forked", queued, *reopen)
        work.runs.append(run)
        if effects and work.outcome != "success":
            work.outcome, work.ended_at = "", None

    def roll_up(self, limit: int = 1_000_000) -> bool:
        """Counts what is there once and for all; whether there was something."""
        commit = self.kpis.roll_up(limit=limit)
        return commit is not None and not self.refused(commit)

    def roll_up_all(self) -> None:
        """Counts until nothing is left."""
        while self.roll_up():
            pass

    def refused(self, commit: Commit) -> bool:
        """Commits; whether it was refused."""
        return isinstance(self.store.writer.commit_now(commit), CommitRefused)

    def _commit(self, run: Run, kind: str, *statements: Statement) -> None:
        entry = make_entry(run.id, kind, run.id, self.clock.now(), {})
        assert not self.refused(Commit(statements, [entry]))


@contextmanager
def open_history(folder: Path, **settings: Any) -> Generator[History]:
    """Opens an empty history in `folder`."""
    clock = SettableClock()
    with open_store(folder) as bare:  # the log needs the database, and the writer the log
        log = Log(bare.database, load_or_create_key(folder / "log.key", "test"), clock)
    with open_store(folder, appender=log) as store:
        yield History(store, clock, Settings(**settings))
