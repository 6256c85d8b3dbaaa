"""What becomes durable in one piece: each commit of the protocol, the statements it stands for, and their guards.

A commit returns the statement that refused it, or nothing, and the state after it.
"""

from collections.abc import Callable

from tests.model.state import NOBODY, PRICE, Run, Scope, State, Worker

Commit = Callable[[Scope, State, int], tuple[str, State]]

STATEMENTS = {
    "claim": ("journal.claim",),
    "begin": ("journal.begin_claimed", "journal.add_attempt", "journal.beat"),
    "take over": ("journal.take_over", "journal.add_attempt", "journal.lose_attempt", "journal.beat"),
    "permit": ("controls.guard_switches", "journal.open_step", "controls.take_lock", "ledger.keep_hold", "ledger.hold"),
    "resume": ("journal.guard_attempt", "journal.guard_open", "controls.guard_switches", "controls.take_lock"),
    "renew": ("journal.guard_attempt", "journal.beat"),
    "deny": ("journal.deny_step",),
    "outcome": (
        "journal.close_step",
        "controls.release_lock",
        "ledger.charge",
        "ledger.drop_hold",
        "ledger.settle",
    ),
    "not sent": (
        "journal.guard_latest",
        "journal.close_step",
        "controls.release_lock",
        "ledger.charge",
        "ledger.drop_hold",
        "ledger.settle",
    ),
    "withdraw": (
        "journal.guard_attempt",
        "journal.withdraw_step",
        "controls.release_lock",
        "ledger.drop_hold",
        "ledger.settle",
    ),
    "late outcome": (
        "journal.close_doubted",
        "approvals.close",
        "journal.ready_run",
        "controls.release_lock",
        "ledger.charge",
        "ledger.drop_hold",
        "ledger.settle",
    ),
    "told": (
        "journal.close_doubted",
        "controls.release_lock",
        "ledger.charge",
        "ledger.drop_hold",
        "ledger.settle",
    ),
    "doubt": ("journal.doubt_step", "approvals.ask"),
    "park": ("journal.park_run", "journal.end_attempt"),
    "end": ("journal.end_run", "journal.end_attempt"),
    "answer": ("approvals.decide", "journal.ready_run"),
    "stop": ("controls.switch",),
    "go on": ("controls.switch", "journal.ready_stopped"),
    "cancel": ("journal.stop_run", "journal.stop_attempt"),
    "claim lapses": ("journal.expire_claims",),
}
"""The statements of the code, in their order, that each commit stands for."""


def has_pen(run: Run, me: Worker) -> bool:
    """Whether a worker's attempt is the one that may write."""
    return run.state == "running" and run.attempt == me.attempt


def is_lock_free(state: State, run: int) -> bool:
    """Whether a run may take the resource."""
    return state.holder in (NOBODY, run) or state.is_expired


def _of(state: State, worker: int) -> tuple[Worker, Run]:
    me = state.workers[worker]
    return me, state.runs[me.run]


def _checked_pen(state: State, run: Run, me: Worker) -> State:
    return state if has_pen(run, me) else state._replace(wrong="an attempt wrote that does not hold the pen")


def _begun(state: State, worker: int, *, at: str = "drive") -> State:
    me, run = _of(state, worker)
    begun = state.with_run(
        me.run,
        state="running",
        attempt=run.attempt + 1,
        owner=(worker, me.incarnation),
        claimed=NOBODY,
        is_ready=False,
        waits="",
    )
    return begun.with_worker(worker, at=at, attempt=run.attempt + 1)


