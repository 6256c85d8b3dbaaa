"""What a server does with one HTTP exchange is the matter of that exchange alone; and secrets are told to nobody."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.mcp_servers import CALL, Answer, ScriptedHttp, is_discovered, older, says, server, tool

from remit.core import ConflictError
from remit.gateway import offered_by
from remit.gateway.servers import http
from remit.gateway.tools import NotSentError, OutcomeUnknownError, Tools

pytestmark = pytest.mark.slow

SECRET = "Bearer tok-8f3a1c-a-long-one"
# For what takes its time here when it is sound, and for ever when it is not.
PATIENCE = 20


def opened_tools(script: ScriptedHttp, *, seconds: float = 5, **terms: Any) -> Tools:
    declared = server(url=script.url, **terms)
    return Tools({"test": declared}, folder=Path(), seconds=seconds, result_bytes=10_000)


def well(request: Mapping[str, Any]) -> Answer:
    return says(request["id"], {"content": [{"type": "text", "text": "well"}]})


def answering(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
    """Answers as an older server does, and every call well."""
    return well(request) if request["method"] == "tools/call" else older(request)


async def test_a_server_that_does_not_let_its_session_end_holds_nobody_up() -> None:
    async with ScriptedHttp(answering, is_silent=lambda method: method == "DELETE").listening() as script:
        tools = opened_tools(script, connect_seconds=3)
        assert await tools.call(tool("echo"), CALL, {}) == "well"
        async with asyncio.timeout(PATIENCE):
            await tools.close()
    assert "DELETE" in script.methods  # a client that is slow opens its stream of events at the same moment


async def test_a_server_that_never_lists_its_tools_is_told_as_late() -> None:
    silent = {"DELETE", "tools/list"}
    async with ScriptedHttp(answering, is_silent=silent.__contains__).listening() as script, asyncio.timeout(PATIENCE):
        with pytest.raises(ConflictError, match=r"no answer within 0\.2 seconds"):
            await offered_by(server(url=script.url, connect_seconds=0.2), Path(), result_bytes=1_000)


async def test_a_server_that_takes_no_notice_takes_calls_all_the_same() -> None:
    calls: list[Any] = []

    def is_silent(method: str) -> bool:
        calls.extend([method] if method == "tools/call" else [])
        return method == "notifications/cancelled" or (method == "tools/call" and len(calls) == 1)

    async with ScriptedHttp(answering, is_silent=is_silent).listening() as script:
        tools = opened_tools(script, seconds=1, connect_seconds=30)
        with pytest.raises(OutcomeUnknownError, match="no answer within 1 seconds"):
            await tools.call(tool("echo"), CALL, {})
        for _ in range(2):
            assert await tools.call(tool("echo"), CALL, {}) == "well"
        await tools.close()


@pytest.mark.parametrize("head", [b"", b"event: message\ndata: "])
async def test_calls_that_were_given_up_keep_no_connection(head: bytes) -> None:
    spare = 4  # besides those for calls, of which there is one
    late: list[Any] = []

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        if request["method"] != "tools/call" or request["params"]["arguments"].get("well"):
            return answering(request, headers)
        late.append(request["id"])
        # More is announced than ever comes.
        return 200, {"content-type": "text/event-stream", "content-length": "9999"}, b"id: 1\n\n" + head

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script, seconds=0.3, concurrency=1)
        for _ in range(1 + spare + 1):
            with pytest.raises(OutcomeUnknownError, match=r"no answer within 0\.3 seconds"):
                await tools.call(tool("echo"), CALL, {})
        assert await tools.call(tool("echo"), CALL, {"well": True}) == "well"
        await tools.close()
    assert len(late) == 1 + spare + 1


async def test_a_stream_of_notices_that_ends_at_once_is_not_asked_for_again_at_once() -> None:
    ended = (200, {"content-type": "text/event-stream"}, b"retry: 0\nid: 1\n\n")
    async with ScriptedHttp(answering, streamed=ended).listening() as script:
        tools = opened_tools(script)
        assert await tools.call(tool("echo"), CALL, {}) == "well"
        await asyncio.sleep(http.LISTEN_AGAIN_SECONDS / 2)
        await tools.close()
    assert script.methods.count("GET") <= 2


async def test_the_body_of_a_redirection_is_not_read() -> None:
    moved: list[str] = []

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        if request["method"] != "tools/call" or moved:
            return answering(request, headers)
        moved.append("once")
        return 307, {"location": "/mcp", "content-length": "1000000000000"}, b""

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script)
        assert await tools.call(tool("echo"), CALL, {}) == "well"
        await tools.close()


@pytest.mark.parametrize("before", [260, 285, http.ERROR_BYTES - 20])
async def test_no_part_of_a_secret_is_left_where_an_error_is_cut(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", SECRET)

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        if sound := is_discovered(request):
            return sound
        return 500, {"content-type": "text/plain"}, b"x" * before + headers["authorization"].encode()

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script, headers={"Authorization": "TEST_TOKEN"})
        with pytest.raises(OutcomeUnknownError) as raised:
            await tools.call(tool("echo"), CALL, {})
        await tools.close()
    assert "Bearer" not in str(raised.value)


@pytest.mark.parametrize("said", [SECRET, SECRET.removeprefix("Bearer ")])
async def test_a_refusal_does_not_repeat_a_secret(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", SECRET)

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        refusal = {"isError": True, "content": [{"type": "text", "text": f"{said} is no key of ours"}]}
        return says(request["id"], refusal) if request["method"] == "tools/call" else older(request)

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script, headers={"Authorization": "TEST_TOKEN"})
        with pytest.raises(Exception, match=r"\[TEST_TOKEN\] is no key of ours"):
            await tools.call(tool("echo"), CALL, {})
        await tools.close()


async def test_an_answer_that_cannot_be_read_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TEST_TOKEN", SECRET)

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        unreadable = (200, {"content-type": "application/json"}, headers["authorization"].encode())
        return unreadable if request["method"] == "tools/call" else older(request)

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script, headers={"Authorization": "TEST_TOKEN"})
        with pytest.raises(OutcomeUnknownError, match="Failed to parse") as raised:
            await tools.call(tool("echo"), CALL, {})
        await tools.close()
    assert "Bearer" not in str(raised.value) + caplog.text


async def test_a_secret_from_a_file_that_ends_with_a_line_is_sent_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", f"{SECRET}\n")
    sent: list[str] = []

    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        sent.append(headers["authorization"])
        return answering(request, headers)

    async with ScriptedHttp(respond).listening() as script:
        tools = opened_tools(script, headers={"Authorization": "TEST_TOKEN"})
        assert await tools.call(tool("echo"), CALL, {}) == "well"
        await tools.close()
    assert set(sent) == {SECRET}


@pytest.mark.parametrize("value", ["Bearer töken", "Bearer to\nken", "Bearer to\x01ken"])
async def test_a_secret_no_header_can_carry_is_named_and_not_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_TOKEN", value)
    async with ScriptedHttp(answering).listening() as script:
        tools = opened_tools(script, headers={"Authorization": "TEST_TOKEN"})
        with pytest.raises(NotSentError, match="more than printable ASCII 'TEST_TOKEN'") as raised:
            await tools.call(tool("echo"), CALL, {})
        await tools.close()
    assert "Bearer" not in str(raised.value)
    assert script.methods == []
