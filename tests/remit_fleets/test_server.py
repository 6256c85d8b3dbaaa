"""The shop as a server of its own, spoken to by the official MCP client over stdio and over HTTP."""

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent
from tests.remit_fleets.desk import declared
from tests.remit_fleets.served import CANCEL, COMMAND, listening, state

from remit_fleets.retail.behind_mcp import without_our_words
from remit_fleets.retail.server import CALL_META, declared_tools
from remit_fleets.retail.synthetic import documents

pytestmark = pytest.mark.slow

CARD = {"order_id": "#W1002", "payment_method_id": "gift_card_ben_okafor"}


def meta(key: str, *, task: str = "task_1", fences: Mapping[str, int] | None = None) -> Any:
    """Returns what the gateway sends beside the arguments."""
    caller = {"key": key, "task": task, "run": "run_1", "step": 1, "agent": "retail-desk@1.0.0"}
    return {CALL_META: caller | {"on_behalf_of": "a customer", "fences": dict(fences or {})}}


def text(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "calls.jsonl"


@pytest.fixture(scope="module")
def url(log: Path) -> Generator[str]:
    """The address of a server with a shop for every task."""
    with listening("--per-task", "--log", str(log)) as address:
        yield address


def lines(log: Path, key: str) -> list[dict[str, Any]]:
    """Returns the log's lines about one key, in order."""
    told = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in told if line["key"] == key]


async def test_its_definitions_are_those_of_the_tools_file(url: str) -> None:
    async with Client(url) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == list(declared()["tools"])
    for tool in declared_tools():
        served = tools[tool.name.removeprefix("shop__")]
        assert (served.description, served.input_schema, served.output_schema) == (
            tool.description,
            without_our_words(tool.input),
            without_our_words(tool.output),
        )
        assert "x-" not in json.dumps([served.input_schema, served.output_schema])
        assert served.annotations is not None
        assert served.annotations.read_only_hint == (tool.effect == "read")


async def test_a_result_is_structured_and_a_text(url: str) -> None:
    async with Client(url) as client:
        order = await client.call_tool("get_order_details", {"order_id": "#W1001"}, meta=meta("run_1:1"))
        user = await client.call_tool("find_user_id_by_email", {"email": "ada.winter@mail.example"}, meta=meta("r:2"))
        sum_ = await client.call_tool("calculate", {"expression": "1 + 2"}, meta=meta("r:3"))
    assert order.structured_content == json.loads(text(order))
    assert order.structured_content["user_id"] == "ada_winter"
    assert (user.structured_content, text(user)) == ("ada_winter", "ada_winter")
    assert (sum_.structured_content, text(sum_)) == ("3.0", "3.0")


async def test_a_client_of_the_older_protocol_is_told_texts_as_texts(url: str) -> None:
    async with Client(url, mode="legacy") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        user = await client.call_tool("find_user_id_by_email", {"email": "ada.winter@mail.example"}, meta=meta("o:1"))
        order = await client.call_tool("get_order_details", {"order_id": "#W1001"}, meta=meta("o:2"))
    assert (tools["calculate"].output_schema, user.structured_content, text(user)) == (None, None, "ada_winter")
    assert order.structured_content == json.loads(text(order))


async def test_a_refusal_is_an_error_result_and_changes_nothing(url: str) -> None:
    async with Client(url) as client:
        late = await client.call_tool(
            "cancel_pending_order",
            {"order_id": "#W1004", "reason": "no longer needed"},
            meta=meta("r:1", task="refused"),
        )
    assert late.is_error
    assert text(late) == "Error: order #W1004 is delivered; this needs a pending order"
    assert await state(url, "refused") == []


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("cancel_pending_order", {"order_id": "#W1001"}, "reason is missing"),
        ("cancel_pending_order", CANCEL | {"force": True}, "force is not a known field"),
        ("drop_all_orders", {}, "there is no tool 'drop_all_orders'"),
    ],
)
async def test_a_call_that_does_not_fit_is_refused(url: str, tool: str, arguments: dict[str, Any], words: str) -> None:
    async with Client(url) as client:
        result = await client.call_tool(tool, arguments, meta=meta("r:1", task="unfit"))
    assert result.is_error
    assert words in text(result)
    assert await state(url, "unfit") == []


