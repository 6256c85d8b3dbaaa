"""The time axis: work keeps its scale, long waits are squeezed, and two runs can share one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from remit.operations import RunShown
from remit.web.timeline import attempts_of, axis_of

RUN = {
    "run": "run_1", "task": "task_1", "agent": "a@1", "unit": "u", "outcome": "", "reason": "", "on_behalf_of": "ann",
    "attempts": 1, "cost": "0 EUR", "simulated": False, "effects": True, "created": "2026-11-28T10:00:00Z", "ended": "",
    "seconds": None, "waits_for": "", "intent": "", "parent": "", "hops": 0, "priority": 5, "forked_at": None, "goes_on": "",
    "children": (), "steps": (), "refusals": (), "content": True,
}  # fmt: skip
STEP = {
    "kind": "tool", "name": "shop__get_order", "state": "done", "level": "", "decision": "d", "reason": "", "approval": "",
    "person": "", "error": False, "refused_at": "", "attempt": 1, "cost": "0 EUR", "priced": True, "source": "",
    "input_tokens": 0, "output_tokens": 0, "started": "", "ended": "", "log_index": 1,
}  # fmt: skip


def shown(
    span: float, *tries: tuple[float, float], state: str = "done", steps: tuple[tuple[float, float], ...] = ()
) -> RunShown:
    """Returns a run with these attempts and steps, in seconds after it was created."""
    attempts = [
        {"number": n, "executor": "host/1/x", "state": "ended", "reason": "", "started": _at(begin), "ended": _at(end)}
        for n, (begin, end) in enumerate(tries, start=1)
    ]
    did = [{**STEP, "step": n, "offset": at, "seconds": took} for n, (at, took) in enumerate(steps, start=1)]
    return RunShown.model_validate({**RUN, "span": span, "state": state, "tries": attempts, "steps": did})


def _at(seconds: float) -> str:
    return (datetime(2026, 11, 28, 10, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def test_work_without_waits_is_drawn_to_scale() -> None:
    run = shown(10, (0, 10), steps=((0, 5), (5, 2.5)))
    axis = axis_of(run)

    assert not axis.waits
    assert [(bar.x, bar.width) for bar in map(axis.bar, run.steps)] == [(0, 50), (50, 25)]


def test_hours_of_waiting_take_little_room_and_say_how_long_they_were() -> None:
    run = shown(7210, (0, 5), (7205, 7210), steps=((0, 5), (7205, 5)))
    axis = axis_of(run)

    (wait,) = axis.waits
    assert wait.label == "2 h"
    assert wait.width <= 14
    first, second = map(axis.bar, run.steps)
    assert first.width == second.width > 40
    assert [span.label for span in attempts_of(axis, run)] == ["attempt 1", "attempt 2"]


def test_a_run_that_waits_has_an_open_end() -> None:
    run = shown(5, (0, 5), state="waiting", steps=((0, 5),))
    axis = axis_of(run)

    assert axis.waits[-1].x + axis.waits[-1].width == 100
    assert axis.bar(run.steps[0]).width == 94


def test_two_runs_share_one_scale() -> None:
    short, long = shown(5, (0, 5), steps=((0, 5),)), shown(20, (0, 20), steps=((0, 20),))
    axis = axis_of(short, long)

    assert axis.bar(short.steps[0]).width == 25
    assert axis.bar(long.steps[0]).width == 100


def test_ticks_are_round_and_apart() -> None:
    for span in (0.004, 0.3, 7, 59, 3600, 90_000):
        ticks = axis_of(shown(span, (0, span))).ticks
        assert 1 <= len(ticks) <= 8
        assert all(second.x - first.x > 10 for first, second in pairwise(ticks))
        assert ticks[0].label == "0"


def test_a_run_that_has_not_begun_has_an_axis_too() -> None:
    axis = axis_of(shown(0, state="queued"))

    assert axis.at(0) == 0


def test_an_attempt_that_took_over_and_did_no_step_yet_is_on_the_axis() -> None:
    run = shown(1, (0, 1), (6, 6), state="running", steps=((0, 1),))
    axis = axis_of(run)

    first, second = attempts_of(axis, run)
    assert first.width > 0
    assert (second.x, second.width) == (100, 0)
    assert all(span.width >= 0 and 0 <= span.x <= 100 for span in (*axis.waits, first, second))
