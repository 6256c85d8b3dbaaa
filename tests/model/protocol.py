"""What can happen next: to a worker, wherever it stands; on the network; by people; by time and faults."""

from collections.abc import Iterator

from tests.model.commits import COMMITS, heard, is_lock_free, renew
from tests.model.state import NOBODY, OVER, TAKEN, Message, Move, Run, Scope, State, Worker

Next = Iterator[tuple[Move, State]]
IDLE = Worker()

AFTER_REFUSAL = {
    ("begin", "journal.begin_claimed"): "idle",
    ("take over", "journal.take_over"): "idle",
    ("permit", "controls.guard_switches"): "park for switch",
    ("permit", "journal.open_step"): "idle",
    ("permit", "controls.take_lock"): "drive",
    ("permit", "ledger.hold"): "deny",
    ("resume", "journal.guard_attempt"): "idle",
    ("resume", "journal.guard_open"): "drive",
    ("resume", "controls.guard_switches"): "park for switch",
    ("resume", "controls.take_lock"): "doubt",
    ("deny", "journal.deny_step"): "idle",
    ("outcome", "journal.close_step"): "late outcome",
    ("not sent", "journal.guard_latest"): "idle",
    ("not sent", "journal.close_step"): "drive",
    ("withdraw", "journal.guard_attempt"): "idle",
    ("withdraw", "journal.withdraw_step"): "drive",
    ("late outcome", "journal.close_doubted"): "drive",
    ("told", "journal.close_doubted"): "drive",
    ("doubt", "journal.doubt_step"): "drive",
    ("park", "journal.park_run"): "idle",
    ("end", "journal.end_run"): "idle",
}
"""Where a worker goes on when a commit was refused by a statement."""


def moves(scope: Scope, state: State) -> Next:
    """Yields everything that can happen, with the state after it."""
    for number, worker in enumerate(state.workers):
        yield from _worker(scope, state, number, worker)
        yield from _faults(scope, state, number, worker)
    for message in state.net:
        yield Move(NOBODY, "the call arrives", message.run), arrived(scope, state, message)
    yield from _people(scope, state)
    yield from _time(state)


def _worker(scope: Scope, state: State, number: int, worker: Worker) -> Next:
    if worker.at in COMMITS or worker.at.startswith("park for"):
        yield _commit(scope, state, number, worker)
    elif worker.at != "idle":
        yield from _step(scope, state, number, worker)
    elif not worker.lapsed:
        yield from _idle(scope, state, number)


def _step(scope: Scope, state: State, number: int, worker: Worker) -> Next:
    match worker.at:
        case "drive":
            yield from _read(state, number, worker)
        case "send":
            if worker.lapsed and scope.has("lease"):
                refused, after = renew(scope, state, number)
                yield Move(number, "renew", worker.run, refused), _tidy(after, number)
            else:
                yield Move(number, "sends", worker.run), _sent(state, number, worker)
            if state.left.losses:
                yield from _unsent(state, number, worker)
        case "sent" if state.left.losses:
            yield Move(number, "hears nothing", worker.run), _lost(state).with_worker(number, at="lost")
        case "lost":
            for then in {"mark": ("send", "doubt"), "send": ("look up",), "post": ("doubt",)}[scope.tool]:
                yield Move(number, f"will {then}", worker.run), state.with_worker(number, at=then, told="again")
        case "look up":
            yield Move(number, "looks up", worker.run), _looked_up(scope, state, number, worker)
        case _:
            pass


def _unsent(state: State, number: int, worker: Worker) -> Next:
    """The tool is out of reach, or busy: nothing of this call has left, but one before may have."""
    for then in ("doubt",) if worker.told == "again" else ("not sent", "withdraw"):
        yield Move(number, f"cannot send, will {then}", worker.run), _lost(state).with_worker(number, at=then)


def _lost(state: State) -> State:
    return state._replace(left=state.left._replace(losses=state.left.losses - 1))