@pytest.mark.parametrize("given", [None, {CALL_META: {"key": "", "task": "t"}}, {CALL_META: "run_1:1"}])
async def test_a_call_that_does_not_say_who_makes_it_is_refused(url: str, given: Any) -> None:
    async with Client(url) as client:
        result = await client.call_tool("cancel_pending_order", CANCEL, meta=given)
    assert result.is_error
    assert CALL_META in text(result)


async def test_a_repeated_key_has_one_effect_and_the_log_says_so(url: str, log: Path) -> None:
    async with Client(url) as client:
        first = await client.call_tool("modify_pending_order_payment", CARD, meta=meta("run_7:4", task="once"))
        again = await client.call_tool("modify_pending_order_payment", CARD, meta=meta("run_7:4", task="once"))
        other = await client.call_tool("cancel_pending_order", CANCEL, meta=meta("run_7:4", task="once"))
    assert first.structured_content == again.structured_content
    assert other.is_error
    assert [row["key"] for row in await state(url, "once")] == ["ben_okafor", "#W1002"]
    assert [(line["phase"], line.get("result")) for line in lines(log, "run_7:4")] == [
        ("begun", None),
        ("ended", "done"),
        ("begun", None),
        ("ended", "repeated"),
        ("begun", None),
        ("ended", "refused"),
    ]


async def test_a_holder_whose_lock_was_given_on_is_refused(url: str) -> None:
    lock = "shop:order_id:#W1001"
    address = {"address1": "1", "address2": "", "city": "c", "state": "s", "country": "USA", "zip": "1"}
    async with Client(url) as client:
        arguments = {"order_id": "#W1001"} | address
        await client.call_tool("modify_pending_order_address", arguments, meta=meta("f:1", task="f", fences={lock: 7}))
        stale = await client.call_tool("cancel_pending_order", CANCEL, meta=meta("f:2", task="f", fences={lock: 6}))
        fresh = await client.call_tool("cancel_pending_order", CANCEL, meta=meta("f:3", task="f", fences={lock: 7}))
    assert (stale.is_error, "another holder" in text(stale)) == (True, True)
    assert not fresh.is_error


async def test_each_task_has_a_shop_of_its_own_until_it_is_forgotten(url: str) -> None:
    async with Client(url) as client:
        for task in ("left", "right"):
            result = await client.call_tool("cancel_pending_order", CANCEL, meta=meta(f"{task}:1", task=task))
            assert not result.is_error
    (row,) = await state(url, "left")
    assert (row["table"], row["key"], row["after"]["status"]) == ("orders", "#W1001", "cancelled")
    async with httpx2.AsyncClient() as http:
        assert (await http.delete(url.replace("/mcp", "/state/left"))).status_code == 204
    assert await state(url, "left") == []
    assert len(await state(url, "right")) == 1


async def test_only_names_of_this_machine_are_answered(url: str) -> None:
    async with httpx2.AsyncClient() as http:
        strange = {"host": "shop.example"}
        assert (await http.get(url.replace("/mcp", "/state/left"), headers=strange)).status_code == 400
        assert (await http.post(url, headers=strange, json={})).status_code == 400


async def test_over_stdio_one_shop_starts_with_the_documents_it_is_given(tmp_path: Path) -> None:
    started, database = documents(), tmp_path / "db.json"
    started["orders"]["#W1004"]["status"] = "pending"
    database.write_text(json.dumps(started))
    server = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], "--database", str(database), "--log", str(tmp_path / "calls.jsonl")]
    )
    async with Client(server) as client:
        done = await client.call_tool(
            "cancel_pending_order", CANCEL | {"order_id": "#W1004"}, meta=meta("r:1", task="a")
        )
        seen = await client.call_tool("get_order_details", {"order_id": "#W1004"}, meta=meta("r:2", task="b"))
    assert done.structured_content["status"] == seen.structured_content["status"] == "cancelled"
    assert [line["result"] for line in lines(tmp_path / "calls.jsonl", "r:1") if line["phase"] == "ended"] == ["done"]
