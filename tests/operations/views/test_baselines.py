"""An agent's figures beside people's: what they differ by, and every reason why no saving may be claimed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CONTRACT, REFUNDS, Till
from tests.operations.views.test_figures import Live, looking, priced
from tests.runtime.workshop import work

from remit.contracts import Baseline
from remit.core import HOUR, MINUTE, Money, Settings
from remit.kpis import DEFINITIONS, Figures
from remit.operations.views.baselines import beside
from remit.testing import SettableClock, open_fleet

PHONE = "source: 'the phone desk, by stop watch'\nperiod: 2026, third quarter\nown: {own}\ncost_per_task: 9.50 EUR\nttr: 54.5h\n"


def figures(**known: Any) -> Figures:
    """Returns figures of two good tasks by live models with people counted; `known` says otherwise."""
    values: dict[str, Any] = dict.fromkeys((one.name for one in DEFINITIONS), 0)
    return Figures(**{**values, "tasks": 2, "succeeded": 2, "live": 2, "cpso": 1_900_000, "ttr": HOUR, **known})


def people(**known: Any) -> Baseline:
    """Returns people's figures, measured here."""
    values: dict[str, Any] = {"source": "us", "own": True, "cost_per_task": Money.of("9.50", "EUR"), "ttr": "2h"}
    return Baseline(**{**values, **known})


def named(folder: Path, *, own: bool) -> Path:
    """Returns a refund desk whose contract names people's figures."""
    shutil.copytree(REFUNDS, folder)
    contract = folder / CONTRACT
    text = contract.read_text(encoding="utf-8").replace("evaluation: {", "evaluation: {baseline: phone, ")
    contract.write_text(text, encoding="utf-8")
    (folder / "baselines").mkdir()
    (folder / "baselines" / "phone.yaml").write_text(PHONE.format(own=str(own).lower()), encoding="utf-8")
    return folder


async def test_they_stand_with_the_agents_figures_and_say_why_nothing_may_be_claimed(tmp_path: Path) -> None:
    source, clock = named(tmp_path / "source", own=False), SettableClock()
    async with open_fleet(source, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await work(cell, "Please refund 20")
        sheet = looking(cell).figures(agent="refund-desk")
        told = sheet.baseline
        assert told is not None
        assert (told.name, told.own, told.claimable, told.period) == ("phone", False, False, "2026, third quarter")
        assert told.note == (
            "No saving may be claimed: simulated models took part; the time of people in the agent's work is not counted;"
            " people's figures are those of another organisation."
        )
        assert [(row.name, row.text, row.people, row.change) for row in told.rows] == [
            ("cpso", sheet.figure("cpso").text, "9.50 EUR", "below −99 %"),
            ("ttr", "0 ms", "2.3 d", "−100 %"),
        ]


async def test_a_unit_and_the_fleet_stand_beside_people_where_all_their_agents_name_the_same(
    tmp_path: Path, another_database: Callable[[], None]
) -> None:
    source = named(tmp_path / "source", own=False)
    async with open_fleet(source, tmp_path / "one", servers={"shop": Till()}) as cell:
        for scope in ({}, {"unit": "customer-care"}, {"agent": "refund-desk"}):
            assert looking(cell).figures(**scope).baseline is not None
    contract = (source / CONTRACT).read_text(encoding="utf-8")
    other = contract.replace("agent: refund-desk", "agent: other-desk").replace("unit: customer-care", "unit: sales")
    other = other.replace("ticket.created", "ticket.sold")
    (source / "agents" / "other-desk.agent.md").write_text(other.replace("baseline: phone, ", ""), encoding="utf-8")
    another_database()
    async with open_fleet(source, tmp_path / "two", servers={"shop": Till()}) as cell:
        shown = [
            looking(cell).figures(**scope).baseline for scope in ({}, {"unit": "customer-care"}, {"unit": "sales"})
        ]
        assert [one.name if one else "" for one in shown] == ["", "phone", ""]


async def test_only_live_work_beside_ones_own_people_proves_something(tmp_path: Path) -> None:
    source, shop = named(tmp_path / "source", own=True), {"shop": Till()}
    providers = {"simulated": Live()}
    async with open_fleet(source, tmp_path / "fleet", servers=shop, providers=providers, change=priced) as cell:
        run = await work(cell, "Please refund 20")
        await cell.operations.cancel(run.id, because="no idea", by="op")
        told = looking(cell).figures(agent="refund-desk").baseline
        assert told is not None
        assert (told.claimable, told.note) == (True, "")
        assert (told.rows[0].text, told.rows[0].change) == ("–", ""), "no success, no cost of one"


def test_the_difference_is_that_to_people() -> None:
    told = beside("phone", people(), figures(), Settings())
    assert [(row.change, row.difference) for row in told.rows] == [("−80 %", -0.8), ("−50 %", -0.5)]
    dearer = beside("phone", people(), figures(cpso=19_000_000, ttr=2 * HOUR), Settings())
    assert [row.change for row in dearer.rows] == ["+100 %", "unchanged"]
    assert told.claimable


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"recorded": 1, "not_live": 1}, "recorded models took part"),
        ({"simulated": 1, "not_live": 1}, "simulated models took part"),
        ({"unpriced": 1}, "some prices are not known"),
        ({"people": None}, "the time of people in the agent's work is not counted"),
    ],
    ids=["recorded", "simulated", "unpriced", "people"],
)
def test_each_reason_against_a_claim_is_told(known: dict[str, Any], reason: str) -> None:
    told = beside("phone", people(), figures(**known), Settings())
    assert (told.claimable, told.note) == (False, f"No saving may be claimed: {reason}.")


def test_peoples_minutes_make_the_cost_where_their_time_has_a_price() -> None:
    minutes = people(cost_per_task=None, minutes=10)
    told = beside("phone", minutes, figures(), Settings(people_minute="0.80 EUR"))
    assert (told.rows[0].people, told.rows[0].people_value) == ("8.00 EUR", 8_000_000)
    assert [row.name for row in beside("phone", minutes, figures(), Settings()).rows] == ["ttr"]


def test_what_cannot_be_told_in_the_cells_currency_is_not_guessed() -> None:
    dollars = people(cost_per_task=Money.of("17", "USD"))
    told = beside("phone", dollars, figures(), Settings())
    assert (told.rows[0].people, told.rows[0].change, told.rows[0].difference) == ("–", "", None)
    rate = beside("phone", dollars, figures(), Settings(exchange={"USD": "0.92"}))  # type: ignore[dict-item]
    assert rate.rows[0].people == "15.64 EUR"


def test_a_time_of_minutes_is_told_in_minutes() -> None:
    told = beside("phone", people(ttr="45min"), figures(ttr=90 * MINUTE), Settings())
    assert (told.rows[1].people, told.rows[1].text, told.rows[1].change) == ("45.0 min", "1.5 h", "+100 %")
