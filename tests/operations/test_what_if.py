"""What other policies would have decided is counted: what differs, where for example, and what nobody can tell any more."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.databases import execute

from operations.patients import SAM, STARTER, YOU, starter
from remit.app import Cell
from remit.core import DAY, HOUR, InputError, NotFoundError
from remit.operations import Consequences, Replays, WhatIf
from remit.testing import SettableClock, open_fleet

CEILING = """@id("org/ceiling")
@because("above {ceiling} nothing is bought without people")
forbid (principal is Fleet::Agent, action in Fleet::Action::"purchases", resource)
when {{ context.session.autonomy == Fleet::Autonomy::"autonomous" }}
unless {{ context.facts has total && context.facts.total.lessThanOrEqual(decimal("{ceiling}")) }};
"""
NO_ORDERS = """@id("org/no-orders")
@because("nothing is bought any more")
forbid (principal is Fleet::Agent, action in Fleet::Action::"purchases", resource);
"""
BY_PEOPLE = """@id("org/by-people")
@because("whatever is bought, people buy it")
forbid (principal is Fleet::Agent, action in Fleet::Action::"purchases", resource)
unless { context.session.autonomy == Fleet::Autonomy::"suggest" };
"""
HARMLESS = (STARTER / "policies" / "org.cedar").read_text(encoding="utf-8")
REQUESTS = ("3 bags of coffee", "2 bags of coffee", "2 chairs", "1 drain cleaner", "10 pens")


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncGenerator[Cell]:
    """A fleet that has worked on five requests, an hour apart."""
    folder, clock = starter(tmp_path / "office"), SettableClock()
    async with open_fleet(folder, folder, clock=clock) as cell:
        for request in REQUESTS:
            started = await cell.operations.submit("supplies-desk", {"request": request}, on_behalf_of=YOU)
            await cell.operations.drive(started.run.id)
            clock.advance(HOUR)
        yield cell


def policies(folder: Path, *texts: str) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.cedar").write_text(text, encoding="utf-8")
    return folder


def judged(cell: Cell, folder: Path, *, runs: int = 100, agent: str = "", since: int = 0) -> Consequences:
    replays = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)
    return WhatIf(parts=cell.parts, replays=replays).judge(folder, runs=runs, agent=agent, since=since)


def shifts(told: Consequences) -> list[tuple[str, str, int]]:
    return [(shift.was, shift.would_be, shift.count) for shift in told.shifts]


def test_the_same_policies_change_nothing(cell: Cell) -> None:
    told = judged(cell, cell.folder / "policies")
    assert (told.runs, told.changed, told.shifts, told.unjudged) == (5, 0, (), ())
    assert told.verdicts == 17


def test_what_was_permitted_would_wait_or_be_denied(cell: Cell, tmp_path: Path) -> None:
    told = judged(cell, policies(tmp_path / "ceiling", HARMLESS, CEILING.format(ceiling="30.0")))
    assert shifts(told) == [("permit", "wait", 1)]
    told = judged(cell, policies(tmp_path / "none", HARMLESS, NO_ORDERS))
    assert shifts(told) == [("permit", "deny", 2), ("wait", "deny", 1)]
    assert told.changed_runs == 3


def test_what_was_denied_would_be_permitted(cell: Cell, tmp_path: Path) -> None:
    told = judged(cell, policies(tmp_path / "loose", CEILING.format(ceiling="100.0")))
    assert shifts(told) == [("deny", "permit", 1)]


def test_each_way_has_its_newest_run_and_step_and_the_rules(cell: Cell, tmp_path: Path) -> None:
    told = judged(cell, policies(tmp_path / "none", HARMLESS, NO_ORDERS))
    (permitted, asked) = told.shifts
    assert (permitted.agent, permitted.action, permitted.step) == ("supplies-desk", "store__place_order", 3)
    run = cell.parts.journal.run(permitted.run)
    assert cell.parts.journal.content(cell.parts.journal.task(run.task).input) == {"request": "2 bags of coffee"}
    assert "nothing is bought any more (1.cedar:1)" in asked.why


def test_it_takes_the_newest_runs_of_an_agent_since_a_time(cell: Cell) -> None:
    folder = cell.folder / "policies"
    now = cell.parts.clock.now()
    assert judged(cell, folder, runs=2).runs == 2
    assert judged(cell, folder, since=now - 2 * HOUR).runs == 2
    assert judged(cell, folder, since=now + DAY).runs == 0
    assert judged(cell, folder, agent="supplies-desk").runs == 5
    with pytest.raises(NotFoundError, match="No such agent 'nobody'"):
        judged(cell, folder, agent="nobody")


def test_policies_with_mistakes_or_none_are_refused(cell: Cell, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There are no policies"):
        judged(cell, tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"0\.cedar:1"):
        judged(cell, policies(tmp_path / "wrong", "permit (principal, action, resource);"))


def test_runs_that_cannot_be_judged_are_named_and_the_others_are(cell: Cell) -> None:
    newest = cell.parts.journal.newest()
    gone, changed_content = newest[0], newest[1]
    execute(cell.database, "update runs set release = 'sha256:gone' where id = ?", gone.id)
    execute(cell.database, "delete from payloads where task = ?", changed_content.task)
    told = judged(cell, cell.folder / "policies")
    assert {each.run for each in told.unjudged} == {gone.id, changed_content.id}
    assert "The release this run was pinned to is not here" in told.unjudged[0].why
    assert told.runs == 5
    assert 0 < told.verdicts < 17


def test_progress_is_told_run_by_run(cell: Cell) -> None:
    heard: list[tuple[int, int]] = []
    replays = Replays(parts=cell.parts, log=cell.log, fleet=cell.fleet)
    what_if = WhatIf(parts=cell.parts, replays=replays)
    what_if.judge(cell.folder / "policies", runs=3, on_run=lambda done, of: heard.append((done, of)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_nothing_is_written(cell: Cell, tmp_path: Path) -> None:
    before = (cell.log.size(), cell.changes.position())
    judged(cell, policies(tmp_path / "none", HARMLESS, NO_ORDERS))
    assert (cell.log.size(), cell.changes.position()) == before


async def test_what_people_said_yes_to_might_not_have_been_asked_at_all(tmp_path: Path) -> None:
    folder = starter(tmp_path / "office")
    (folder / "policies" / "ceiling.cedar").write_text(CEILING.format(ceiling="20.0"), encoding="utf-8")
    async with open_fleet(folder, folder) as cell:
        started = await cell.operations.submit("supplies-desk", {"request": "3 bags of coffee"}, on_behalf_of=YOU)
        await cell.operations.drive(started.run.id)
        (asked,) = cell.parts.approvals.of_run(started.run.id)
        await cell.operations.answer(asked.id, person=SAM, answer="approve")
        await cell.operations.drive(started.run.id)
        told = judged(cell, policies(tmp_path / "loose", HARMLESS))
    assert shifts(told) == [("wait", "permit", 1)], "the yes stands, it would not have been needed"


def test_who_waits_for_what_is_told_apart(cell: Cell, tmp_path: Path) -> None:
    told = judged(cell, policies(tmp_path / "led", HARMLESS, BY_PEOPLE))
    assert shifts(told) == [("permit", "wait", 2), ("wait (ask)", "wait (suggest)", 1)]
