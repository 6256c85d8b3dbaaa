"""Exhaustive search: every state that can be reached is looked at, and the shortest way to a wrong one is told."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.model.protocol import moves
from tests.model.state import NOBODY, OVER, PRICE, Move, Scope, State, first

Trace = list[tuple[Move, State]]


@dataclass
class Found:
    """What a search found: how many states there are, and the way to one that must not be, if there is one."""

    states: int
    wrong: str = ""
    trace: Trace = field(default_factory=list[tuple[Move, State]])

    def told(self) -> str:
        """Returns the counterexample, one move a line."""
        lines = [f"{number:3} {move}" for number, (move, _) in enumerate(self.trace, 1)]
        return "\n".join([self.wrong, *lines])


def what_is_wrong(scope: Scope, state: State) -> str:
    """Returns which invariant a state breaks, or nothing."""
    if state.wrong:
        return state.wrong
    if state.held != sum(run.hold for run in state.runs):
        return "what is held is not the sum of the holds"
    if state.spent != sum(run.charged for run in state.runs):
        return "what is spent is not the sum of the charges"
    if state.held < 0 or state.spent + state.held > scope.cap:
        return "the budget is overspent"
    for run in state.runs:
        if run.happened * PRICE > run.hold + run.charged:
            return "something happened that is neither held nor paid"
    return ""


def is_good_end(state: State) -> bool:
    """Whether every run is over, and nothing is held, locked, asked or claimed any more."""
    if state.held or (state.holder != NOBODY and not state.is_expired):
        return False
    return all(
        run.state in OVER and run.claimed == NOBODY and run.step not in ("decided", "unknown") for run in state.runs
    )


def search(scope: Scope) -> Found:
    """Looks at every state of `scope`, nearest first; then whether a good end can be reached from each."""
    start = first(scope)
    before: dict[State, tuple[State, Move] | None] = {start: None}
    backwards: dict[State, list[State]] = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for move, after in moves(scope, state):
            if after not in before:
                before[after] = state, move
                if wrong := what_is_wrong(scope, after):
                    return Found(len(before), wrong, way_to(after, before))
                queue.append(after)
            backwards.setdefault(after, []).append(state)
    if stuck := _stuck(before, backwards):
        return Found(len(before), "no good end can be reached any more", way_to(stuck, before))
    return Found(len(before))


def _stuck(before: dict[State, tuple[State, Move] | None], backwards: dict[State, list[State]]) -> State | None:
    """Returns the nearest state from which no good end can be reached."""
    good = [state for state in before if is_good_end(state)]
    can = set(good)
    while good:
        for earlier in backwards.get(good.pop(), ()):
            if earlier not in can:
                can.add(earlier)
                good.append(earlier)
    return next((state for state in before if state not in can), None)


def way_to(state: State, before: dict[State, tuple[State, Move] | None]) -> Trace:
    """Returns the moves that lead to a state, each with the state after it."""
    return list(_back(state, before))[::-1]


def _back(state: State, before: dict[State, tuple[State, Move] | None]) -> Iterator[tuple[Move, State]]:
    while (step := before[state]) is not None:
        yield step[1], state
        state = step[0]


def ways(scope: Scope) -> dict[tuple[str, str], Trace]:
    """Returns, for every move and everything that can refuse it, the shortest trace that ends with it."""
    start = first(scope)
    before: dict[State, tuple[State, Move] | None] = {start: None}
    found: dict[tuple[str, str], Trace] = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for move, after in moves(scope, state):
            if (move.what, move.refused) not in found:
                found[move.what, move.refused] = [*way_to(state, before), (move, after)]
            if after not in before:
                before[after] = state, move
                queue.append(after)
    return found
