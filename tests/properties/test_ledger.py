"""Properties of the ledger, for whatever spending the machine thinks of, by many at the same time."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.databases import ON_POSTGRESQL
from tests.properties.sample import examples

from remit.ledger import Budget, Charge, Hold, Ledger
from remit.store import Query, Statement
from store.opened import Store, open_store

CAP = 100
NUMBERS = count()
HOLDS = Query("test.holds", "select * from holds where run like :mine")


@dataclass(frozen=True)
class Spending:
    """One step: what it holds, on which shared budgets, and what it costs in the end (None: it is given back)."""

    hold: int
    shared: tuple[int, ...]
    charge: int | None


def spendings() -> st.SearchStrategy[Spending]:
    def of(hold: int) -> st.SearchStrategy[Spending]:
        shared = st.sets(st.integers(0, 2)).map(lambda numbers: tuple(sorted(numbers)))
        return st.builds(Spending, st.just(hold), shared, st.none() | st.integers(0, hold))

    return st.integers(0, 60).flatmap(of)


RUNS = st.lists(st.lists(spendings(), max_size=6), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    url = request.getfixturevalue("postgresql_server").fresh() if ON_POSTGRESQL else ""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), url=url) as store:
        yield store


class Books:
    """The ledger of one example, with budgets and runs of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ledger = Ledger(store.database)
        self.number = next(NUMBERS)
        self.shared = [f"unit:{self.number}:{number}" for number in range(3)]

    def run(self, number: int) -> str:
        """The id of a run."""
        return f"run_{self.number}_{number}"

    def budgets(self, run: str, spending: Spending) -> tuple[str, ...]:
        """The budgets a step is paid from: its run's, and some it shares."""
        return (f"run:{run}", *(self.shared[number] for number in spending.shared))

    def reserve(self, run: str, step: int, spending: Spending) -> str:
        """Holds what a step may cost and returns the refusal, or nothing."""
        paying = [Budget(name, CAP) for name in self.budgets(run, spending)]
        return self.store.refusal(*self.ledger.reserve(run, step, spending.hold, paying))

    def open(self, runs: int) -> None:
        """Opens every budget with the same cap."""
        names = [*self.shared, *(f"run:{self.run(number)}" for number in range(runs))]
        self.store.commit(*self.ledger.open([Budget(name, CAP) for name in names]))

    def close(self, run: str, step: int, spending: Spending) -> list[Statement]:
        """The statements that settle a hold, or give it back."""
        hold = Hold(spending.hold, self.budgets(run, spending))
        assert self.ledger.hold_of(run, step) == hold
        if spending.charge is None:
            return self.ledger.release(run, step, hold)
        return self.ledger.settle(run, step, hold, charge(run, step, spending.charge))

    def check_caps(self) -> None:
        """No budget is overdrawn, not even for a moment."""
        for budget in self.ledger.budgets():
            assert budget.cap is not None
            assert budget.held >= 0
            assert budget.held + budget.spent <= budget.cap

    def check_sums(self, spent: dict[str, int]) -> None:
        """Every budget holds nothing and has spent what its steps cost."""
        mine = {b.id: b for b in self.ledger.budgets() if b.id in self.shared or f":run_{self.number}_" in b.id}
        assert {name: budget.spent for name, budget in mine.items()} == {name: spent.get(name, 0) for name in mine}
        assert not any(budget.held for budget in mine.values())
        assert not self.store.database.read(HOLDS, {"mine": f"run_{self.number}_%"})


def charge(run: str, step: int, amount: int) -> Charge:
    return Charge(run, step, "t", "desk", "1.0.0", "care", "tool", "shop__refund", amount, True, "live", 0, 0, 0)


@given(runs=RUNS)
@settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
def test_runs_that_spend_at_the_same_time_never_pass_a_cap_and_add_up(store: Store, runs: list[list[Spending]]) -> None:
    books = Books(store)
    books.open(len(runs))
    together = Barrier(len(runs))

    def spend(number: int) -> list[tuple[str, Spending]]:
        run, stood = books.run(number), list[tuple[str, Spending]]()
        together.wait()
        for step, spending in enumerate(runs[number]):
            if books.reserve(run, step, spending):
                assert books.ledger.hold_of(run, step) is None
                continue
            books.check_caps()
            store.commit(*books.close(run, step, spending))
            stood.append((run, spending))
        return stood

    with ThreadPoolExecutor(len(runs)) as threads:
        stood = [each for some in threads.map(spend, range(len(runs))) for each in some]
    books.check_caps()
    spent: dict[str, int] = {}
    for run, spending in stood:
        for budget in books.budgets(run, spending):
            spent[budget] = spent.get(budget, 0) + (spending.charge or 0)
    books.check_sums(spent)


@given(steps=st.lists(spendings(), max_size=20), data=st.data())
@settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
def test_in_whatever_order_holds_are_closed_the_ledger_does_what_a_sum_does(
    store: Store, steps: list[Spending], data: st.DataObject
) -> None:
    books = Books(store)
    books.open(1)
    run, open_steps = books.run(0), list[int]()
    held, spent = dict[str, int](), dict[str, int]()
    for step, spending in enumerate(steps):
        budgets = books.budgets(run, spending)
        fits = all(held.get(name, 0) + spent.get(name, 0) + spending.hold <= CAP for name in budgets)
        assert bool(books.reserve(run, step, spending)) != fits
        if fits:
            open_steps.append(step)
            held |= {name: held.get(name, 0) + spending.hold for name in budgets}
        if open_steps and data.draw(st.booleans()):
            close(books, run, open_steps.pop(data.draw(st.integers(0, len(open_steps) - 1))), steps, held, spent)
    for step in open_steps:
        close(books, run, step, steps, held, spent)
    books.check_sums(spent)


def close(
    books: Books, run: str, step: int, steps: list[Spending], held: dict[str, int], spent: dict[str, int]
) -> None:
    """Closes a hold in the ledger and in the sums."""
    books.store.commit(*books.close(run, step, steps[step]))
    for name in books.budgets(run, steps[step]):
        held[name] -= steps[step].hold
        spent[name] = spent.get(name, 0) + (steps[step].charge or 0)