def _commit(scope: Scope, state: State, number: int, worker: Worker) -> tuple[Move, State]:
    what, _, why = worker.at.partition(" for ")
    if why:
        state = state.with_worker(number, told=why)
    refused, after = COMMITS[what](scope, state, number)
    if refused:
        after = after.with_worker(number, at=AFTER_REFUSAL[what, refused])
    return Move(number, what, worker.run, refused), _tidy(after, number)


def _tidy(state: State, number: int) -> State:
    """Forgets what an idle worker, or one that begins anew with its run, knew: states that are the same look the same."""
    worker = state.workers[number]
    if worker.at == "idle":
        return state.with_worker(number, run=NOBODY, attempt=0, fence=0, seen=0, facts=0, told="", fresh=True)
    if worker.at == "drive":
        return state.with_worker(number, fence=0, seen=0, facts=0, told="", fresh=True)
    return state


def _idle(scope: Scope, state: State, number: int) -> Next:
    for at, run in enumerate(state.runs):
        if run.state in ("queued", "waiting") and run.is_ready and (run.claimed == NOBODY or not scope.has("claim")):
            claimed = state.with_run(at, claimed=number)
            if run.claimed not in (NOBODY, number):
                claimed = claimed._replace(wrong="a run was claimed by two")
            yield Move(number, "claim", at), claimed.with_worker(number, at="begin", run=at, attempt=run.attempt)
        elif run.state == "running" and has_left(state, run):
            looked = state.with_worker(number, at="take over", run=at, attempt=run.attempt, fresh=True)
            yield Move(number, "finds it left", at), looked
        elif run.state in OVER:
            yield from _left_over(scope, state, number, at)


def _left_over(scope: Scope, state: State, number: int, at: int) -> Next:
    """Of a run that is over: a step whose outcome nobody has found out, or nobody has heeded."""
    run = state.runs[at]
    is_own = run.owner == (number, state.workers[number].incarnation)  # and this worker is idle
    if run.step == "decided" and (is_own or has_left(state, run)):
        then = "look up" if scope.tool == "send" else "doubt"
        yield Move(number, "settles what was left of", at), state.with_worker(number, at=then, run=at)
    if run.step == "unknown" and run.answer in ("yes", "no"):
        yield Move(number, "heeds the answer to", at), state.with_worker(number, at="told", run=at)


def has_left(state: State, run: Run) -> bool:
    """Whether who made the latest attempt is gone, as far as anybody can see."""
    worker, incarnation = run.owner
    now = state.workers[worker]
    return now.incarnation != incarnation or now.lapsed


def _read(state: State, number: int, worker: Worker) -> Next:
    """The step as the journal has it, and for a new one: switches, facts and the number of the lock."""
    run, at, more = state.runs[worker.run], "end", dict[str, object]()
    if run.step == "" and run.state == "running":
        at = "park for switch" if state.stopped else "permit"
        seen = state.fence if is_lock_free(state, NOBODY) else TAKEN
        more = {} if state.stopped else {"seen": seen, "facts": sum(each.happened for each in state.runs)}
    elif run.step == "decided":
        at = "resume"
    elif run.step == "unknown":
        at = "park for answer" if run.answer == "asked" else "told"
    yield Move(number, "reads", worker.run), state.with_worker(number, at=at, **more)


def _sent(state: State, number: int, worker: Worker) -> State:
    message = Message(worker.run, worker.attempt, worker.fence, number, worker.incarnation)
    return state._replace(net=state.net | {message}).with_worker(number, at="sent")


