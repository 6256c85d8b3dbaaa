"""The fleet with its shop behind MCP is the same fleet: the same tools, the same authority, the same record."""

import shutil
from pathlib import Path

import pytest
from tests.remit_fleets.desk import FLEET
from tests.remit_fleets.recorded_desk import play, recorded_model
from tests.remit_fleets.served import CANCEL, COMMAND, listening, state

from remit.app import inspect_fleet
from remit.contracts import Tool, read_fleet
from remit.gateway.providers import RecordedProvider
from remit.journal import RunState, StepState
from remit.operations import check_locks, lock_server
from remit.testing import open_fleet
from remit_fleets.retail.behind_mcp import put_shop_behind_mcp

pytestmark = pytest.mark.slow

REST = {"name", "server", "pinned", "digest", "annotate", "input", "output"}
TASK = {"ticket": "T-1", "message": "Please cancel my order.", "customer": "ada_winter"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fleet's files."""
    copy = tmp_path / "fleet"
    shutil.copytree(FLEET, copy, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    return copy


def meaning(tool: Tool) -> object:
    """Returns all of a tool but how it came to be defined."""
    schemas = [tool.input, {word: value for word, value in tool.output.items() if word != "$defs"}]
    return tool.model_dump(exclude=REST), tool.input["properties"], [schema.get("required") for schema in schemas]


async def test_its_tools_are_those_of_the_code_and_its_lock_holds(folder: Path) -> None:
    put_shop_behind_mcp(folder, command=COMMAND)
    locked = await lock_server(folder, "shop")
    assert (locked.written, [one.differs for one in await check_locks(folder)]) == (17, [False])
    _, _, findings = inspect_fleet(folder)
    assert findings == []
    code, served = read_fleet(FLEET)[0].servers["shop"], read_fleet(folder)[0].servers["shop"]
    assert [meaning(tool) for tool in served.tools] == [meaning(tool) for tool in code.tools]
    assert all(tool.pinned for tool in served.tools)


async def test_what_only_remit_says_of_a_field_is_not_in_the_lock(folder: Path) -> None:
    put_shop_behind_mcp(folder, command=COMMAND)
    await lock_server(folder, "shop")
    assert "x-subject" not in (folder / "tools" / "shop.lock.json").read_text()
    assert "x-subject" in (folder / "tools" / "shop.yaml").read_text()


async def test_the_desk_works_through_the_server_under_its_own_key_and_task(folder: Path) -> None:
    function = {
        "name": "shop__cancel_pending_order",
        "arguments": '{"order_id": "#W1001", "reason": "no longer needed"}',
    }
    call = {"id": "call_1", "type": "function", "function": function}
    answers = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "assistant", "content": "Done."}]
    log = folder.parent / "calls.jsonl"
    with listening("--per-task", "--log", str(log)) as url:
        put_shop_behind_mcp(folder, url=url)
        await lock_server(folder, "shop")
        providers = {"recorded": RecordedProvider({"T-1": answers})}
        async with open_fleet(FLEET, folder, providers=providers, change=recorded_model) as cell:
            run = await play(cell, TASK)
            (step,) = [step for step in cell.parts.journal.steps(run.id) if step.kind == "tool"]
        assert (run.state, step.state, step.is_error) == (RunState.DONE, StepState.DONE, False)
        (row,) = await state(url, run.task)
    assert (row["key"], row["after"]["status"]) == (CANCEL["order_id"], "cancelled")
    assert f'"key": "{run.id}:{step.step}"' in log.read_text()
