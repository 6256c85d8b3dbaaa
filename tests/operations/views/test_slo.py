"""What agents promise and how it stands, as people see it: by name, with words, for those who may read figures."""

import json
from pathlib import Path

import pytest
from tests.gateway.desk import CONTRACT, REFUNDS, Till, swap
from tests.operations.people import seen_by
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import DAY, HOUR, NotFoundError, RefusedError
from remit.operations import SloViews, local_actor
from remit.testing import SettableClock, open_fleet

PROMISE = "slo: {success: 90 %, minutes: 30, in_time: 95 %, days: 14}"
EDIT = {CONTRACT: swap(("evaluation:", f"{PROMISE}\nevaluation:"))}
IN_WORDS = "90 % of tasks succeed, 95 % end within 30 min, over 14 days"


def looking(cell: Cell) -> SloViews:
    """Returns what the machine's own operator sees."""
    return cell.views(local_actor("op")).slo


async def test_an_agent_is_shown_with_each_objective_in_words_and_numbers(tmp_path: Path) -> None:
    clock = SettableClock(20_000 * DAY + 12 * HOUR)
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=EDIT, clock=clock, servers={"shop": Till()}) as cell:
        for amount in (20, 41, 41, 41, 41, 41, 41):
            await work(cell, f"Please refund {amount}")
        sheet = looking(cell).get("refund-desk")
        assert (sheet.agent, sheet.version, sheet.state, sheet.promise) == (
            "refund-desk",
            "1.0.0",
            "exhausted",
            IN_WORDS,
        )
        assert (sheet.since, sheet.days) == ("2024-09-21T00:00:00.000Z", 14)
        assert not sheet.claimable
        assert sheet.note == "7 of 7 tasks used recorded or simulated models: no quality may be claimed from this."
        success, in_time = sheet.objectives
        assert (success.name, success.target, success.state) == ("success", "90 %", "exhausted")
        assert (success.tasks, success.bad, success.allowed_text, success.used_text) == (7, 6, "0.7", "857%")
        assert success.because == "6 of 7 tasks of 14 days did not succeed; at 90 %, 0.7 may"
        assert success.alarm
        assert [(one.window, one.tasks, one.bad) for one in success.windows] == [
            (name, 7, 6) for name in ("5 min", "30 min", "1 h", "6 h", "3 d")
        ]
        assert success.windows[0].rate == pytest.approx(6 / 7 / 0.1)
        assert (in_time.name, in_time.state, in_time.bad) == ("in_time", "too few to say", 0)
        assert in_time.because.startswith("among so few tasks not even one may fail: 0 of 7 tasks of 14 days")
        json.dumps(sheet.model_dump(mode="json"))
        assert looking(cell).page().rows == (sheet,)
        assert cell.views(local_actor("op")).overview().budgets == (sheet,)


async def test_who_is_unknown_or_promises_nothing_is_told_apart(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        with pytest.raises(NotFoundError, match="No such agent"):
            looking(cell).get("nobody")
        with pytest.raises(NotFoundError, match="The agent has no slo"):
            looking(cell).get("refund-desk")
        assert looking(cell).find("refund-desk") is None
        assert looking(cell).page().rows == ()
        assert cell.views(local_actor("op")).overview().budgets == ()


async def test_an_untouched_promise_is_too_few_to_say_and_needs_nobody(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=EDIT) as cell:
        sheet = looking(cell).get("refund-desk")
        assert (sheet.state, sheet.objectives[0].because) == ("too few to say", "no task ended in the window")
        assert (sheet.objectives[0].used, sheet.objectives[0].used_text) == (None, "–")
        await work(cell)
        assert cell.views(local_actor("op")).overview().budgets == ()
        assert (await shown_contract(cell)) == IN_WORDS


async def shown_contract(cell: Cell) -> str:
    """Returns what the agent's contract is shown to promise."""
    contract = cell.views(local_actor("op")).agents.get("refund-desk").contract
    return contract.slo if contract else ""


async def test_it_takes_what_figures_take(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=EDIT) as cell:
        assert seen_by(cell, "viewer").slo.get("refund-desk").agent == "refund-desk"
        nobody = seen_by(cell).slo
        for look in (lambda: nobody.get("refund-desk"), nobody.page, lambda: nobody.urgent(first=5)):
            with pytest.raises(RefusedError, match="fleet:figures:read"):
                look()


async def test_pages_go_by_name(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", edit=EDIT) as cell:
        page = looking(cell).page(limit=1)
        assert ([row.agent for row in page.rows], page.next) == (["refund-desk"], "")
        assert looking(cell).page(after="refund-desk").rows == ()
