"""The model's moves made for real: each commit with the statements of journal, ledger, controls and approvals.

Several copies of one trace go in step, each with runs, budgets and resources of its own: then their commits share
batches, and a database that has set forms uses them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from tests.model.commits import cost_of
from tests.model.search import Trace
from tests.model.state import NOBODY, OVER, PRICE, TAKEN, Move, Scope, State, first

from remit.approvals import Approvals, ApprovalState, Asking, Vote
from remit.controls import Controls
from remit.journal import Claims, Executors, Journal, LeftRun, Places, Run, RunState, Task
from remit.ledger import Budget, Charge, Hold, Ledger
from remit.store import Commit, CommitRefused, CommitResult, Committed, Database, Queries, Statement, Writer
from remit.testing import SettableClock

SECONDS = 1_000.0
LEA = "lea"
_Q = Queries(
    "bench",
    """
-- name: silence
update executors set seen_at = 1 where id = :id
-- name: lapse_lock
update locks set until = 1 where resource = :resource
-- name: lapse_claim
update runs set claimed_until = 1 where id = :run
-- name: rest
update runs set state = 'cancelled', ready_at = null where state in ('queued', 'running', 'waiting')
-- name: look
select runs.state, runs.attempt, claimed_by, ready_at,
  coalesce(nullif(steps.state, 'waiting'), '') as step, coalesce(holds.amount, 0) as hold,
  coalesce((select sum(amount) from charges where charges.run = runs.id), 0) as charged