def arrived(scope: Scope, state: State, message: Message) -> State:
    """The tool acts, or refuses; whoever still waits for it hears which."""
    run, wrong = state.runs[message.run], state.wrong
    late = message.fence < state.top_fence
    refuses = (late and scope.has("fence")) or (run.is_closed and scope.has("closing"))
    acts = not refuses and (not run.happened or scope.tool != "mark" or not scope.has("key"))
    if acts and late and state.top_run != message.run:
        wrong = "it acted under a lock that somebody else had since"
    if acts and run.is_closed:
        wrong = "it happened after it was looked up and had not"
    if acts and run.happened:
        wrong = "it happened twice"
    after = state._replace(net=state.net - {message}, wrong=wrong)
    if not refuses and not late:
        after = after._replace(top_fence=message.fence, top_run=message.run)
    if acts:
        after = after.with_run(message.run, happened=run.happened + 1)
    return _replied(after, message, "no" if refuses else "yes")


def _replied(state: State, message: Message, told: str) -> State:
    worker = state.workers[message.worker]
    waits = (worker.at, worker.run, worker.attempt, worker.incarnation)
    if waits != ("sent", message.run, message.attempt, message.incarnation):
        return state
    return state.with_worker(message.worker, at="outcome", told=told)


def _looked_up(scope: Scope, state: State, number: int, worker: Worker) -> State:
    happened = bool(state.runs[worker.run].happened)
    if not happened:
        state = state.with_run(worker.run, is_closed=True)
    return state.with_worker(number, at="outcome", told="yes" if happened else "not")


# --- faults, people, time


def _faults(scope: Scope, state: State, number: int, worker: Worker) -> Next:
    gone = IDLE._replace(incarnation=worker.incarnation + 1)
    if state.left.crashes and worker.at != "idle":
        left = state.left._replace(crashes=state.left.crashes - 1)
        yield Move(number, "is killed"), _with(state._replace(left=left), number, gone)
    if state.left.lapses and not worker.lapsed and worker.at != "idle":
        left = state.left._replace(lapses=state.left.lapses - 1)
        yield Move(number, "is not heard of"), state._replace(left=left).with_worker(number, lapsed=True)
    if worker.lapsed and scope.has("lease"):
        yield Move(number, "finds that it lapsed and ends itself"), _with(state, number, gone)
    if worker.lapsed and not scope.has("lease"):
        yield Move(number, "is heard of again"), heard(state, number)


def _with(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=(*state.workers[:number], worker, *state.workers[number + 1 :]))


def _people(scope: Scope, state: State) -> Next:
    for at, run in enumerate(state.runs):
        is_on_its_way = scope.has("patience") and any(message.run == at for message in state.net)
        if run.answer == "asked" and run.step == "unknown" and not is_on_its_way:
            ready = run.is_ready or run.state in ("running", "waiting")
            said = state.with_run(at, answer="yes" if run.happened else "no", is_ready=ready)
            yield Move(NOBODY, "answer", at), said
        if state.left.cancels and run.state not in OVER:
            left = state.left._replace(cancels=state.left.cancels - 1)
            yield (
                Move(NOBODY, "cancel", at),
                state._replace(left=left).with_run(at, state="cancelled", is_ready=False, waits=""),
            )
    if state.left.stops and not state.stopped:
        left = state.left._replace(stops=state.left.stops - 1)
        yield Move(NOBODY, "stop"), state._replace(left=left, stopped=True)
    if state.stopped:
        yield Move(NOBODY, "go on"), _gone_on(state)


def _gone_on(state: State) -> State:
    runs = tuple(
        run._replace(is_ready=True)
        if run.state == "running" or (run.state == "waiting" and run.waits == "switch")
        else run
        for run in state.runs
    )
    return state._replace(runs=runs, stopped=False)


def _time(state: State) -> Next:
    for at, run in enumerate(state.runs):
        if run.claimed != NOBODY:
            yield Move(NOBODY, "claim lapses", at), state.with_run(at, claimed=NOBODY)
    if state.left.expiries and state.holder != NOBODY and not state.is_expired:
        left = state.left._replace(expiries=state.left.expiries - 1)
        yield Move(NOBODY, "the lock lapses"), state._replace(left=left, is_expired=True, ever_expired=True)
