"""Figures as people see them: what they mean, what they are made of, what must be said beside them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import CARA, REFUNDS, Till
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import DAY, HOUR, MINUTE, InputError, NotFoundError, RefusedError, Settings
from remit.gateway.providers import Completion
from remit.kpis import DEFINITIONS, PERIODS
from remit.operations import Actor, FigureViews, duration, local_actor
from remit.operations.views.sheets import share
from remit.testing import SettableClock, open_fleet

LOOK, REFUND = 200, 10_000  # what the tools cost, in micro-units


def looking(cell: Cell) -> FigureViews:
    """Returns what the machine's own operator sees."""
    return cell.views(local_actor("op")).figures


def priced(settings: Settings) -> Settings:
    """Returns settings in which people's time has a price."""
    return settings.model_copy(update={"people_minute": "0.80 EUR"})


async def two_tickets(cell: Cell, clock: SettableClock) -> None:
    """One by itself, one with a yes after ten minutes."""
    await work(cell, "Please refund 20")
    asked = await work(cell, "Please refund 400", order="R-2")
    clock.advance(10 * MINUTE)
    (question,) = cell.parts.approvals.of_run(asked.id)
    await cell.operations.answer(question.id, person=CARA, answer="approve")
    await cell.operations.drive(asked.id)


async def test_every_figure_says_what_it_means_and_what_it_is_made_of(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}, change=priced) as cell:
        await two_tickets(cell, clock)
        sheet = looking(cell).figures(period="7d")
        assert [figure.name for figure in sheet.figures] == [one.name for one in DEFINITIONS]
        assert all(figure.definition and figure.title and figure.text for figure in sheet.figures)
        cpso = sheet.figure("cpso")
        spent, people = 2 * (LOOK + REFUND), 1_600_000
        assert (cpso.value, cpso.text) == ((spent + people) // 2, "0.8102 EUR")
        assert {part.name: part.value for part in cpso.parts} == {
            "succeeded": 2, "tool": spent, "model": 0, "people": people
        }  # fmt: skip
        assert sheet.figure("ttr").text == "5.0 min"
        assert sheet.figure("waiting").text == "100%"
        json.dumps(sheet.model_dump(mode="json"))


async def test_what_a_simulated_model_did_is_marked_wherever_it_stands(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await two_tickets(cell, clock)
        sheet = looking(cell).figures()
        assert not sheet.claimable
        assert sheet.note == "2 of 2 tasks used simulated models: no saving may be claimed from these figures."
        assert {f.name for f in sheet.figures if "simulated" not in f.marks} == {
            "open", "live", "recorded", "simulated", "not_live"
        }  # fmt: skip
        assert "people's time not counted" in sheet.figure("cpso").marks
        assert not any(day.claimable for day in looking(cell).days(days=1))


async def test_a_mean_score_is_told_out_of_five_and_held_against_the_one_before(tmp_path: Path) -> None:
    clock = SettableClock(20_000 * DAY + 12 * HOUR)
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        survey = cell.verbs(local_actor("survey"))
        for score in (5, 4, 4):
            await survey.feedback((await work(cell, "Please refund 20")).task, kind="satisfaction", score=score)
        clock.advance(DAY + MINUTE)
        for score in (2, 3):
            await survey.feedback((await work(cell, "Please refund 20")).task, kind="satisfaction", score=score)
        await work(cell, "Please refund 41")
        sheet = looking(cell).figures(period="today")
        satisfaction, rated, waste = (sheet.figure(name) for name in ("satisfaction", "rated", "waste"))
        assert (satisfaction.value, satisfaction.text, satisfaction.unit) == (2.5, "2.5 of 5", "score")
        assert satisfaction.change is not None
        assert (satisfaction.change.text, satisfaction.change.before) == ("−1.8", "4.3 of 5")
        assert [part.text for part in satisfaction.parts] == [rated.text] == ["67%"]
        assert (waste.value, sheet.figure("waste_share").value) == (LOOK, LOOK / (3 * LOOK + 2 * REFUND))


class Live:
    """A model that answers from outside, with what is no answer here."""

    async def complete(self, request: Any, *, task: str, **_: Any) -> Completion:
        return Completion({"role": "assistant", "content": "no idea"}, None, "m", "live", 0, "stop")

    async def close(self) -> None:
        """Has nothing to close."""


async def test_figures_of_live_work_need_no_mark(tmp_path: Path) -> None:
    folder, providers = tmp_path / "fleet", {"simulated": Live()}
    async with open_fleet(REFUNDS, folder, servers={"shop": Till()}, providers=providers) as cell:
        run = await work(cell, "Please refund 20")
        await cell.operations.cancel(run.id, because="no idea", by=CARA)
        sheet = looking(cell).figures()
        assert (sheet.figure("live").value, sheet.claimable, sheet.note) == (1, True, "")
        assert {mark for figure in sheet.figures for mark in figure.marks} == {"people's time not counted"}


async def test_a_period_is_held_against_as_much_time_before(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await two_tickets(cell, clock)
        first = looking(cell).figures(period="today").figure("succeeded")
        assert (first.value, first.change and first.change.text) == (2, "from nought")
        clock.advance(DAY + HOUR)
        await work(cell, "Please refund 20")
        sheet = looking(cell).figures(period="today")
        change, rate = sheet.figure("succeeded").change, sheet.figure("success_rate").change
        assert change is not None
        assert rate is not None
        assert (change.text, change.before, change.marks) == ("−50 %", "2", ("simulated",))
        assert (rate.text, rate.before) == ("unchanged", "100%")
        assert sheet.figure("open").change is None
        assert looking(cell).figures(period="all").figure("succeeded").change is None
        clock.advance(-2 * HOUR)  # what happened later than now yesterday is not counted
        early = looking(cell).figures(period="today").figure("succeeded").change
        assert early is not None
        assert (early.value, early.text) == (None, "from nought")
        unpriced = looking(cell).figures(period="today").figure("unpriced").change
        assert (unpriced and unpriced.text) == "unchanged"


async def test_costs_add_up_by_unit_and_name_who_spends_most(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await two_tickets(cell, clock)
        views, spent = looking(cell), 2 * (LOOK + REFUND)
        sheet = views.costs(period="today")
        assert (sheet.value, sheet.amount, sheet.priced) == (spent, "0.0204 EUR", True)
        assert {(row.agent, row.unit, row.kind, row.source) for row in sheet.rows} == {
            ("", "customer-care", "tool", "live"), ("", "customer-care", "model", "simulated")
        }  # fmt: skip
        assert [(one.agent, one.value) for one in sheet.spenders] == [("refund-desk", spent)]
        assert {row.agent for row in views.spending()} == {"refund-desk"}
        assert views.costs(agent="refund-desk").value == spent
        clock.advance(DAY)
        assert views.costs(period="today").rows == ()
        assert views.costs(period="7d").value == spent


async def test_budgets_of_today_tell_how_much_is_used(tmp_path: Path) -> None:
    clock = SettableClock()

    def capped(settings: Settings) -> Settings:
        return settings.model_copy(update={"unit_budget_per_day": "0.05 EUR"})

    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}, change=capped) as cell:
        await two_tickets(cell, clock)
        first, *others = looking(cell).budgets()
        assert (first.kind, first.name, first.cap, first.spent) == ("unit", "customer-care", "0.05 EUR", "0.0204 EUR")
        assert first.used == pytest.approx(0.408)
        assert [(one.kind, one.name) for one in others] == [("agent", "refund-desk")]
        assert len(looking(cell).budgets(limit=1)) == 1
        clock.advance(DAY)
        assert looking(cell).budgets() == []


async def test_a_trend_has_a_row_for_every_day(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await two_tickets(cell, clock)
        clock.advance(DAY)
        before, today = looking(cell).days(days=2)
        assert (before.day, before.succeeded, before.ttr, before.hir) == ("2023-11-14", 2, "5.0 min", 0)
        assert (today.day, today.succeeded, today.ttr, today.hir, today.cost) == (
            "2023-11-15",
            0,
            "–",
            None,
            "0.00 EUR",
        )


async def test_names_nobody_has_are_no_empty_figures(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = looking(cell)
        asked: list[tuple[Any, str]] = [
            ({"agent": "nobody"}, "No such agent"),
            ({"unit": "nowhere"}, "customer-care"),
        ]
        for what, words in asked:
            with pytest.raises(NotFoundError, match=words):
                views.figures(**what)
        with pytest.raises(InputError, match="today, 7d, 30d, 90d, all"):
            views.figures(period="8d")
        with pytest.raises(InputError, match="Name one of them"):
            views.figures(agent="refund-desk", unit="customer-care")
        assert [views.figures(period=period).period for period in PERIODS] == list(PERIODS)


async def test_who_may_not_see_figures_sees_none(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        nobody = Actor(id="ned", face="api", permissions=frozenset())
        views = cell.views(nobody).figures
        for look in (views.figures, views.costs, views.spending, views.budgets, views.days, views.definitions):
            with pytest.raises(RefusedError, match="fleet:figures:read"):
                look()


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (2_300, "2 ms"),
        (1_500_000, "1.50 s"),
        (90 * 10**6, "1.5 min"),
        (5 * HOUR, "5.0 h"),
        (9 * DAY, "9.0 d"),
    ],
)
def test_times_are_told_in_the_unit_people_would_use(micros: int | None, text: str) -> None:
    assert duration(micros) == text


def test_small_shares_are_not_rounded_to_nothing() -> None:
    assert [share(value) for value in (0, 0.004, 0.25, 1)] == ["0%", "0.4%", "25%", "100%"]
