"""What people see: typed values, complete, for whoever may see them, and no change by looking."""

from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CARA, REFUNDS
from tests.operations.people import seen_by
from tests.runtime.workshop import work

from remit.contracts import Person
from remit.core import NotFoundError, RefusedError, Settings
from remit.operations import Face, local_actor, person_actor
from remit.testing import open_fleet


async def test_a_run_is_shown_with_its_steps_refusals_and_reasons(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = cell.views(local_actor("tests"))
        asked = await work(cell, "Please refund 400", order="R-2")
        (question,) = views.approvals.listing()
        assert question.proposed["amount"] == 400
        assert question.on_behalf_of == ANN
        refused = await work(cell, "Please refund 41 for R-1")
        shown = views.runs.get(refused.id[-8:])
        assert shown.state == "failed"
        assert [step.state for step in shown.steps] == ["done", "done", "denied"]
        assert [step.level for step in shown.steps] == ["autonomous", "autonomous", "autonomous"]
        assert shown.steps[-1].refused_at == "guardrails"
        assert "41" in shown.steps[-1].reason  # in the gate's own words
        assert [refusal.refused_at for refusal in shown.refusals] == ["guardrails"]
        assert shown.span >= max(step.offset + (step.seconds or 0) for step in shown.steps)
        assert shown.input["order_id"] == "R-1"
        explained = views.decisions.explain(shown.steps[-1].decision)
        assert explained["verdict"] == "deny"
        assert {run.run for run in views.runs.listing()} == {asked.id, refused.id}
        assert [run.run for run in views.runs.listing(state="waiting")] == [asked.id]


async def test_a_decision_is_explained_in_the_contracts_words(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = cell.views(local_actor("tests"))
        run = await work(cell, "Please refund 20")
        step = next(step for step in views.runs.get(run.id).steps if step.name == "shop__issue_refund")
        assert step.reason == "small and reversible"
        told = views.decisions.explain(step.decision)
        (policy,) = told["rungs"][0]["policies"]
        assert policy["because"] == "small and reversible"
        assert policy["source"].startswith("agents/refund-desk.agent.md:")
        with pytest.raises(NotFoundError):
            views.decisions.explain("dec_nothing")


async def test_a_step_comes_with_arguments_result_and_what_decided(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 20")
        step = cell.views(local_actor("tests")).decisions.step(run.id, 3)
        assert step.arguments["arguments"]["amount"] == 20
        assert step.result["value"]["refund_id"]
        assert step.facts["delivered"] is True
        assert step.rungs[0].policies[0].because == "small and reversible"
        assert step.log_index is not None
        bare = seen_by(cell, "viewer").decisions.step(run.id, 3)
        assert (bare.content, bare.arguments, bare.result, bare.reasoning) == (False, None, None, None)
        assert bare.rungs == step.rungs


async def test_the_authority_of_an_agent_is_a_table(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = cell.views(local_actor("tests"))
        levels = [row.level for row in views.agents.authority("refund-desk") if row.tool == "shop__issue_refund"]
        assert levels == ["autonomous", "human-in-the-loop", "human-in-the-loop", "human-led"]
        with pytest.raises(NotFoundError, match="refund-desk"):
            views.agents.authority("nobody")
        await cell.operations.stop("fleet", because="a test", by=CARA)
        assert views.switches.listing()[0].stopped is True


async def test_an_agent_is_shown_with_its_contract_and_what_stops_it(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await work(cell, "Please refund 20")
        await cell.operations.stop("agent:refund-desk", because="odd", by=CARA)
        shown = seen_by(cell, "viewer").agents.get("refund-desk")
        assert shown.contract is not None
        assert [step.does for step in shown.contract.steps][:2] == ["shop__get_order", "model"]
        assert shown.runs == {"done": 1}
        assert [one.scope for one in shown.stopped] == ["agent:refund-desk"]
        with pytest.raises(NotFoundError):
            seen_by(cell, "viewer").agents.get("nobody")


async def test_pages_of_runs_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        runs = [(await work(cell, "Please refund 1")).id for _ in range(5)]
        views = seen_by(cell, "viewer")
        for filters in ({}, {"state": "done"}, {"agent": "refund-desk"}, {"agent": "refund-desk", "state": "done"}):
            seen: list[str] = []
            after = ""
            while True:
                page = views.runs.page(limit=2, after=after, **filters)
                seen += [row.run for row in page.rows]
                if not (after := page.next):
                    break
            assert seen == list(reversed(runs))
            assert page.counts["state"]["done"] == 5
            assert page.counts["agent"] == {"refund-desk": 5}
        tasks = views.tasks.page(state="done")
        assert len(tasks.rows) == tasks.counts["state"]["done"] == 5
        assert views.tasks.get(tasks.rows[0].task[-10:]).task == tasks.rows[0].task


async def test_two_runs_part_where_they_asked_for_different_things(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        one, other = await work(cell, "Please refund 20"), await work(cell, "Please refund 30")
        views = cell.views(local_actor("tests"))
        told = views.comparison.get(one.id, other.id)
        assert told.parted == 1
        assert told.steps[0].differs == ("result",)  # the order had less left
        assert "arguments" in told.steps[1].differs  # the model was told another amount
        assert views.comparison.get(one.id, one.id).parted is None


async def test_who_may_not_see_content_cannot_find_it_out_by_comparing(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        one, other = await work(cell, "Please refund 20"), await work(cell, "Please refund 30")
        sees, guesses = cell.views(local_actor("tests")), seen_by(cell, "viewer")
        assert "arguments" in sees.comparison.get(one.id, other.id).steps[1].differs
        told = {name for pair in guesses.comparison.get(one.id, other.id).steps for name in pair.differs}
        assert told.isdisjoint({"arguments", "result"})


async def test_the_riskiest_question_comes_first_and_says_who_may_answer(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await work(cell, "Please refund 400", order="R-2")
        mine, others = seen_by(cell, "care-lead"), seen_by(cell, "auditor")
        (row,) = mine.approvals.queue(mine=True).rows
        assert row.mine
        assert others.approvals.queue(mine=True).rows == ()
        shown = mine.approvals.get(row.approval)
        assert shown.needs == "care-lead, or 2 × treasurer"
        assert {person.id: person.may for person in shown.answerers}["olga.owner@shop.example"] is False
        assert shown.schema_["properties"]["amount"]
        assert shown.proposed["amount"] == 400
        hidden = seen_by(cell, "viewer").approvals.get(row.approval)
        assert (hidden.content, hidden.proposed, hidden.input, hidden.reasoning) == (False, None, None, None)


async def test_a_dry_run_says_what_would_stop_and_stops_nothing(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 400", order="R-2")
        views = seen_by(cell, "operator")
        for scope in ("fleet", "agent:refund-desk", "tool:shop__issue_refund", "model:simulated", f"run:{run.id}"):
            told = views.switches.dry_run(scope)
            assert (told.waiting, told.runs, told.stopped) == (1, 1, False), scope
            assert (told.versions, told.named) == (1, ("refund-desk@1.0.0",))
        assert views.switches.in_force() == []


async def test_the_log_is_searched_by_run_decision_and_number(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 20")
        views = seen_by(cell, "auditor")
        newest = views.log.page(limit=3)
        assert [row.index for row in newest.rows] == sorted((row.index for row in newest.rows), reverse=True)
        assert views.log.page(after=newest.next, limit=1).rows[0].index == newest.rows[-1].index - 1
        of_run = views.log.page(search=run.id, limit=200).rows
        assert {row.stream for row in of_run} == {run.id}
        decision = next(row for row in of_run if row.kind == "decision")
        assert decision in views.log.page(search=decision.ref).rows
        assert views.log.page(search=f"#{decision.index}").rows == (decision,)
        assert {row.kind for row in views.log.page(kind="outcome").rows} == {"outcome"}
        assert views.log.get(0).fields
        with pytest.raises(NotFoundError):
            views.log.get(10_000)


async def test_each_entry_tells_what_came_of_it(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await work(cell, "Please refund 20")
        await cell.operations.stop("agent:refund-desk", by="pia", because="odd")
        await cell.operations.resume("agent:refund-desk", by="pia", because="fine")
        views = seen_by(cell, "auditor")
        resumed, stopped = (row.told for row in views.log.page(kind="switch").rows)
        assert stopped == "agent:refund-desk · stopped · pia · odd"
        assert resumed == "agent:refund-desk · resumed · pia · fine"
        assert {row.told for row in views.log.page(kind="outcome").rows} == {"done"}


async def test_an_entry_comes_with_a_proof_once_it_is_signed(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        views = seen_by(cell, "viewer")
        assert views.log.head().signed >= 1
        assert views.log.get(0).proof.startswith("c2sp.org/tlog-proof")
        assert views.log.verify().ok
        with pytest.raises(RefusedError):
            views.log.export(tmp_path / "export")


async def test_a_port_given_on_the_command_line_is_no_default_and_what_is_unset_is_empty(tmp_path: Path) -> None:
    def elsewhere(settings: Settings) -> Settings:
        return settings.model_copy(update={"http": settings.http.model_copy(update={"port": 9_000})})

    async with open_fleet(REFUNDS, tmp_path / "fleet", change=elsewhere) as cell:
        rows = {row.name: row for row in seen_by(cell, "platform").settings.listing()}
        assert (rows["http.port"].value, rows["http.port"].source) == ("9000", "command line")
        assert rows["http.host"].source == "default"
        assert rows["models.simulated.input_price"].value == ""


async def test_settings_say_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_LIMITS__HOPS", "3")
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        rows = {row.name: row for row in seen_by(cell, "platform").settings.listing()}
        assert (rows["currency"].value, rows["currency"].source) == ("EUR", "remit.toml")
        assert (rows["limits.hops"].value, rows["limits.hops"].source) == ("3", "REMIT_LIMITS__HOPS")
        assert rows["key_file"].source == "default"
        assert rows["models.simulated.kind"].value == "simulated"
        assert all(row.says for row in rows.values())


async def test_the_chart_says_who_answers_for_what(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        chart = seen_by(cell, "viewer").people.chart()
        (unit,) = chart.units
        told = {(line.what, line.who) for line in unit.responsibilities}
        assert ("outcomes of refund-desk", ("olga.owner@shop.example",)) in told
        assert any(line.who == ("pia.platform@shop.example",) for line in chart.platform)


async def test_the_overview_puts_first_what_needs_a_person(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        await work(cell, "Please refund 41")
        await work(cell, "Please refund 400", order="R-2")
        shown = seen_by(cell, "care-lead").overview()
        asked = shown.questions
        assert (asked.asked, asked.mine, asked.stuck) == (1, 1, 0)
        assert asked.first[0].mine
        assert (shown.runs["waiting"], shown.runs["failed"]) == (1, 1)
        assert [run.state for run in shown.failed] == ["failed"]


async def test_an_owner_sees_what_their_agents_were_told_in_person_and_by_no_token(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        run = await work(cell, "Please refund 20")
        olga = Person(id="olga.owner@shop.example")
        in_person, by_token = (cell.views(person_actor(olga, face, owns=True)) for face in FACES)
        assert in_person.runs.get(run.id).content
        assert not by_token.runs.get(run.id).content


FACES: tuple[Face, Face] = ("console", "api")