from runs left join steps on steps.run = runs.id left join holds on holds.run = runs.id where runs.id = :run
""",
)


@dataclass
class Parts:
    """One database, and what speaks to it."""

    database: Database
    writer: Writer
    clock: SettableClock = field(default_factory=SettableClock)
    names: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.journal = Journal(self.database, self.clock)
        self.ledger = Ledger(self.database)
        self.controls = Controls(self.database, self.clock)
        self.approvals = Approvals(self.database, self.clock)
        self.executors = Executors(self.database, self.clock, seconds=SECONDS)

    def now(self, *statements: Statement) -> CommitResult:
        """Commits at once."""
        return self.writer.commit_now(Commit(statements))


class Copy:
    """One copy of the model's world, in a real database."""

    def __init__(self, parts: Parts, scope: Scope, name: str) -> None:
        self.parts, self.scope, self.name = parts, scope, name
        self.tasks: list[Task] = []
        self.runs: list[str] = []
        for number in range(scope.runs):
            task, kept = parts.journal.new_task(agent=f"{name}-{number}", value={}, on_behalf_of="ann")
            run, queued = parts.journal.new_run(task, agent=task.agent, version="1", release=f"{name}-{number}")
            parts.now(*kept, queued)
            self.tasks.append(task)
            self.runs.append(run.id)
        self.budget, self.resource = f"unit:{name}", f"desk:account:{name}"
        parts.now(*parts.ledger.open([Budget(self.budget, scope.cap)]))
        self.left: dict[int, LeftRun] = {}
        self.claims = {
            worker: Claims(parts.clock, executor=self._executor(worker, 0), seconds=SECONDS, places=Places())
            for worker in (0, 1)
        }

    def _executor(self, worker: int, incarnation: int) -> str:
        return f"elsewhere/{worker + 1}/{self.name}-{incarnation}"

    def _me(self, state: State, worker: int) -> str:
        return self._executor(worker, state.workers[worker].incarnation)

    def key(self, run: int) -> str:
        """What a run's only step is known by."""
        return f"{self.runs[run]}:1"

    # --- what is committed

    def commit(self, move: Move, state: State, others: Sequence[str]) -> Commit | None:
        """Returns the commit that a move stands for; nothing for what leaves no trace."""
        build: Callable[[Move, State], list[Statement]] | None = getattr(self, "_" + move.what.replace(" ", "_"), None)
        if move.what == "claim":
            return self._claimed(move, state, others)
        return Commit(build(move, state), key=self.key(move.run) if move.run != NOBODY else "") if build else None

    def _claimed(self, move: Move, state: State, others: Sequence[str]) -> Commit:
        own = [f"{self.name}-{number}" for number in range(self.scope.runs) if number != move.run]
        claims = Claims(self.parts.clock, executor=self._me(state, move.who), seconds=SECONDS, places=Places())
        return claims.claim(room=1, unknown=[*own, *others])

    def _run(self, move: Move, state: State) -> Run:
        """The run as the worker has read it."""
        return replace(self.parts.journal.run(self.runs[move.run]), attempt=state.workers[move.who].attempt)

    def _begin(self, move: Move, state: State) -> list[Statement]:
        me = self._me(state, move.who)
        begun = self.parts.journal.begin_attempt(self._run(move, state), b"secret", me, claimed=True)
        return [*begun, *self._beat(move, state)]

    def _take_over(self, move: Move, state: State) -> list[Statement]:
        taken = self.parts.journal.take_over(self.left[move.who], b"secret", self._me(state, move.who))
        return [*taken, *self._beat(move, state)]

    def _beat(self, move: Move, state: State) -> list[Statement]:
        """A sign of life; from who lapsed none counts any more."""
        return [] if state.workers[move.who].lapsed else [self.parts.executors.beat(self._me(state, move.who))]

    def _permit(self, move: Move, state: State) -> list[Statement]:
        me, parts, run = state.workers[move.who], self.parts, self.runs[move.run]
        seen = {self.resource: 0 if me.seen == TAKEN else me.seen}
        return [
            self._guard(),
            self._opened(move, state),
            *parts.controls.lock([self.resource], self.key(move.run), SECONDS, seen=seen),
            *parts.ledger.reserve(run, 1, PRICE, [Budget(self.budget, self.scope.cap)]),
        ]

    def _guard(self) -> Statement:
        return self.parts.controls.guard([f"unit:{self.name}", f"tool:{self.name}"])

    def _opened(self, move: Move, state: State, query: str = "open_step", **more: Any) -> Statement:
        fields: dict[str, Any] = {"run": self.runs[move.run], "step": 1, "attempt": state.workers[move.who].attempt}
        fields |= {"kind": "tool", "name": f"desk__{self.scope.tool}", "asked": "asked", "decision": "dec"}
        fields |= {"judged": "judged", "approval": "", "at": self.parts.clock.now()}
        more = more or {"sent": "judged", "state": "decided"}
        return self.parts.journal.write_step(query, **fields, **more)

    def _resume(self, move: Move, state: State) -> list[Statement]:
        journal, run = self.parts.journal, self.runs[move.run]
        return [
            journal.guard(run, state.workers[move.who].attempt),
            journal.guard_open(run, 1),
            self._guard(),
            *self.parts.controls.lock([self.resource], self.key(move.run), SECONDS),
        ]

    def _renew(self, move: Move, state: State) -> list[Statement]:
        pen = self.parts.journal.guard(self.runs[move.run], state.workers[move.who].attempt)
        return [pen, self.parts.executors.beat(self._me(state, move.who))]

    def _deny(self, move: Move, state: State) -> list[Statement]:
        return [self._opened(move, state, "deny_step", result="denied", refused_at=9)]

    def _outcome(self, move: Move, state: State) -> list[Statement]:
        return self._closed(move, "close_step", cost_of(state.workers[move.who]))

    def _not_sent(self, move: Move, state: State) -> list[Statement]:
        latest = self.parts.journal.guard_latest(self.runs[move.run], state.workers[move.who].attempt)
        return [latest, *self._closed(move, "close_step", 0)]

    def _withdraw(self, move: Move, state: State) -> list[Statement]:
        parts, run = self.parts, self.runs[move.run]
        return [
            parts.journal.guard(run, state.workers[move.who].attempt),
            parts.journal.write_step("withdraw_step", run=run, step=1),
            *parts.controls.unlock([self.resource], self.key(move.run)),
            *parts.ledger.release(run, 1, Hold(PRICE, (self.budget,))),
        ]

    def _late_outcome(self, move: Move, state: State) -> list[Statement]:
        parts, row = self.parts, self.parts.journal.step(self.runs[move.run], 1)
        assert row is not None
        came = parts.approvals.close(row.approval, ApprovalState.WITHDRAWN, "it came after all")
        closed, *others = self._closed(move, "close_doubted", cost_of(state.workers[move.who]))
        return [closed, came, parts.journal.ready(self.runs[move.run]), *others]

    def _told(self, move: Move, state: State) -> list[Statement]:
        return self._closed(move, "close_doubted", PRICE if state.runs[move.run].answer == "yes" else 0)

    def _closed(self, move: Move, query: str, cost: int) -> list[Statement]:
        parts, run = self.parts, self.runs[move.run]
        more = {"result": "result", "is_error": 0, "cost": cost, "at": parts.clock.now()}
        charge = Charge(
            run, 1, self.tasks[move.run].id, "a", "1", "u", "tool", "t", cost, True, "live", 0, 0, parts.clock.now()
        )
        return [
            parts.journal.write_step(query, run=run, step=1, **more),
            *parts.controls.unlock([self.resource], self.key(move.run)),
            *parts.ledger.settle(run, 1, Hold(PRICE, (self.budget,)), charge),
        ]

    def _doubt(self, move: Move, _: State) -> list[Statement]:
        run, task = self.runs[move.run], self.tasks[move.run]
        asking = Asking(
            "unknown", run, 1, task.id, "a", "1", "t", "judged", "judged", ((("lead", 1),),), "?", "ann", 2**62
        )
        identifier, asked = self.parts.approvals.ask(asking)
        return [self.parts.journal.write_step("doubt_step", run=run, step=1, approval=identifier), asked]

    def _park(self, move: Move, state: State) -> list[Statement]:
        why = state.workers[move.who].at.removeprefix("park for ")
        until = self.parts.clock.now() if why == "upstream" else None
        attempt = state.workers[move.who].attempt
        return self.parts.journal.park(self.runs[move.run], attempt, "waits", waits_for=why, until=until)

    def _end(self, move: Move, state: State) -> list[Statement]:
        attempt = state.workers[move.who].attempt
        return self.parts.journal.end(self._run(move, state), attempt, RunState.DONE, output=None)

    # --- people, time and faults

    def _answer(self, move: Move, state: State) -> list[Statement]:
        parts, run = self.parts, self.runs[move.run]
        (asked,) = [one for one in parts.approvals.of_run(run) if one.state is ApprovalState.PENDING]
        yes = bool(state.runs[move.run].happened)
        vote = Vote(LEA, "approve" if yes else "reject", ("lead",), asked.digest, "looked", parts.clock.now())
        return [*parts.approvals.answer(asked, vote, proposed=asked.proposed)[1], parts.journal.ready(run)]

    def _stop(self, _: Move, __: State) -> list[Statement]:
        return [self.parts.controls.switch(f"tool:{self.name}", stopped=True, because="b", by=LEA)]

    def _go_on(self, _: Move, __: State) -> list[Statement]:
        reset = self.parts.controls.switch(f"tool:{self.name}", stopped=False, because="b", by=LEA)
        return [reset, self.parts.journal.ready_stopped()]

    def _cancel(self, move: Move, _: State) -> list[Statement]:
        run = self.runs[move.run]
        return [self.parts.journal.cancel(run, "enough"), self.parts.journal.stop_attempt(run)]

    def _claim_lapses(self, move: Move, _: State) -> list[Statement]:
        self.parts.now(Statement(_Q["lapse_claim"], {"run": self.runs[move.run]}))
        return [*self.claims[0].expire().statements]

    def _the_lock_lapses(self, _: Move, __: State) -> list[Statement]:
        return [Statement(_Q["lapse_lock"], {"resource": self.resource})]

    def _is_killed(self, move: Move, state: State) -> list[Statement]:
        return [Statement(_Q["silence"], {"id": self._me(state, move.who)}, want=None)]

    _is_not_heard_of = _finds_that_it_lapsed_and_ends_itself = _is_killed

    def _is_heard_of_again(self, move: Move, state: State) -> list[Statement]:
        return self._beat(move, state.with_worker(move.who, lapsed=False))

    def before(self, move: Move, state: State) -> None:
        """Looks at what the move is based on, and checks that the model sees the same."""
        if move.what == "reads" and state.runs[move.run].step == "" and not state.stopped:
            free = state.holder == NOBODY or state.is_expired
            assert self.parts.controls.look([self.resource]) == {self.resource: state.fence if free else 0}
        if move.what == "finds it left":
            run = self.parts.journal.run(self.runs[move.run])
            left = self.parts.executors.left(run, self._executor(*state.runs[move.run].owner))
            assert left is not None
            self.left[move.who] = left

    # --- what must be so after it

    def check(self, state: State) -> None:
        """Every run, step, hold, budget and lock stands as the model says."""
        for number, run in enumerate(state.runs):
            row = self.parts.database.read_one(_Q["look"], {"run": self.runs[number]})
            assert row is not None
            seen = [row[name] for name in ("state", "attempt", "step", "hold", "charged")]
            wanted = [run.state, run.attempt, run.step, run.hold, run.charged]
            assert seen == wanted, (seen, wanted)
            assert (row["ready_at"] is not None) == run.is_ready, run
            if run.state not in OVER:
                claimed = (row["claimed_by"] or "").rpartition("-")[0]
                by = "" if run.claimed == NOBODY else self._executor(run.claimed, 0).rpartition("-")[0]
                assert claimed == by, (claimed, by)
        budget = self.parts.ledger.budget(self.budget)
        assert budget is not None
        assert (budget.held, budget.spent) == (state.held, state.spent)
        mine = [held for held in self.parts.controls.locks() if held[0] == self.resource]
        assert mine == ([] if state.holder == NOBODY else [(self.resource, self.key(state.holder))])


