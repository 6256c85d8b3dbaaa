"""What people see: plain values, complete, and no change by looking."""

import json
from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CARA, REFUNDS
from tests.runtime.workshop import work

from remit.core import NotFoundError
from remit.operations import Views
from remit.testing import open_fleet


async def test_a_run_is_shown_with_its_steps_refusals_and_reasons(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = Views(parts=cell.parts, log=cell.log, fleet=cell.fleet)
        asked = await work(cell, "Please refund 400", order="R-2")
        (question,) = views.approvals()
        assert question["proposed"]["amount"] == 400
        assert question["on_behalf_of"] == ANN
        refused = await work(cell, "Please refund 41 for R-1")
        shown = views.run(refused.id[-8:])
        assert shown["state"] == "failed"
        assert [step["state"] for step in shown["steps"]] == ["done", "done", "denied"]
        assert shown["steps"][-1]["refused_at"] == "guardrails"
        assert [refusal["refused_at"] for refusal in shown["refusals"]] == ["guardrails"]
        explained = views.explain(shown["steps"][-1]["decision"])
        assert explained["verdict"] == "deny"
        assert {run["run"] for run in views.runs()} == {asked.id, refused.id}
        assert [run["run"] for run in views.runs(state="waiting")] == [asked.id]
        json.dumps([shown, explained, question, views.agents(), views.costs(), views.switches()])


async def test_a_decision_is_explained_in_the_contracts_words(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = Views(parts=cell.parts, log=cell.log, fleet=cell.fleet)
        run = await work(cell, "Please refund 20")
        step = next(step for step in views.run(run.id)["steps"] if step["name"] == "shop__issue_refund")
        told = views.explain(step["decision"])
        (policy,) = told["rungs"][0]["policies"]
        assert policy["because"] == "small and reversible"
        assert policy["source"].startswith("agents/refund-desk.agent.md:")
        with pytest.raises(NotFoundError):
            views.explain("dec_nothing")


async def test_the_authority_of_an_agent_is_a_table(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = Views(parts=cell.parts, log=cell.log, fleet=cell.fleet)
        levels = [row["level"] for row in views.authority("refund-desk") if row["tool"] == "shop__issue_refund"]
        assert levels == ["autonomous", "human-in-the-loop", "human-in-the-loop", "human-led"]
        with pytest.raises(NotFoundError, match="refund-desk"):
            views.authority("nobody")
        await cell.operations.stop("fleet", because="a test", by=CARA)
        assert views.switches()[0]["stopped"] is True
