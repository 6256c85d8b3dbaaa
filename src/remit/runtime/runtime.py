"""Tasks become runs, runs have attempts, an attempt drives the agent; what it did is in the gateway's journal."""

from collections.abc import Callable

from remit.audit import make_entry
from remit.core import new_id
from remit.gateway import Gateway, Parts
from remit.identity import Credentials, issue_secret
from remit.journal import LeftRun, Run, RunState, new_executor_name
from remit.runtime.attempts import Attempts
from remit.runtime.forks import fork_run
from remit.runtime.intake import Intake
from remit.runtime.model import Attempt
from remit.store import Commit, CommitRefused, Statement

# No heartbeat of our own refuses us an attempt that we have lost ourselves.
_ANY_HEARTBEAT = 2**62


class Runtime:
    """Takes tasks on and drives attempts of their runs, as one executor among others."""

    def __init__(self, parts: Parts, gateway: Gateway) -> None:
        self._parts = parts
        self.start = Intake(parts).start
        """Takes a task on; see `Intake.start`."""
        self._attempts = Attempts(parts, gateway)
        self._driving: set[str] = set()
        self._draining = False
        self._has_worked = False
        self._on_ready: Callable[[str], object] | None = None
        self.executor = new_executor_name(new_id("x")[-8:])

    def tell(self, on_ready: Callable[[str], object]) -> None:
        """Has `on_ready` called with the id of each run that can go on because of what was done here."""
        self._on_ready = on_ready

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

    async def _drive_once(self, run: Run) -> Run | None:
        """Makes one attempt and returns the run after it; None when there is none to make."""
        secret, kept = issue_secret()
        begin = self._begin(run, kept)
        if not begin or run.id in self._driving:
            return None
        self._driving.add(run.id)  # before it shows in the journal, or it would look like one that broke off
        try:
            if not await self._commit_begin(run, begin):
                return None
            self._parts.reach("after claim")
            await self._attempts.drive(self._attempt(run, secret))
        finally:
            self._driving.discard(run.id)
        after = self._parts.journal.run(run.id)
        self._announce(after)
        return after

    def _begin(self, run: Run, kept: bytes) -> list[Statement]:
        """Returns the statements that begin the next attempt; none when there is nothing to begin."""
        journal = self._parts.journal
        if run.state in (RunState.QUEUED, RunState.WAITING):
            return journal.begin_attempt(run, kept, self.executor)
        left = self._left(run) if run.state is RunState.RUNNING else None
        return journal.take_over(left, kept, self.executor) if left else []

    def _left(self, run: Run) -> LeftRun | None:
        """Returns the running attempt of a run as one that was left, when its process is gone."""
        executor = self._parts.journal.executor(run.id, run.attempt)
        if executor == self.executor:
            return None if run.id in self._driving else LeftRun(run, executor, _ANY_HEARTBEAT)
        return self._parts.executors.left(run, executor)

    async def _commit_begin(self, run: Run, begin: list[Statement]) -> bool:
        heartbeat = self._parts.registry.heartbeat(run.agent, run.version)
        fields = {"number": run.attempt + 1, "executor": self.executor}
        entry = make_entry(run.id, "attempt", run.id, self._parts.clock.now(), fields)
        statements = [*begin, heartbeat, self._parts.executors.beat(self.executor)]
        begun = await self._parts.writer.commit(Commit(statements, [entry], run.id))
        self._has_worked = True
        return not isinstance(begun, CommitRefused)

    def _attempt(self, run: Run, secret: str) -> Attempt:
        return Attempt(
            release=self._parts.releases.get(run.release),
            task=self._parts.journal.task(run.task),
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

    # --- being one executor among others

    async def beat(self) -> None:
        """Says that this process is alive."""
        self._has_worked = True
        await self._parts.writer.commit(Commit([self._parts.executors.beat(self.executor)]))

    def left_runs(self) -> list[str]:
        """Returns the ids of runs whose process is gone, or that broke off here; driving one takes it over."""
        return [left.run.id for left in self._parts.executors.left_runs(self.executor, self._driving)]

    def executors_at_work(self) -> set[str]:
        """Returns the ids of this process and of every other that was heard of lately."""
        return {self.executor, *self._parts.executors.at_work()}

    def drain(self) -> None:
        """Begins no attempt any more; those under way are parked before their next step, ready for somebody else."""
        self._draining = True

    def end(self) -> Statement | None:
        """Returns the statement that says that this process drives nothing any more, if it ever did."""
        return self._parts.executors.end(self.executor) if self._has_worked else None
