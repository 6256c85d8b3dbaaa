"""Whatever an agent does, in whatever order: every call is on the record, and nothing stays held."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.desk import CARA, Counter, Desk, contract, open_desk
from tests.properties.sample import examples

from remit.audit import verify_export, write_export
from remit.gateway import Action, Denied, Done, Waiting
from remit.identity import Credentials

ORDERS = st.sampled_from(["R-1", "R-2", "R-3", "R-4", "R-99"])
AMOUNTS = st.sampled_from([0, 1, 20, 40, 41, 400, 3_000, 9_000, -1, "20", None])
ACTS = st.one_of(
    st.tuples(st.just("look"), ORDERS, st.none()),
    st.tuples(st.just("refund"), ORDERS, AMOUNTS),
    st.tuples(st.just("model"), st.just("simulated"), st.none()),
    st.tuples(st.just("strange"), st.text(max_size=20), st.none()),
    st.tuples(st.just("stranger"), st.none(), st.none()),
    st.tuples(st.just("stop"), st.sampled_from(["fleet", "tool:shop__issue_refund"]), st.none()),
    st.tuples(st.just("resume"), st.sampled_from(["fleet", "tool:shop__issue_refund"]), st.none()),
    st.tuples(st.just("again"), st.none(), st.none()),
)


async def take(desk: Desk, act: tuple[str, Any, Any]) -> Any:
    """Does one thing; returns the outcome when it went through `gateway.act`."""
    kind, what, amount = act
    match kind:
        case "look":
            return await desk.look(what)
        case "refund":
            return await desk.refund(amount, order=what)
        case "strange":
            return await desk.act(what, {"x": what})
        case "model":
            step, desk.next_step = desk.next_step, desk.next_step + 1
            return await desk.cell.gateway.act(desk.credentials, Action("model", what, {"messages": []}, step))
        case "stranger":
            return await desk.cell.gateway.act(Credentials(desk.run.id, 1, "guessed"), Action("tool", "x", {}, 1))
        case "again":
            desk.credentials = (await desk.drive_again()).credentials
        case _:
            verb = desk.cell.operations.stop if kind == "stop" else desk.cell.operations.resume
            await verb(what, because="a test", by=CARA)
    return None


async def play(desk: Desk, acts: list[tuple[str, Any, Any]]) -> None:
    log, ledger = desk.cell.log, desk.cell.parts.ledger
    for act in acts:
        before = log.size()
        outcome = await take(desk, act)
        if outcome is not None:
            assert log.size() > before
            entry = log.entry_by_ref(outcome.decision)
            assert entry is not None
            verdict = {Done: "permit", Denied: "deny", Waiting: "wait"}[type(outcome)]
            assert entry.fields["verdict"] == verdict
            assert isinstance(outcome, Waiting) or outcome.decision
        assert all(b.cap is None or b.spent + b.held <= b.cap for b in ledger.budgets())
    permits = [entry.ref for entry in desk.entries("decision") if entry.fields["verdict"] == "permit"]
    assert permits == [entry.ref for entry in desk.entries("outcome")]
    assert ledger.holds() == 0
    assert desk.cell.parts.controls.locks() == []
    refunded = sum(desk.server.refunded(order) for order in ("R-1", "R-2", "R-4"))
    assert refunded <= 4_000


@pytest.mark.slow
@given(acts=st.lists(ACTS, max_size=14))
@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
async def test_every_call_is_on_the_record_and_nothing_stays_held(
    another_database: Callable[[], None], acts: list[tuple[str, Any, Any]]
) -> None:
    another_database()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        edit = contract(("0.40 EUR", "0.03 EUR"))
        async with open_desk(folder, server=Counter(failures=1), edit=edit) as desk:
            await play(desk, acts)
            log, commit = desk.cell.log, desk.cell.log.checkpoint_commit()
            if commit:
                await desk.cell.parts.writer.commit(commit)
            write_export(log, folder / "export")
            report = verify_export(folder / "export", log.public_key)
            assert report.ok, report.problems
