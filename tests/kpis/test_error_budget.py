"""Error budgets: what is used, how fast, and when there is evidence, without crying wolf."""

import random
from decimal import Decimal
from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.kpis import ALPHA, BudgetState, ErrorBudget, Outcomes, worst
from remit.kpis.error_budget import BUSY, SHORT_WINDOWS, e_value

NONE = Outcomes()
TARGETS = st.sampled_from([Decimal(text) for text in ("0.5", "0.9", "0.95", "0.99", "0.995", "0.999", "0.999999")])
DAYS = st.lists(
    st.tuples(st.integers(0, 5_000), st.floats(0, 1)).map(lambda day: Outcomes(day[0], round(day[0] * day[1]))),
    min_size=7,
    max_size=28,
)


def budget(*days: Outcomes, target: str = "0.99", recent: dict[str, Outcomes] | None = None) -> ErrorBudget:
    """Returns the budget of so many days before and with today."""
    padded = (NONE,) * (28 - len(days)) + days
    return ErrorBudget("success", Decimal(target), padded, dict.fromkeys(SHORT_WINDOWS, NONE) | (recent or {}))


def alarms(failing: float, target: str, tasks: int, *, seed: int, before: int = 0, days: int = 28) -> int | None:
    """Returns after how many tasks that fail so often there was an alarm, looked for after each; None without one.

    `before` days at the target itself come first.
    """
    draw = random.Random(seed)
    share = float(1 - Decimal(target))
    counted = [[0, 0] for _ in range(days)]
    for day in range(before):
        counted[day] = [tasks, sum(draw.random() < share for _ in range(tasks))]
    seen = 0
    for day in range(before, days):
        for _ in range(tasks):
            seen += 1
            bad = draw.random() < failing
            counted[day][0] += 1
            counted[day][1] += bad
            window = [Outcomes(*one) for one in counted]
            if bad and e_value(window, Decimal(target)) >= 1 / ALPHA:  # a good task lowers it
                return seen
    return None


def test_the_budget_is_exact() -> None:
    one = budget(Outcomes(800, 3), Outcomes(12, 4), target="0.995")
    assert (one.total, one.allowed, one.used) == (Outcomes(812, 7), Decimal("4.06"), pytest.approx(7 / 4.06))
    assert one.state is BudgetState.EXHAUSTED


def test_the_last_failure_that_may_be_uses_it_up() -> None:
    assert budget(Outcomes(1_000, 9)).state is BudgetState.OK
    assert budget(Outcomes(1_000, 10)).state is BudgetState.EXHAUSTED


def test_of_few_tasks_nothing_is_said_unless_the_evidence_is_strong() -> None:
    assert budget().state is BudgetState.TOO_FEW
    assert budget().used is None
    assert budget(Outcomes(99, 0)).state is BudgetState.TOO_FEW
    assert budget(Outcomes(99, 1)).state is BudgetState.TOO_FEW  # one in ninety-nine may be chance
    assert budget(Outcomes(20, 8)).state is BudgetState.EXHAUSTED  # eight in twenty are not
    assert budget(Outcomes(100, 0)).state is BudgetState.OK


def test_failures_of_today_burn_a_budget_that_is_not_used_up() -> None:
    steady = [Outcomes(100, 0)] * 20
    burning = budget(*steady, Outcomes(30, 8))
    assert burning.total.bad < burning.allowed
    assert burning.is_alarming
    assert burning.state is BudgetState.BURNING


def test_an_alarm_ends_when_tasks_succeed_again() -> None:
    days = [Outcomes(100, 0)] * 20 + [Outcomes(30, 8)]
    assert budget(*days).is_alarming
    assert budget(*days, Outcomes(1_500, 2)).state is BudgetState.OK


def test_busy_agents_are_told_by_two_windows_of_each_burn_rate() -> None:
    days = [Outcomes(20_000, 20)] * 27 + [Outcomes(10_000, 60)]
    fast = {"5 min": Outcomes(20, 4), "1 h": Outcomes(240, 40), "30 min": Outcomes(120, 4), "6 h": Outcomes(1_500, 50)}
    assert [rule.factor for rule in budget(*days, recent=fast).burning] == [14.4]
    over = {**fast, "5 min": Outcomes(20, 0)}  # the short window says that it has stopped
    assert budget(*days, recent=over).burning == ()
    assert budget(*days, recent=fast).state is BudgetState.BURNING


