"""What error budgets count is what figures count: of the same tasks, rolled up or not."""

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from kpis.history import History, Work, open_history
from remit.contracts import Slo
from remit.core import DAY, HOUR, MINUTE
from remit.kpis import ErrorBudget, Outcomes
from remit.kpis.error_budget import LONG_WINDOW, SHORT_WINDOWS
from remit.kpis.tally import after_bucket, bucket_of

PROMISED = {
    "ada": Slo(success=Decimal("0.95"), in_time=Decimal("0.9"), minutes=30, days=28),
    "bob": Slo(success=Decimal("0.99"), days=7),
}
START = 20_000 * DAY + 15 * HOUR


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history in the afternoon."""
    with open_history(tmp_path) as opened:
        opened.clock.advance(START - opened.clock.now())
        yield opened


def weeks(history: History) -> None:
    """Forty days of two agents and a third that promises nothing; the last hours are busier."""
    draw = random.Random(5)
    for hour in range(0, 40 * 24, 5):
        for agent in ("ada", "bob", "cy"):
            done(history, agent, draw.choice(["success", "success", "failure", "cancelled"]), draw.randint(1, 60))
        history.clock.advance((5 * HOUR) if hour < 39 * 24 else 20 * MINUTE)


def done(history: History, agent: str, outcome: str, minutes: int) -> Work:
    """A task that takes so long."""
    work = history.take_on(agent)
    history.clock.advance(minutes * MINUTE)
    history.end(work, outcome)
    return work


def plain(history: History, agent: str, since: int, *, late: bool) -> Outcomes:
    """Counts tasks that ended since a moment by looking at each."""
    slo, now = PROMISED[agent], history.clock.now()
    ended = [w for w in history.works if w.agent == agent and w.ended_at is not None and since <= w.ended_at <= now]
    if late:
        limit = bucket_of((slo.minutes or 0) * MINUTE)
        return Outcomes(len(ended), sum(bucket_of((w.ended_at or 0) - w.created_at) > limit for w in ended))
    return Outcomes(len(ended), sum(w.outcome != "success" for w in ended))


def check(history: History) -> dict[str, tuple[ErrorBudget, ...]]:
    """Compares everything with the plain count."""
    now = history.clock.now()
    found = history.kpis.error_budgets(PROMISED, now)
    assert {agent: [one.objective for one in all_of_it] for agent, all_of_it in found.items()} == {
        "ada": ["success", "in_time"],
        "bob": ["success"],
    }
    for agent, all_of_it in found.items():
        first = (now // DAY - PROMISED[agent].days + 1) * DAY
        for one in all_of_it:
            late = one.objective == "in_time"
            assert len(one.days) == PROMISED[agent].days
            assert one.total == plain(history, agent, first, late=late)
            for name, length in SHORT_WINDOWS.items():
                assert one.windows[name] == plain(history, agent, now - length, late=late), name
            assert one.windows[LONG_WINDOW] == plain(history, agent, (now // DAY - 2) * DAY, late=late)
    return found


def test_error_budgets_count_what_figures_count(history: History) -> None:
    weeks(history)
    before = check(history)
    history.roll_up_all()
    assert check(history) == before
    done(history, "ada", "failure", 3)
    check(history)
    now = history.clock.now()
    figures = history.kpis.figures(agent="ada", since=(now // DAY - 27) * DAY)
    total = history.kpis.error_budgets(PROMISED, now)["ada"][0].total
    assert (total.tasks, total.bad) == (figures.succeeded + figures.failed, figures.failed)


def test_a_task_that_is_tried_again_gives_the_budget_back(history: History) -> None:
    failed = done(history, "bob", "failure", 3)
    history.roll_up_all()
    assert history.kpis.error_budgets(PROMISED, history.clock.now())["bob"][0].total == Outcomes(1, 1)
    history.fork(failed, effects=True)
    assert history.kpis.error_budgets(PROMISED, history.clock.now())["bob"][0].total == Outcomes(0, 0)
    history.end(failed, "success")
    history.roll_up_all()
    assert history.kpis.error_budgets(PROMISED, history.clock.now())["bob"][0].total == Outcomes(1, 0)


def test_who_promises_nothing_costs_nothing(history: History) -> None:
    assert history.kpis.error_budgets({}, history.clock.now()) == {}


def test_an_agent_without_work_has_an_untouched_budget(history: History) -> None:
    (one,) = history.kpis.error_budgets({"bob": PROMISED["bob"]}, history.clock.now())["bob"]
    assert (one.total, one.used, one.e_value) == (Outcomes(), None, 0.0)


def test_tasks_whose_model_was_not_live_are_told_with_it(history: History) -> None:
    work = history.take_on("bob")
    history.charge(work, "model", 5, source="simulated")
    history.end(work, "success")
    done(history, "bob", "success", 1)
    for _ in range(2):
        (one,) = history.kpis.error_budgets({"bob": PROMISED["bob"]}, history.clock.now())["bob"]
        assert (one.total, one.not_live) == (Outcomes(2, 0), 1)
        history.roll_up_all()


def test_those_with_the_most_failures_since_yesterday_come_first(history: History) -> None:
    for agent, outcome in (("cy", "failure"), ("ada", "failure"), ("ada", "failure"), ("bob", "success")):
        done(history, agent, outcome, 1)
    for _ in range(2):
        now = history.clock.now()
        assert history.kpis.most_failing(["ada", "bob", "cy"], now, limit=9) == ["ada", "cy", "bob"]
        assert history.kpis.most_failing(["bob", "cy"], now, limit=1) == ["cy"]
        assert history.kpis.most_failing(["ada"], now + 3 * DAY, limit=9) == []
        history.roll_up_all()


def test_a_time_is_late_from_the_bucket_after_the_one_that_is_promised() -> None:
    for minutes in (1, 5, 30, 43_200):
        limit = minutes * MINUTE
        first = after_bucket(limit)
        assert (bucket_of(first - 1), bucket_of(first)) == (bucket_of(limit), bucket_of(limit) + 1)
        assert limit < first <= limit * 33 / 32
