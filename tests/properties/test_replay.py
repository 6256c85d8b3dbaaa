"""Whatever an agent did, in whatever order: every question policy answered gets the same answer again."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.desk import CARA, Counter, contract, open_desk
from tests.properties.sample import examples
from tests.properties.test_gateway import ACTS, take

from remit.approvals import ApprovalState
from remit.gateway import Waiting
from remit.runtime import Replay


@pytest.mark.slow
@given(acts=st.lists(ACTS, max_size=14), answers=st.lists(st.sampled_from(["approve", "reject"]), max_size=4))
@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
async def test_every_recorded_verdict_is_made_again_to_the_byte(
    another_database: Callable[[], None], acts: list[tuple[str, Any, Any]], answers: list[str]
) -> None:
    another_database()
    with tempfile.TemporaryDirectory() as name:
        edit = contract(("0.40 EUR", "0.03 EUR"))
        async with open_desk(Path(name), server=Counter(failures=1), edit=edit) as desk:
            for act in acts:
                outcome = await take(desk, act)
                pending = desk.cell.parts.approvals.listing(state=ApprovalState.PENDING.value)
                if isinstance(outcome, Waiting) and answers and pending:
                    await desk.answer(outcome, CARA, answers.pop(), reason="a test")
            parts = desk.cell.parts
            told = await Replay(parts, desk.cell.log).replay(desk.run, parts.releases[desk.run.release])
            # No agent's code did this, so none does it again; what was decided is decided again all the same.
            assert {divergence.what for divergence in told.divergences} <= {"action"}
            assert told.missing == ()
            decisions = [entry.ref for entry in desk.entries("decision") if "rungs" in entry.fields]
            assert sorted(step.decision for step in told.steps if step.same) == sorted(decisions)
