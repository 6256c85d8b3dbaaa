"""What was done in all adds up: every action once, every gate, every question, whoever answered."""

from pathlib import Path

from tests.gateway.desk import CARA, TINA, another_run, done, open_desk, refused

from remit.operations import person_actor

# Much was paid for it, so that each level of authority can be reached.
DEAR = "R-2"


async def test_every_action_counts_once_by_how_it_came_about(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        done(await desk.look())
        done(await desk.refund(20))
        refused(await desk.refund(9_000))
        counts = desk.cell.kpis.work()
        assert counts.actions == {"autonomous": 2, "approved": 0, "human_led": 0, "denied": 1}
        assert counts.blocked == {"the gate does not hold": 1}
        assert counts.gates == {"passed": 2, "refuted": 1}, "before the refund, after it, and before the other"
        assert counts.taken_over == frozenset()


async def test_what_people_said_is_told_apart(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order=DEAR) as desk:
        waiting = await desk.refund(60, order=DEAR)
        assert desk.cell.kpis.work().questions == {"approved": 0, "edited": 0, "rejected": 0, "open": 1}
        assert sum(desk.cell.kpis.work().actions.values()) == 0, "what waits is not decided"
        await desk.answer(waiting, CARA, "reject", reason="no")
        refused(await desk.refund(60, order=DEAR, step=1))

        other = await another_run(desk, DEAR)
        await other.answer(await other.refund(60, order=DEAR), CARA)
        done(await other.refund(60, order=DEAR, step=1))

        counts = desk.cell.kpis.work()
        assert counts.questions == {"approved": 1, "edited": 0, "rejected": 1, "open": 0}
        assert counts.actions == {"autonomous": 0, "approved": 1, "human_led": 0, "denied": 1}
        assert counts.blocked == {"a person said no": 1}
        assert counts.taken_over == frozenset(), "a planned yes is no taking over"


async def test_what_a_person_carried_out_is_theirs(tmp_path: Path) -> None:
    async with open_desk(tmp_path, order=DEAR) as desk:
        proposed = desk.question(await desk.refund(9_000, order=DEAR))
        await desk.park()
        tina = person_actor(desk.cell.parts.people.person(TINA), "command line")
        await desk.cell.verbs(tina).answer(proposed.id, "approve", reason="seen")
        counts = desk.cell.kpis.work()
        assert counts.actions == {"autonomous": 0, "approved": 0, "human_led": 1, "denied": 0}
        assert counts.questions == {"approved": 1, "edited": 0, "rejected": 0, "open": 0}
        assert counts.taken_over == {desk.run.task}
