"""Tasks become runs, runs have attempts, an attempt drives the agent; what it did is in the gateway's journal."""

from collections.abc import Callable
from dataclasses import replace

from remit.audit import make_entry
from remit.core import new_id
from remit.gateway import Gateway, Parts
from remit.identity import Credentials, issue_secret
from remit.journal import LeftRun, Run, RunState, new_executor_name
from remit.runtime.attempts import Attempts
from remit.runtime.forks import fork_run
from remit.runtime.intake import Intake
from remit.runtime.model import Attempt
from remit.runtime.outages import Outages
from remit.runtime.pulse import Moment, Pulse
from remit.store import Commit, CommitRefused, Committed, Statement

# No heartbeat of our own refuses us an attempt that we have lost ourselves.
_ANY_HEARTBEAT = 2**62


class Runtime:
    """Takes tasks on and drives attempts of their runs, as one executor among others."""

    def __init__(self, parts: Parts, gateway: Gateway, *, fences: bool = False) -> None:
        """With `fences` it does not trust itself any more once others may have taken over what it drives."""
        self._parts = parts
        self._fences = fences
        self.start = Intake(parts).start
        """Takes a task on; see `Intake.start`."""
        self._attempts = Attempts(parts, gateway)
        self._driving: set[str] = set()
        self.preparing = 0
        """How many runs wait for their releases to be compiled."""
        self._own_since: dict[tuple[str, int], Moment] = {}
        """Attempts driven here, by run and number: the sign of life that came with the latest proof that it is ours."""
        self._told_loaded: frozenset[str] | None = None
        self._draining = False
        self._has_worked = False
        self._on_ready: Callable[[str], object] | None = None
        self._on_taken_over: Callable[[LeftRun], object] | None = None
        self._pulse = Pulse(parts.clock, parts.settings.limits.executor_seconds)
        self.executor = new_executor_name(new_id("x")[-8:])
        gateway.ask_before_sending(self.may_send)
        outages = Outages(parts, lambda: self.executor)
        parts.upstreams.tell(outages.note, outages.call)

    def tell(self, on_ready: Callable[[str], object]) -> None:
        """Has `on_ready` called with the id of each run that can go on because of what was done here."""
        self._on_ready = on_ready

    def tell_of_takeovers(self, on_taken_over: Callable[[LeftRun], object]) -> None:
        """Has `on_taken_over` called with each run that was taken over from another process, as that had left it."""
        self._on_taken_over = on_taken_over

    async def fork(
        self, run_id: str, step: int, *, by: str, effects: bool = False, current: bool = False, because: str = ""
    ) -> Run:
        """Queues a new run that begins with the steps of another before `step`; see `fork_run`."""
        run = self._parts.journal.run(run_id)
        return await fork_run(self._parts, run, step, by=by, effects=effects, current=current, because=because)

    # --- driving

    async def drive(self, run_id: str) -> Run:
        """Begins the next attempt of a run and drives it until it ends or has to wait; returns the run after it.

        Any number of callers may try; the journal lets one attempt at a time hold the pen. An attempt whose process
        is gone is taken over; one that may be alive is left alone.
        """
        run = self._parts.journal.run(run_id)
        while not self._draining:
            after = await self._drive_once(run)
            if after is None:
                return self._parts.journal.run(run_id)
            if not after.is_ready(self._parts.clock.now()):
                return after
            run = after  # what it waited for came while it was being parked
        return run

    async def drive_claimed(self, run: Run) -> None:
        """Makes one attempt of a run that this process has claimed, if it still has."""
        self._parts.reach("claimed")
        if not self._draining:
            await self._drive_once(run, claimed=True)

    async def take_over(self, run_id: str) -> None:
        """Makes one attempt of a run that its process has left in the middle of one."""
        run = self._parts.journal.run(run_id)
        if run.state is RunState.RUNNING and not self._draining:
            await self._drive_once(run)

    async def _drive_once(self, run: Run, *, claimed: bool = False) -> Run | None:
        """Makes one attempt and returns the run after it; None when there is none to make, or nothing follows from it."""
        secret, kept = issue_secret()
        left = self._left(run) if run.state is RunState.RUNNING else None
        begin = self._begin(run, left, kept, claimed=claimed)
        if not begin or run.id in self._driving:
            return None
        self._driving.add(run.id)  # before it shows in the journal, or it would look like one that broke off
        try:
            await self._prepare(run)
            if self._draining:
                return None
            if left is not None:
                self._parts.reach("taking over")
            if not await self._commit_begin(run, begin, kept):
                return None
            if left is not None and left.executor != self.executor and self._on_taken_over is not None:
                self._on_taken_over(left)
            self._parts.reach("after claim")
            is_done = await self._attempts.drive(self._attempt(run, secret))
        finally:
            self._driving.discard(run.id)
            self._own_since.pop((run.id, run.attempt + 1), None)
        if is_done and claimed and not run.is_child:  # nobody here goes on because of it
            return None
        after = self._parts.journal.run(run.id)
        self._announce(after)
        return after

    async def _prepare(self, run: Run) -> None:
        self.preparing += 1
        try:
            await self._parts.releases.prepare(run.release)
        finally:
            self.preparing -= 1

    def _begin(self, run: Run, left: LeftRun | None, kept: bytes, *, claimed: bool) -> list[Statement]:
        """Returns the statements that begin the next attempt; none when there is nothing to begin."""
        journal = self._parts.journal
        if run.state in (RunState.QUEUED, RunState.WAITING):
            return journal.begin_attempt(run, kept, self.executor, claimed=claimed)
        return journal.take_over(left, kept, self.executor) if left else []

    def _left(self, run: Run) -> LeftRun | None:
        """Returns the running attempt of a run as one that was left, when its process is gone."""
        executor = self._parts.journal.executor(run.id, run.attempt)
        if executor == self.executor:
            return None if run.id in self._driving else LeftRun(run, executor, _ANY_HEARTBEAT)
        return self._parts.executors.left(run, executor)

    async def _commit_begin(self, run: Run, begin: list[Statement], secret: bytes) -> bool:
        heartbeat = self._parts.registry.heartbeat(run.agent, run.version)
        fields = {"number": run.attempt + 1, "executor": self.executor}
        now = self._parts.clock.now()
        entry = make_entry(run.id, "attempt", run.id, now, fields)
        moment = self._pulse.now()
        statements = [*begin, heartbeat, self._parts.executors.beat(self.executor)]
        begun = await self._parts.writer.commit(Commit(statements, [entry], run.id))
        self._has_worked = True
        if isinstance(begun, CommitRefused):
            return False
        self._pulse.said(moment)
        self._own_since[run.id, run.attempt + 1] = moment
        self._remember(run, secret, now)
        return True

    def _remember(self, run: Run, secret: bytes, at: int) -> None:
        """Spares the steps of this attempt from looking up what its begin has said."""
        number = run.attempt + 1
        now = replace(run, state=RunState.RUNNING, attempt=number, secret=secret, ready_at=None, waits_for="")
        self._parts.journal.underway.began(now, at)
        if number == 1 and run.parent_run is None and not run.undoes:
            self._parts.approvals.begins(run.task, run.id, number)

    def _attempt(self, run: Run, secret: str) -> Attempt:
        return Attempt(
            release=self._parts.releases.get(run.release),
            task=self._parts.journal.underway.task(run.task),
            run=run,
            credentials=Credentials(run.id, run.attempt + 1, secret),
            is_draining=lambda: self._draining,
        )

    def _announce(self, run: Run) -> None:
        """Tells whoever drives runs here of those this attempt has made ready: a child, or the giver of one."""
        if self._on_ready is None:
            return
        if run.state is RunState.WAITING and (child := self._parts.journal.find_run(run.waits_for)):
            self._on_ready(child.id)
        if run.state.is_over and run.is_child and run.parent_run:
            self._on_ready(run.parent_run)
        if run.state is RunState.FAILED:  # its contract may have it undone at once
            for rollback in self._parts.journal.undoing.open_rollbacks(run.id):
                self._on_ready(rollback.id)

    # --- being one executor among others

    async def beat(self) -> None:
        """Says that this process is alive, and which releases it has loaded, if that is news."""
        self._has_worked = True
        moment, loaded = self._pulse.now(), frozenset(self._parts.releases)
        told = [self._parts.executors.beat(self.executor), self._parts.executors.database_time()]
        if loaded != self._told_loaded:
            told.append(self._parts.executors.loads(self.executor, loaded))
        result = await self._parts.writer.commit(Commit(told))
        self._told_loaded = loaded
        self._pulse.said(moment)
        for row in result.rows[1] if isinstance(result, Committed) else ():
            self._pulse.compared(moment, row["now"])

    async def may_send(self, run: str, attempt: int) -> bool:
        """Whether a call that was permitted may still be sent: nobody has taken the run over.

        While others hear of this process in time, they leave its runs alone. Once they may not have, it says that it is
        alive and asks for the pen in one commit. A call that outlives its attempt here is asked about each time.
        """
        since = self._own_since.get((run, attempt))
        if since is None and self._parts.journal.executor(run, attempt) != self.executor:
            return True  # it is not driven by any process of ours
        while since is None or not self._pulse.was_heard_since(since):
            since = moment = self._pulse.now()
            pen, alive = self._parts.journal.guard(run, attempt), self._parts.executors.beat(self.executor)
            if isinstance(await self._parts.writer.commit(Commit([pen, alive])), CommitRefused):
                return False
            self._pulse.said(moment)
            if (run, attempt) in self._own_since:
                self._own_since[run, attempt] = moment
        return True

    def fault(self) -> str:
        """Returns why others may have taken over what this process drives; empty when it can trust itself.

        One that does not fence itself goes on: what it has lost is refused by attempt number.
        """
        return self._pulse.fault() if self._fences else ""

    def left_runs(self) -> list[str]:
        """Returns the ids of runs whose process is gone, or that broke off here; driving one takes it over.

        Those whose release is not loaded here are left to processes that have it.
        """
        left = self._parts.executors.left_runs(self.executor, self._driving)
        return [each.run.id for each in left if each.run.release in self._parts.releases]

    def drain(self) -> None:
        """Begins no attempt any more; those under way are parked before their next step, ready for somebody else."""
        self._draining = True

    def end(self) -> Statement | None:
        """Returns the statement that says that this process drives nothing any more, if it ever did."""
        return self._parts.executors.end(self.executor) if self._has_worked else None
