"""What did it cost, how long did it take, how often did people step in: told with what the figures mean."""

from pathlib import Path

import pytest

from journeys.command_line import REPOSITORY, Command
from remit.kpis import DEFINITIONS, statement

SMALL = '{"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}'
PAGE = (REPOSITORY / "docs" / "figures.md").read_text(encoding="utf-8")


@pytest.fixture
def refunded(remit: Command, refunds: Path) -> Path:
    """A fleet that has done one refund."""
    assert remit("run", "refund-desk", "--fleet", refunds, "--input", SMALL).code == 0
    return refunds


def test_figures_are_told_with_marks_where_a_model_was_simulated(remit: Command, refunded: Path) -> None:
    told = remit("kpis", "--fleet", refunded, "--period", "7d").out
    assert "Cost per successful outcome" in told
    assert "people's time not counted" in told
    assert "1 of 1 tasks used simulated models: no saving may be claimed from these figures." in told


def test_programs_get_plain_values(remit: Command, refunded: Path) -> None:
    told = remit("kpis", "--fleet", refunded, "--unit", "customer-care", "--json").value
    assert set(told) == {one.name for one in DEFINITIONS} | {
        "baseline", "claimable", "currency", "period", "since", "until"
    }  # fmt: skip
    assert (told["succeeded"], told["cost"], told["cpso"], told["claimable"]) == (1, 10_200, 10_200, False)


def test_figures_of_an_agent_stand_beside_peoples_where_its_contract_names_some(remit: Command, refunded: Path) -> None:
    contract = refunded / "agents" / "refund-desk.agent.md"
    named = contract.read_text(encoding="utf-8").replace("{cases: ", "{baseline: phone, cases: ")
    contract.write_text(named.replace("version: 1.0.0", "version: 1.0.1"), encoding="utf-8")
    assert "There is no file baselines/phone.yaml" in remit("check", refunded).out
    (refunded / "baselines").mkdir()
    words = "source: the phone desk\ncost_per_task: 9.50 EUR\n"
    (refunded / "baselines" / "phone.yaml").write_text(words, encoding="utf-8")
    assert remit("check", refunded).code == 0
    told = " ".join(remit("kpis", "--fleet", refunded, "--agent", "refund-desk").out.split())
    assert "0.0102 EUR 9.50 EUR below −99 %" in told
    assert "No saving may be claimed: simulated models took part" in told
    assert "People's figures: the phone desk" in told
    value = remit("kpis", "--fleet", refunded, "--agent", "refund-desk", "--json").value["baseline"]
    assert (value["claimable"], value["rows"][0]["people_value"]) == (False, 9_500_000)
    assert remit("kpis", "--fleet", refunded, "--unit", "customer-care", "--json").value["baseline"] == value


def test_costs_keep_their_columns(remit: Command, refunded: Path) -> None:
    rows = remit("costs", "--fleet", refunded, "--agent", "refund-desk", "--period", "7d", "--json").value
    columns = ["agent", "unit", "kind", "source", "calls", "input_tokens", "output_tokens", "amount", "priced"]
    assert [list(row) for row in rows] == [columns] * 2
    assert {row["amount"] for row in rows} == {"0.00 EUR", "0.0102 EUR"}


def test_every_figure_is_defined_where_it_is_asked_for(remit: Command, refunds: Path) -> None:
    told = " ".join(remit("kpis", "--fleet", refunds, "--definitions").out.split())
    assert [one.name for one in DEFINITIONS if one.text not in told] == []
    shown = remit("kpis", "--fleet", refunds, "--definitions", "--json").value
    assert {one["name"]: list(one["queries"]) for one in shown} == {one.name: list(one.queries) for one in DEFINITIONS}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("kpis", "--period", "8d"), "Write one of today, 7d, 30d, 90d, all"),
        (("kpis", "--unit", "nowhere"), "the fleet has: customer-care"),
        (("kpis", "--agent", "refund-desk", "--unit", "customer-care"), "Name one of them"),
        (("costs", "--agent", "nobody"), "No such agent 'nobody'"),
        (("costs", "--period", "soon"), "There is no such period 'soon'"),
    ],
)
def test_what_nobody_knows_is_no_empty_table(
    remit: Command, refunds: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = remit(*arguments, "--fleet", refunds)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_the_document_defines_every_figure_in_the_same_words() -> None:
    titles = {one.name: one.title for one in DEFINITIONS}
    wanted = [
        f"| **{one.title}** (`{one.name}`) | {one.unit} | {one.text} | "
        f"{', '.join(titles[part] for part in one.parts) or '–'} | {', '.join(f'`{name}`' for name in one.queries)} |"
        for one in DEFINITIONS
    ]
    rows = [line for line in PAGE.splitlines() if line.startswith("| **")]
    assert rows == wanted


def test_a_figure_is_made_of_figures_and_rests_on_statements() -> None:
    names = [one.name for one in DEFINITIONS]
    assert len(set(names)) == len(names)
    assert {part for one in DEFINITIONS for part in one.parts} <= set(names)
    assert all(statement(name) for one in DEFINITIONS for name in one.queries)
