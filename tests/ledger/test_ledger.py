"""What may be spent is held before and settled after; every cent has a home."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.databases import sqlite_only

from remit.core import RemitError
from remit.ledger import Budget, Charge, Hold, Ledger, day_budget, run_budget
from remit.store import Query, load_queries
from store.opened import Store, open_store

CHARGE = Charge(
    run="run_1",
    step=1,
    task="task_1",
    agent="desk",
    version="1.0.0",
    unit="care",
    kind="model",
    name="fast",
    amount=30,
    priced=True,
    source="live",
    input_tokens=100,
    output_tokens=20,
    at=1_700_000_000_000_000,
)
QUERIES = load_queries("remit.ledger")
RUN, DAY = run_budget("run_1"), day_budget("agent", "desk", "2026-11-20")
BOTH = (RUN, DAY)


@dataclass(frozen=True)
class Till:
    """A ledger and what commits for it."""

    store: Store
    ledger: Ledger
    caps: dict[str, int | None] = field(default_factory=dict[str, int | None])

    def open(self, **caps: int | None) -> None:
        """Opens the budgets `run` and `day`, which have these caps from now on."""
        self.caps.update({{"run": RUN, "day": DAY}[name]: cap for name, cap in caps.items()})
        self.store.commit(*self.ledger.open([Budget(name, cap) for name, cap in self.caps.items()]))

    def reserve(self, amount: int, *budgets: str, step: int = 1) -> str:
        """Holds `amount` and returns the refusal, or nothing."""
        paying = [Budget(name, self.caps.get(name)) for name in budgets or BOTH]
        return self.store.refusal(*self.ledger.reserve("run_1", step, amount, paying))

    def state(self, budget: str) -> tuple[int, int]:
        """What is held and what is spent."""
        found = self.ledger.budget(budget)
        assert found is not None
        return found.held, found.spent


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    """A ledger of a store of its own."""
    with open_store(tmp_path) as store:
        till = Till(store, Ledger(store.database))
        till.open(run=100, day=150)
        yield till


def test_a_hold_counts_on_every_budget(till: Till) -> None:
    assert till.reserve(60) == ""
    assert (till.state(RUN), till.state(DAY)) == ((60, 0), (60, 0))
    assert till.ledger.hold_of("run_1", 1) == Hold(60, BOTH)
    assert till.ledger.holds() == 1


def test_exactly_the_cap_may_be_held_and_not_a_millionth_more(till: Till) -> None:
    assert till.reserve(101) == f"the budget {RUN} is used up"
    assert till.reserve(100) == ""
    assert till.reserve(1, step=2) == f"the budget {RUN} is used up"


@pytest.mark.parametrize("caps", [{"run": 50, "day": 150}, {"run": 100, "day": 50}])
def test_a_refused_hold_changes_nothing(till: Till, caps: dict[str, int | None]) -> None:
    till.open(**caps)
    assert till.reserve(60).endswith("is used up")
    assert (till.state(RUN), till.state(DAY)) == ((0, 0), (0, 0))
    assert till.ledger.hold_of("run_1", 1) is None
    assert till.ledger.holds() == 0


def test_a_budget_nobody_opened_pays_nothing(till: Till) -> None:
    assert till.reserve(1, "run:other") == "the budget run:other is used up"


def test_a_budget_without_a_cap_only_meters(till: Till) -> None:
    till.open(run=None, day=None)
    assert till.reserve(10**15) == ""
    assert till.state(RUN) == (10**15, 0)


def test_a_step_holds_once(till: Till) -> None:
    assert till.reserve(10) == ""
    with pytest.raises(RemitError, match=r"(?i)unique"):
        till.reserve(10)
    assert till.state(RUN) == (10, 0)


def test_a_negative_hold_is_a_fault(till: Till) -> None:
    with pytest.raises(RemitError, match=r"amount >= 0|amount_check"):
        till.reserve(-1)
    assert till.state(RUN) == (0, 0)


def test_settling_books_what_was_spent_and_frees_the_rest(till: Till) -> None:
    till.reserve(60)
    till.store.commit(*till.ledger.settle("run_1", 1, till.ledger.hold_of("run_1", 1), CHARGE))
    assert (till.state(RUN), till.state(DAY)) == ((0, 30), (0, 30))
    assert till.ledger.charges("run_1") == [CHARGE]
    assert till.ledger.holds() == 0


def test_a_charge_above_its_hold_is_booked_in_full(till: Till) -> None:
    till.reserve(60)
    settled = till.ledger.settle("run_1", 1, till.ledger.hold_of("run_1", 1), replace(CHARGE, amount=130))
    till.store.commit(*settled)
    assert till.state(RUN) == (0, 130)
    assert till.reserve(1, step=2) == f"the budget {RUN} is used up"


def test_a_hold_is_settled_or_released_once(till: Till) -> None:
    till.reserve(60)
    hold = till.ledger.hold_of("run_1", 1)
    assert hold is not None
    settle, release = till.ledger.settle("run_1", 1, hold, CHARGE), till.ledger.release("run_1", 1, hold)
    answers = till.store.at_once(settle, release, settle, release)
    assert answers == ["", *["the hold was settled already"] * 3]
    assert (till.state(RUN), till.state(DAY)) == ((0, 30), (0, 30))
    assert till.ledger.charges() == [CHARGE]


def test_a_hold_that_was_not_needed_is_given_back(till: Till) -> None:
    till.reserve(60)
    till.store.commit(*till.ledger.release("run_1", 1, Hold(60, BOTH)))
    assert (till.state(RUN), till.state(DAY), till.ledger.holds()) == ((0, 0), (0, 0), 0)
    assert till.ledger.charges() == []


def test_a_charge_without_a_hold_is_kept_all_the_same(till: Till) -> None:
    unpriced = replace(CHARGE, amount=0, priced=False, source="recorded")
    till.store.commit(*till.ledger.settle("run_1", 1, None, unpriced))
    assert till.ledger.charges() == [unpriced]
    assert till.ledger.charges("run_2") == []


def test_a_changed_cap_counts_from_now_on_and_keeps_what_was_spent(till: Till) -> None:
    till.reserve(60)
    till.open(run=60)
    assert till.state(RUN) == (60, 0)
    assert till.reserve(1, RUN, step=2) == f"the budget {RUN} is used up"
    till.open(run=61)
    assert till.reserve(1, RUN, step=2) == ""
    assert [budget.cap for budget in till.ledger.budgets() if budget.id == RUN] == [61]


def test_a_budget_that_is_known_to_be_open_is_not_opened_again(till: Till) -> None:
    budget = Budget(RUN, 100)
    assert len(till.ledger.open([budget])) == 1
    till.ledger.opened([budget])
    assert till.ledger.open([budget]) == []
    assert till.ledger.open([replace(budget, cap=200)]) == []


def test_two_versions_of_an_agent_each_keep_their_own_cap_on_the_day_they_share(till: Till) -> None:
    def hold(cap: int | None, amount: int, step: int) -> str:
        shared = [Budget(DAY, cap)]
        statements = [*till.ledger.open(shared), *till.ledger.reserve("run_1", step, amount, shared)]
        refusal = till.store.refusal(*statements)
        if not refusal:
            till.ledger.opened(shared)
        return refusal

    assert hold(1_000, 500, 1) == ""
    assert hold(300, 1, 2) == f"the budget {DAY} is used up"
    assert hold(1_000, 500, 3) == ""
    assert hold(1_000, 1, 4) == f"the budget {DAY} is used up"
    assert hold(None, 1, 5) == ""
    assert till.state(DAY) == (1_001, 0)


def test_the_cap_that_is_shown_is_the_one_last_held_against(till: Till) -> None:
    till.reserve(1)
    till.store.commit(*till.ledger.open([Budget(DAY, 7)]))
    assert [budget.cap for budget in till.ledger.budgets() if budget.id == DAY] == [150]
    till.store.commit(*till.ledger.reserve("run_1", 2, 1, [Budget(DAY, 40)]))
    assert [budget.cap for budget in till.ledger.budgets() if budget.id == DAY] == [40]


def test_the_budgets_of_a_day_are_found_without_those_of_runs(till: Till) -> None:
    unit = day_budget("unit", "care", "2026-11-20")
    others = [day_budget("agent", "desk", "2026-11-21"), run_budget("run_2026-11-20")]
    till.caps.update(dict.fromkeys((unit, *others), 7))
    till.open()
    till.reserve(5, DAY)
    assert [(b.id, b.cap, b.held) for b in till.ledger.budgets_of_day("2026-11-20")] == [(DAY, 150, 5), (unit, 7, 0)]
    till.reserve(5, unit, step=2)
    assert [b.id for b in till.ledger.budgets_of_day("2026-11-20", limit=1)] == [unit], "the most used comes first"


@sqlite_only("it reads SQLite's query plans")
def test_the_budgets_of_a_day_are_found_by_their_index(till: Till) -> None:
    plan = Query("test.plan", f"explain query plan {QUERIES['budgets_of_day'].sql}")
    assert "budgets_by_day" in till.store.database.read(plan, {"day": "2026-11-20", "limit": 9})[0]["detail"]


def test_budgets_are_named_after_what_they_limit() -> None:
    assert (RUN, DAY) == ("run:run_1", "agent:desk:2026-11-20")