def new_copies(parts: Parts, scope: Scope, number: int) -> list[Copy]:
    """Returns copies of the model's first state; what others have left behind is over."""
    parts.now(Statement(_Q["rest"], {}, want=None))
    return [Copy(parts, scope, f"copy{next(parts.names)}") for _ in range(number)]


def replay(parts: Parts, scope: Scope, trace: Trace, copies: Sequence[Copy]) -> None:
    """Makes the moves of a trace in all copies, in step, and compares every answer and what stands after it."""
    state = first(scope)
    names = [f"{copy.name}-{number}" for copy in copies for number in range(scope.runs)]
    for move, after in trace:
        for copy in copies:
            copy.before(move, state)
        wanted = [copy.commit(move, state, _others(names, copy)) for copy in copies]
        if commits := [commit for commit in wanted if commit is not None]:
            for answer in [future.result() for future in [parts.writer.submit(each) for each in commits]]:
                refused = answer.statement if isinstance(answer, CommitRefused) else ""
                assert refused == move.refused, (str(move), answer)
                assert move.what != "claim" or (isinstance(answer, Committed) and len(answer.rows[1]) == 1)
        for copy in copies:
            copy.check(after)
        state = after


def _others(names: Sequence[str], copy: Copy) -> list[str]:
    return [name for name in names if not name.startswith(f"{copy.name}-")]