def begin(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """The next attempt of a run that this worker has claimed."""
    me, run = _of(state, worker)
    mine = run.claimed == worker
    if (run.state not in ("queued", "waiting") or run.attempt != me.attempt) or (scope.has("claim") and not mine):
        return "journal.begin_claimed", state
    begun = _begun(state, worker)
    return "", begun if mine else begun._replace(wrong="a run was begun by a worker that had not claimed it")


def take_over(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """The next attempt of a run whose worker was not heard of."""
    me, run = _of(state, worker)
    if run.state != "running" or run.attempt != me.attempt or (scope.has("heartbeat") and not me.fresh):
        return "journal.take_over", state
    taken = _begun(state, worker)
    return "", taken if me.fresh else taken._replace(wrong="an attempt was taken over from a worker that is alive")


def permit(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """The decision: everything it was based on is looked at again."""
    me, run = _of(state, worker)
    if state.stopped and scope.has("switch"):
        return "controls.guard_switches", state
    if (scope.has("pen") and not has_pen(run, me)) or run.step:
        return "journal.open_step", state
    if not _lockable(scope, state, me):
        return "controls.take_lock", state
    if scope.has("budget") and state.spent + state.held + PRICE > scope.cap:
        return "ledger.hold", state
    after = _checked_pen(_locked(state, me, worker), run, me).with_run(me.run, step="decided", hold=PRICE)
    if not state.ever_expired and me.facts != sum(each.happened for each in state.runs):
        after = after._replace(wrong="it was decided on facts that were not so any more")
    return "", after._replace(held=state.held + PRICE).with_worker(worker, at="send")


def _lockable(scope: Scope, state: State, me: Worker) -> bool:
    if scope.has("lock") and not is_lock_free(state, me.run):
        return False
    return not scope.has("seen") or state.fence == me.seen


def _locked(state: State, me: Worker, worker: int) -> State:
    wrong = state.wrong
    if state.stopped:
        wrong = "it was decided while a switch was pulled"
    if not is_lock_free(state, me.run):
        wrong = "two held a resource at the same time"
    taken = state._replace(holder=me.run, fence=state.fence + 1, is_expired=False, wrong=wrong)
    return taken.with_worker(worker, fence=state.fence + 1)


def resume(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """A step that was decided before a crash is taken up."""
    me, run = _of(state, worker)
    if scope.has("pen") and not has_pen(run, me):
        return "journal.guard_attempt", state
    if run.step != "decided":
        return "journal.guard_open", state
    if state.stopped and scope.has("switch"):
        return "controls.guard_switches", state
    if scope.has("lock") and not is_lock_free(state, me.run):
        return "controls.take_lock", state
    then = {"mark": "send", "send": "look up", "post": "doubt"}[scope.tool]
    return "", _checked_pen(_locked(state, me, worker), run, me).with_worker(worker, at=then, told="again")


def renew(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """A worker that lapsed says that it is alive, if it still has the pen: then it may send."""
    me, run = _of(state, worker)
    if scope.has("pen") and not has_pen(run, me):
        return "journal.guard_attempt", state.with_worker(worker, at="idle")
    return "", heard(_checked_pen(state, run, me), worker)


def heard(state: State, number: int) -> State:
    """Returns the state in which a worker that lapsed was heard of again: who looked at its runs before looked too early."""
    state = state.with_worker(number, lapsed=False)
    own = (number, state.workers[number].incarnation)
    for other, worker in enumerate(state.workers):
        if worker.at == "take over" and state.runs[worker.run].owner == own:
            state = state.with_worker(other, fresh=False)
    return state


def deny(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """A refusal that the agent hears."""
    me, run = _of(state, worker)
    if (scope.has("pen") and not has_pen(run, me)) or run.step:
        return "journal.deny_step", state
    return "", _checked_pen(state, run, me).with_run(me.run, step="denied").with_worker(worker, at="drive")


def outcome(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """What came of the call, whoever holds the pen by now: it has happened."""
    me, run = _of(state, worker)
    if scope.has("settle") and run.step != "decided":
        return "journal.close_step", state
    return "", _settled(state, me.run, cost_of(me)).with_worker(worker, at="drive")


def not_sent(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """A call that could not be sent; who took over since may have sent it."""
    me, run = _of(state, worker)
    if scope.has("unsent") and run.attempt != me.attempt:
        return "journal.guard_latest", state
    if run.step != "decided":
        return "journal.close_step", state
    return "", _settled(state, me.run, 0).with_worker(worker, at="drive")


def withdraw(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """A call that could not be sent now: its decision is taken back, and made anew later."""
    me, run = _of(state, worker)
    if scope.has("unsent") and not has_pen(run, me):
        return "journal.guard_attempt", state
    if run.step != "decided":
        return "journal.withdraw_step", state
    after = _settled(state, me.run, 0).with_run(me.run, step="")
    return "", after.with_worker(worker, at="park for upstream")


def cost_of(me: Worker) -> int:
    """Returns what is charged: a call that the tool has refused was made, one that has not come was not."""
    return 0 if me.told == "not" else PRICE


def late_outcome(_: Scope, state: State, worker: int) -> tuple[str, State]:
    """What came of a call that people are asked about by now."""
    me, run = _of(state, worker)
    if run.step != "unknown":
        return "journal.close_doubted", state
    after = _settled(state, me.run, cost_of(me)).with_worker(worker, at="drive")
    return "", after.with_run(me.run, answer="", is_ready=run.is_ready or run.state in ("running", "waiting"))


def told(_: Scope, state: State, worker: int) -> tuple[str, State]:
    """What a person has said came of it."""
    me, run = _of(state, worker)
    if run.step != "unknown":
        return "journal.close_doubted", state
    return "", _settled(state, me.run, PRICE if run.answer == "yes" else 0).with_worker(worker, at="drive")


def _settled(state: State, number: int, cost: int) -> State:
    run = state.runs[number]
    wrong = state.wrong if run.hold else "a hold was settled twice"
    free = {"holder": NOBODY, "is_expired": False} if state.holder == number else {}
    books = state._replace(held=state.held - PRICE, spent=state.spent + cost, wrong=wrong, **free)
    return books.with_run(number, step="done", hold=0, charged=run.charged + cost)


def doubt(_: Scope, state: State, worker: int) -> tuple[str, State]:
    """Nobody knows what came of it: a person is asked."""
    me, run = _of(state, worker)
    if run.step != "decided":
        return "journal.doubt_step", state
    return "", state.with_run(me.run, step="unknown", answer="asked").with_worker(worker, at="drive")


def park(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """The attempt ends; its run waits, for an upstream only so long. A sign that came before stays."""
    me, run = _of(state, worker)
    if scope.has("pen") and not has_pen(run, me):
        return "journal.park_run", state
    ready = me.told == "upstream" or (run.is_ready and scope.has("sign"))
    parked = _checked_pen(state, run, me).with_run(me.run, state="waiting", is_ready=ready, waits=me.told)
    return "", parked.with_worker(worker, at="idle")


def end(scope: Scope, state: State, worker: int) -> tuple[str, State]:
    """The run is done."""
    me, run = _of(state, worker)
    if scope.has("pen") and not has_pen(run, me):
        return "journal.end_run", state
    ended = _checked_pen(state, run, me).with_run(me.run, state="done", is_ready=False, waits="")
    return "", ended.with_worker(worker, at="idle")


COMMITS: dict[str, Commit] = {
    "begin": begin,
    "take over": take_over,
    "permit": permit,
    "resume": resume,
    "deny": deny,
    "outcome": outcome,
    "not sent": not_sent,
    "withdraw": withdraw,
    "late outcome": late_outcome,
    "told": told,
    "doubt": doubt,
    "park": park,
    "end": end,
}
"""What a worker commits; the rest (`claim`, and what people and time do) is in `protocol`."""
