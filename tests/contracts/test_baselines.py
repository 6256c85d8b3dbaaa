"""People's figures: read with their source, and every mistake in them is told where it stands."""

from pathlib import Path

import pytest
from tests.contracts.fleet_folder import FILES, Folder

from remit.core import HOUR, MINUTE, Money

PHONE = 'source: "measured by us"\nown: true\ncost_per_task: 9.50 EUR\nminutes: 11.5\nttr: 54.5h\n'
NAMED = ("cases/refund-desk.yaml}", "cases/refund-desk.yaml, baseline: human-2026q3}")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A sound fleet whose refund desk names a baseline."""
    folder = Folder(tmp_path)
    for name, content in FILES.items():
        folder.write(name, content)
    return folder.edit("agents/refund-desk.agent.md", NAMED).write("baselines/human-2026q3.yaml", PHONE)


def told(folder: Folder) -> list[str]:
    return [line for line in folder.findings() if "baseline" in line]


def test_a_baseline_is_read_with_money_and_times(folder: Folder) -> None:
    baseline = folder.fleet().baselines["human-2026q3"]
    assert told(folder) == []
    assert (baseline.cost_per_task, baseline.minutes) == (Money.of("9.50", "EUR"), 11.5)
    assert (baseline.ttr, baseline.own, baseline.period) == (54 * HOUR + 30 * MINUTE, True, "")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("ttr: 2d\n", "baselines/human-2026q3.yaml:1 source: source is missing (add a line with source:)"),
        ("source: x\n", "baselines/human-2026q3.yaml:1: A baseline has at least one of cost_per_task, minutes and ttr"),
        ("source: x\nttr: soon\n", ":2 ttr: Not a length of time. Write it as '45min', '54.5h' or '2d'"),
        ("source: x\nttr: 0h\n", ":2 ttr: Not a length of time"),
        ("source: x\nttr: 54\n", ":2 ttr: Not a length of time"),
        ("source: x\ncost_per_task: 9.50\n", ":2 cost_per_task: Not an amount of money"),
        ("source: x\nminutes: -1\n", ":2 minutes: Input should be greater than 0"),
        ("source: x\nttr: 2d\ncost: 1 EUR\n", ":3 cost: There is no field 'cost' here"),
        ("source: x\nttr: [\n", "baselines/human-2026q3.yaml:3: Not YAML"),
    ],
    ids=["source", "nothing", "words", "nought", "no unit", "no currency", "minutes", "unknown", "yaml"],
)
def test_a_mistake_is_told_once_with_its_line(folder: Folder, content: str, wrong: str) -> None:
    found = told(folder.write("baselines/human-2026q3.yaml", content))
    assert len(found) == 1, "who names a file with mistakes makes no other mistake"
    assert wrong in found[0]


@pytest.mark.parametrize("name", ["human-2026q4", "../people", "nobody"])
def test_a_baseline_that_is_not_there_is_a_mistake_of_the_contract(folder: Folder, name: str) -> None:
    folder.edit("agents/refund-desk.agent.md", ("baseline: human-2026q3", f"baseline: {name}"))
    (found,) = told(folder)
    assert f"evaluation.baseline: There is no file baselines/{name}.yaml" in found
    assert "human-2026q3" in found
