"""The desk with a recorded model, and somebody who says yes to everything."""

from collections.abc import Mapping
from typing import Any

from remit.app import Cell
from remit.approvals import ApprovalState
from remit.core import ModelRoute, Settings
from remit.journal import Run, RunState


def recorded_model(settings: Settings) -> Settings:
    """Returns the settings with a recorded model as the only one."""
    return settings.model_copy(update={"models": {"recorded": ModelRoute(kind="recorded", cloud=False)}})


async def play(cell: Cell, value: Mapping[str, Any]) -> Run:
    """Plays one ticket to its end; the recording knows it by the ticket."""
    started = await cell.operations.submit("retail-desk", value, on_behalf_of="a customer", dedup=value["ticket"])
    run = await cell.operations.drive(started.run.id)
    while run.state is RunState.WAITING:
        for approval in cell.parts.approvals.of_run(run.id):
            if approval.state is ApprovalState.PENDING:
                person = cell.parts.people.holding(approval.roles)[0]
                await cell.operations.answer(approval.id, person=person.id, answer="approve")
        run = await cell.operations.drive(run.id)
    return run