def test_burn_rates_say_nothing_below_a_thousand_tasks_a_day() -> None:
    recent = dict.fromkeys(SHORT_WINDOWS, Outcomes(10, 3))
    quiet, busy = Outcomes(BUSY // 3 - 1, 3), Outcomes(BUSY // 3, 3)
    assert budget(*[quiet] * 28, recent=recent).burning == ()
    assert [rule.factor for rule in budget(*[busy] * 28, recent=recent).burning] == [14.4, 6.0]


def test_an_agent_stands_as_the_objective_it_misses_most() -> None:
    ok, few, used = budget(Outcomes(200, 0)), budget(), budget(Outcomes(200, 50))
    assert worst([ok, ok]) is BudgetState.OK
    assert worst([ok, few]) is BudgetState.TOO_FEW
    assert worst([few, used, ok]) is BudgetState.EXHAUSTED


@given(days=DAYS, target=TARGETS)
@settings(max_examples=60, deadline=None)
def test_a_budget_is_never_overlooked_and_never_invented(days: list[Outcomes], target: Decimal) -> None:
    one = ErrorBudget("success", target, tuple(days), dict.fromkeys(SHORT_WINDOWS, NONE))
    assert 0 <= one.e_value < float("inf")
    if one.state is BudgetState.EXHAUSTED:
        assert one.total.bad >= one.allowed
    if one.state in (BudgetState.OK, BudgetState.BURNING):
        assert one.total.bad < one.allowed
    if not one.total.bad:
        assert one.state in (BudgetState.OK, BudgetState.TOO_FEW)


@given(days=DAYS, target=TARGETS)
@settings(max_examples=60, deadline=None)
def test_a_failure_more_is_more_evidence_and_a_success_more_is_less(days: list[Outcomes], target: Decimal) -> None:
    first, *rest = days
    value = e_value([first + Outcomes(1, 1), *rest], target)
    assert value >= e_value([first, *rest], target) * (1 - 1e-9)
    assert e_value([first + Outcomes(2, 1), *rest], target) <= value * (1 + 1e-9)


@pytest.mark.parametrize("target", ["0.9", "0.99", "0.999"])
def test_the_bets_are_fair_while_the_objective_holds(target: str) -> None:
    """What one more task does to the evidence is nothing, on average: so nobody wins by looking often."""
    share = float(1 - Decimal(target))
    for before in ([Outcomes(50, 1), Outcomes(7, 1)], [Outcomes(1, 1)], [Outcomes(2_000, 3), NONE, Outcomes(5, 0)]):
        *rest, last = before
        good = e_value([*rest, last + Outcomes(1, 0)], Decimal(target))
        bad = e_value([*rest, last + Outcomes(1, 1)], Decimal(target))
        assert isclose((1 - share) * good + share * bad, e_value(before, Decimal(target)), rel_tol=1e-9)


@pytest.mark.parametrize(("target", "tasks"), [("0.9", 5), ("0.95", 10), ("0.99", 40)])
def test_an_agent_that_keeps_its_objective_is_hardly_ever_alarmed_however_often_one_looks(
    target: str, tasks: int
) -> None:
    streams = 300
    share = float(1 - Decimal(target))
    false = sum(alarms(share, target, tasks, seed=seed) is not None for seed in range(streams))
    assert false / streams <= 2 * ALPHA  # ALPHA is the bound of the mean; 300 streams are not many


def test_what_is_worse_is_found_the_sooner_the_worse_it_is() -> None:
    found = [[alarms(failing, "0.999", 179, seed=seed) for seed in range(40)] for failing in (0.005, 0.01, 0.05)]
    delays = [sorted(one or 5_013 for one in each)[20] for each in found]
    assert all(a > b for a, b in pairwise(delays))
    assert delays[2] < 100
    assert delays[1] < 1_000
    assert sum(one is not None for one in found[0]) >= 36


def test_a_change_for_the_worse_is_found_after_three_good_weeks() -> None:
    delays = [alarms(0.10, "0.99", 50, seed=seed, before=21) for seed in range(40)]
    assert all(delay is not None and delay < 350 for delay in delays)
