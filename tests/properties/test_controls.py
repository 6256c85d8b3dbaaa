"""Properties of the loop check, for whatever sequences the machine thinks of."""

from hypothesis import given
from hypothesis import strategies as st

from remit.controls import LOOKBACK, is_looping
from remit.controls.model import LONGEST_CYCLE, REPEATS

DIGESTS = st.text("abcdefgh", min_size=1, max_size=3)


def fired(actions: list[str]) -> list[str]:
    """Returns what is said at each action of a run, as the gateway asks: what came before, newest first, bounded."""
    return [
        is_looping(action, actions[max(0, position - LOOKBACK) : position][::-1])
        for position, action in enumerate(actions)
    ]


@given(st.lists(DIGESTS, unique=True, max_size=40))
def test_it_never_fires_where_nothing_is_repeated(actions: list[str]) -> None:
    assert not any(fired(actions))


@given(st.lists(DIGESTS, max_size=40))
def test_it_fires_exactly_when_the_last_calls_are_a_cycle_three_times_over(actions: list[str]) -> None:
    for position, said in enumerate(fired(actions), 1):
        so_far = actions[:position]
        cycles = [
            length
            for length in range(1, LONGEST_CYCLE + 1)
            if len(so_far) >= length * REPEATS and so_far[-length * REPEATS :] == so_far[-length:] * REPEATS
        ]
        assert bool(said) == bool(cycles)


@given(st.lists(DIGESTS, max_size=10), DIGESTS)
def test_it_fires_on_the_third_identical_call_and_not_before(before: list[str], action: str) -> None:
    before = [*before, "another"]
    said = fired([*before, action, action, action])
    assert said[-1] == "the same call three times in a row"
    assert is_looping(action, [action, *before[::-1]]) == ""


@given(st.lists(DIGESTS, min_size=2, max_size=LONGEST_CYCLE, unique=True))
def test_it_fires_on_ping_pong_and_longer_rounds_at_the_end_of_the_third(cycle: list[str]) -> None:
    said = fired(cycle * REPEATS)
    assert said[-1] == f"a cycle of {len(cycle)} calls, three times"
    assert not any(said[:-1])


@given(st.lists(DIGESTS, min_size=LONGEST_CYCLE + 1, max_size=9, unique=True))
def test_longer_rounds_are_work_not_loops(cycle: list[str]) -> None:
    assert not any(fired(cycle * 5))
