"""Key figures, on a history small enough to count by hand."""

from pathlib import Path

from tests.gateway.desk import ANN, CARA, REFUNDS, Till
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import MINUTE
from remit.journal import Run
from remit.testing import SettableClock, open_fleet

LOOK, REFUND = 200, 10_000  # what the tools cost, in micro-units


async def answered(cell: Cell, clock: SettableClock, run: Run, answer: str, minutes: int) -> Run:
    clock.advance(minutes * MINUTE)
    (question,) = cell.parts.approvals.of_run(run.id)
    await cell.operations.answer(question.id, person=CARA, answer=answer, reason="because")  # type: ignore[arg-type]
    return await cell.operations.drive(run.id)


async def test_without_work_there_is_nothing_to_say(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet") as cell:
        figures = cell.kpis.figures()
        assert (figures.tasks, figures.open, figures.cost) == (0, 0, 0)
        assert (figures.cpso, figures.ttr, figures.hir, figures.asked, figures.answer_time) == (None,) * 5
        assert cell.kpis.steps() == {}


async def test_the_figures_of_five_tickets(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        await work(cell, "Please refund 20")  # by itself, at once
        yes = await work(cell, "Please refund 400", order="R-2")
        await answered(cell, clock, yes, "approve", 10)  # a planned yes
        no = await work(cell, "Please refund 400", order="R-2")
        await answered(cell, clock, no, "reject", 30)  # a person stepped in, and it failed
        await work(cell, "Please refund 41")  # fails by itself
        await work(cell, "Please refund 300", order="R-2")  # still waits
        figures = cell.kpis.figures()
        assert (figures.tasks, figures.open, figures.succeeded, figures.failed) == (5, 1, 2, 2)
        assert figures.cost == figures.tool == 4 * LOOK + 2 * REFUND  # what is open has no outcome to pay for yet
        assert figures.cpso == figures.cost // 2
        assert figures.ttr == 5 * MINUTE  # the median of 0, 0, 10 and 30
        assert figures.hir == 1 / 4
        assert figures.asked == 2 / 4
        assert figures.answer_time == 20 * MINUTE
        assert figures.unpriced == 0
        assert (figures.live, figures.simulated, figures.not_live, figures.claimable) == (0, 4, 4, False)
        assert cell.kpis.figures(agent="nobody").tasks == 0
        assert cell.kpis.figures(since=clock.now() + 1).tasks == 0
        assert cell.kpis.steps()["tool"] == {"done": 7, "denied": 2, "waiting": 1}


async def test_a_ticket_a_person_corrected_counts_as_touched(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        run = await work(cell, "Please refund 400", order="R-2")
        (question,) = cell.parts.approvals.of_run(run.id)
        less = {"order_id": "R-2", "amount": 100, "why": "less will do"}
        await cell.operations.answer(question.id, person=CARA, answer="edit", reason="less", arguments=less)
        await cell.operations.drive(run.id)
        assert cell.kpis.figures().hir == 1
        assert cell.parts.journal.task(run.task).on_behalf_of == ANN
