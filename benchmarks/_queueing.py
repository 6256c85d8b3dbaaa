"""A queueing model of one cell, event by event: cores, processes, commits that gather, and people who take their time.

A process does one burst of its work at a time, on one of the machine's cores, which the database server shares. A step is
a burst, a commit of the decision, another burst, and a commit of the outcome; an attempt has a burst and a commit more at
either end. Commits of a process gather while one is under way and go together: a transaction takes CPU of the process and
of the server by itself, and of the server for each commit in it. So what a step costs is not given: alone it has two
transactions for itself, in a crowd a small share of them. Each process moves what was committed into the log, in
transactions of their own, and looks around a little even when there is nothing to do.

How often it looks, rests and gathers is read from the product. One process takes tasks on and answers for people.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from remit.runtime.claims import LONGEST_REST, REST, SHORTEST_REST
from remit.runtime.worker import LOOK_SECONDS
from remit.store import writer
from remit.store.postgresql.sequencer import GATHER_SECONDS

STEPS = 8
# Of an attempt: two for each step, and one more at its begin and at its end.
BURSTS = 2 * STEPS + 2
# The step before which some tasks wait for a person: the payment.
ASKED_AT = 5
# A process that has nothing to do looks around so often; how much that costs in a second is measured.
AROUND_SECONDS = 0.1
# How often the thread that commits takes up the interpreter: to send, to commit, and to answer.
TURNS = 3
Then = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Costs:
    """What one cell's work takes, in seconds of CPU; all of it measured on one."""

    burst: float
    """A worker's, between two commits of a task."""
    transaction: float = 0.0
    """A process's, for a transaction with any number of commits."""
    server_commit: float = 0.0
    """The database server's for a commit; 0 where the database is part of the worker."""
    server_transaction: float = 0.0
    """The server's for a transaction, besides its commits."""
    flush: float = 0.0
    """A transaction's round trips and flush, without CPU."""
    turn: float = 0.005
    """How long the thread that commits waits for the interpreter while others in its process have work."""
    intake: float = 0.0
    """Taking a task on."""
    worker_idle: float = 0.0
    """A worker's in a second with nothing to do; the same for those below."""
    intake_idle: float = 0.0
    server_idle: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What a cell runs on, and how its processes look around."""

    cores: int
    workers: int
    slots: int = 300
    """Runs that a worker has under way at most."""
    look: float = LOOK_SECONDS
    """How often an idle worker looks for tasks; with 0 it knows at once."""
    moves: bool = False
    """Whether entries are moved into the log in transactions of their own."""


@dataclass(slots=True)
class Outcome:
    """What came of the simulated tasks, in seconds."""

    wall: float = 0.0
    ended: int = 0
    tasks: list[float] = field(default_factory=list[float])
    """From taking on to end, without those that waited for people."""
    attempts: list[float] = field(default_factory=list[float])
    core_busy: float = 0.0
    bursts: int = 0  # of workers for tasks
    commits: int = 0
    worker_transactions: int = 0
    transactions: int = 0  # of all processes


@dataclass(slots=True, eq=False)
class _Task:
    waits: bool
    taken_on: float = 0.0
    commits: int = 0
    began: float = 0.0
    parked: bool = False


@dataclass(slots=True, eq=False)
class _Process:
    phase: float
    """When its first look is."""
    idle: float
    bursts: deque[tuple[float, Then]] = field(default_factory=deque[tuple[float, Then]])
    turns: deque[tuple[float, float, Then]] = field(default_factory=deque[tuple[float, float, Then]])
    """What the threads that commit and move want to do, and since when."""
    is_busy: bool = False
    gathering: list[Then] = field(default_factory=list[Then])
    is_committing: bool = False
    waits: object = None  # while a batch after a large one gathers
    has_committed: bool = False
    is_moving: bool = False
    """Whether its sequencer is at it, or lets entries gather."""
    under_way: int = 0
    is_called: bool = False
    rested: float = 0.0


class CellModel:
    """Simulates one cell."""

    def __init__(self, costs: Costs, machine: Machine, *, person: float = 0.2, seed: int = 1) -> None:
        self._costs = costs
        self._machine = machine
        self._person = person
        self._drawn = random.Random(seed)
        self._now = 0.0
        self._events: list[tuple[float, int, Then]] = []
        self._numbers = itertools.count()
        self._free_cores = machine.cores
        self._for_core: deque[tuple[float, Then]] = deque()
        looks = (self._drawn.random() * machine.look for _ in range(machine.workers))
        self._workers = [_Process(phase, costs.worker_idle) for phase in looks]
        self._intake = _Process(0.0, costs.intake_idle)
        self._queue: deque[_Task] = deque()
        self._unfinished = 0
        self._waiting_entries = False
        self._log_is_taken = False
        self.outcome = Outcome()

    def run(self, arrivals: Sequence[float], *, asked: float = 0.05, taken_on: bool = False) -> Outcome:
        """Plays tasks that arrive at these moments; a share of them waits for a person.

        With `taken_on` they were, before: the workers find them all at their first look.
        """
        self._unfinished = len(arrivals)
        for at in arrivals:
            task = _Task(waits=self._drawn.random() < asked)
            self._at(at, lambda task=task: self._queued(task) if taken_on else self._take_on(task))
        for process in (*self._workers, self._intake):
            self._look_around(process)
        self._serve_nobody()
        while self._events:
            self._now, _, happens = heapq.heappop(self._events)
            happens()
        self.outcome.wall -= arrivals[0] if arrivals else 0.0
        return self.outcome

    def _at(self, moment: float, happens: Then) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happens))

    # --- tasks

    def _take_on(self, task: _Task) -> None:
        def made() -> None:
            task.taken_on = self._now
            self._commit(self._intake, lambda: self._queued(task))

        self._burst(self._intake, self._about(self._costs.intake), made)

    def _queued(self, task: _Task) -> None:
        self._queue.append(task)
        for worker in self._workers:
            self._call(worker)

    def _call(self, worker: _Process, *, at_once: bool = False) -> None:
        """Has a worker claim at its next look, or as soon as it has rested."""
        if worker.is_called or not self._queue or worker.under_way >= self._machine.slots:
            return
        worker.is_called = True
        look, at = self._machine.look, self._now
        if look and not at_once:
            at = worker.phase + -((worker.phase - self._now) // look) * look
        self._at(max(at, worker.rested, self._now), lambda: self._claim(worker))

    def _claim(self, worker: _Process) -> None:
        worker.is_called, began = False, self._now
        room = self._machine.slots - worker.under_way
        claimed = [self._queue.popleft() for _ in range(min(room, len(self._queue)))]
        if not claimed:
            return
        worker.under_way += len(claimed)

        def stands() -> None:
            rest = REST * (self._now - began)
            worker.rested = self._now + (min(LONGEST_REST, max(SHORTEST_REST, rest)) if self._machine.look else 0.0)
            for task in claimed:
                self._begin(worker, task)
            self._call(worker, at_once=True)

        self._commit(worker, stands)

    def _begin(self, worker: _Process, task: _Task) -> None:
        def made() -> None:
            task.began = self._now
            self._commit(worker, lambda: self._go_on(worker, task))

        self._work(worker, made)

    def _go_on(self, worker: _Process, task: _Task) -> None:
        if task.commits == 2 * STEPS:
            self._work(worker, lambda: self._ended(worker, task))
            return

        def stands() -> None:
            task.commits += 1
            if task.waits and not task.parked and task.commits == 2 * ASKED_AT + 1:
                self._park(worker, task)
            else:
                self._go_on(worker, task)

        self._work(worker, lambda: self._commit(worker, stands))

    def _park(self, worker: _Process, task: _Task) -> None:
        """Asks a person: the attempt ends, and after the answer the task is queued again, before the same step."""
        task.parked, task.commits = True, task.commits - 1
        self.outcome.attempts.append(self._now - task.began)
        answered = self._now + self._drawn.expovariate(1 / self._person)

        def stands() -> None:
            self._at(answered, lambda: self._commit(self._intake, lambda: self._queued(task)))
            self._leave(worker)

        self._commit(worker, stands)

    def _ended(self, worker: _Process, task: _Task) -> None:
        self.outcome.attempts.append(self._now - task.began)
        if not task.waits:
            self.outcome.tasks.append(self._now - task.taken_on)

        def stands() -> None:
            self._unfinished -= 1
            self.outcome.ended += 1
            self.outcome.wall = self._now
            self._leave(worker)

        self._commit(worker, stands)

    def _leave(self, worker: _Process) -> None:
        worker.under_way -= 1
        self._call(worker)

    # --- bursts of work

    def _about(self, mean: float) -> float:
        """Draws how long something takes: an exponential time stands for what is neither constant nor known."""
        return self._drawn.expovariate(1 / mean) if mean else 0.0

    def _work(self, worker: _Process, done: Then) -> None:
        self.outcome.bursts += 1
        self._burst(worker, self._about(self._costs.burst), done)

    def _burst(self, process: _Process, seconds: float, done: Then) -> None:
        process.bursts.append((seconds, done))
        self._next_burst(process)

    def _turn(self, process: _Process, seconds: float, done: Then) -> None:
        """Has a thread that commits do something as soon as it has the interpreter."""
        process.turns.append((self._now, seconds, done))
        self._next_burst(process)

    def _next_burst(self, process: _Process) -> None:
        if process.is_busy or not (process.bursts or process.turns):
            return
        process.is_busy = True
        if process.turns and (not process.bursts or self._now - process.turns[0][0] >= self._costs.turn):
            _, seconds, done = process.turns.popleft()
        else:
            seconds, done = process.bursts.popleft()

        def ended() -> None:
            process.is_busy = False
            done()
            self._next_burst(process)

        self._on_core(seconds, ended)

    def _on_core(self, seconds: float, ended: Then) -> None:
        self._for_core.append((seconds, ended))
        self._use_cores()

    def _use_cores(self) -> None:
        while self._free_cores and self._for_core:
            seconds, ended = self._for_core.popleft()
            self._free_cores -= 1
            self.outcome.core_busy += seconds

            def free(ended: Then = ended) -> None:
                self._free_cores += 1
                ended()
                self._use_cores()

            self._at(self._now + seconds, free)

    # --- with nothing to do

    def _look_around(self, process: _Process) -> None:
        if process.idle and self._unfinished:
            self._burst(process, process.idle * AROUND_SECONDS, lambda: None)
            self._at(self._now + AROUND_SECONDS, lambda: self._look_around(process))

    def _serve_nobody(self) -> None:
        if self._costs.server_idle and self._unfinished:
            self._on_core(self._costs.server_idle * AROUND_SECONDS, lambda: None)
            self._at(self._now + AROUND_SECONDS, self._serve_nobody)

    # --- commits

    def _commit(self, process: _Process, done: Then) -> None:
        process.gathering.append(done)
        if not process.is_committing:
            process.is_committing = True
            # What else ends at this moment commits as well.
            self._at(self._now, lambda: self._send(process))
        elif process.waits and len(process.gathering) >= writer.ENOUGH:
            self._gather(process)

    def _gather(self, process: _Process) -> None:
        process.waits = waits = object()

        def over() -> None:
            if process.waits is waits:
                process.waits = None
                self._send(process)

        self._at(self._now + (0.0 if len(process.gathering) >= writer.ENOUGH else writer.GATHER_SECONDS), over)

    def _send(self, process: _Process) -> None:
        if not process.gathering:
            process.is_committing = False
            return
        batch, process.gathering = process.gathering, []
        self.outcome.commits += len(batch)

        def durable() -> None:
            for done in batch:
                done()
            self._committed(process)
            (self._gather if len(batch) >= writer.MANY else self._send)(process)

        self._transaction(process, len(batch), durable)

    def _transaction(self, process: _Process, commits: int, durable: Then) -> None:
        """Makes one: it is sent, the server does it, it is committed, and whoever waits is told."""
        costs = self._costs
        self.outcome.transactions += 1
        self.outcome.worker_transactions += process is not self._intake
        part, trip = costs.transaction / TURNS, costs.flush / 2

        def told() -> None:
            self._at(self._now + trip, lambda: self._turn(process, part, durable))

        def done() -> None:
            self._at(self._now + trip, lambda: self._turn(process, part, told))

        def sent() -> None:
            seconds = costs.server_transaction + costs.server_commit * commits
            if seconds:
                self._on_core(seconds, done)
            else:
                done()

        self._turn(process, part, sent)

    # --- the log

    def _committed(self, process: _Process) -> None:
        self._waiting_entries = process.has_committed = True
        if self._machine.moves and not process.is_moving:
            self._move(process)

    def _move(self, process: _Process) -> None:
        """Moves what waits into the log, unless another process does; then entries gather."""
        process.is_moving, process.has_committed = True, False
        if not self._waiting_entries or self._log_is_taken:
            self._at(self._now + GATHER_SECONDS, lambda: self._gathered(process))
            return
        self._log_is_taken, self._waiting_entries = True, False

        def moved() -> None:
            self._log_is_taken = False
            self._at(self._now + GATHER_SECONDS, lambda: self._gathered(process))

        self._transaction(process, 0, moved)

    def _gathered(self, process: _Process) -> None:
        process.is_moving = False
        if process.has_committed:
            self._move(process)
