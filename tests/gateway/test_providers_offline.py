"""Recorded and simulated models answer the same every time; routes that lack something say what."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from remit.core import InputError, ModelRoute, Settings
from remit.gateway.providers import (
    LiveProvider,
    ProviderError,
    RecordedProvider,
    SimulatedProvider,
    Usage,
    build_provider,
)
from remit.testing import calls, says

ASKED: dict[str, Any] = {"role": "user", "content": "Where is my order?"}
CALL = calls("shop__get_order", {"order_id": "#W1"})
HERE = Path(__file__).parent


def request(*messages: Any) -> dict[str, Any]:
    return {"messages": [ASKED, *messages]}


async def test_a_recording_plays_the_next_answer_of_the_task() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    provider = RecordedProvider({"t1": [CALL, {"message": says("It is on its way."), "usage": usage}]})

    first = await provider.complete(request(), task="t1")
    second = await provider.complete(request(first.message, {"role": "tool", "content": "{}"}), task="t1")

    assert (first.message, first.usage, first.finish) == (CALL, None, "tool_calls")
    assert (second.message, second.usage, second.finish) == (says("It is on its way."), Usage(12, 3), "stop")
    assert {first.kind, second.kind} == {"recorded"}
    assert first.cost_micros == second.cost_micros == 0
    assert (await provider.complete(request(), task="t1")).message == CALL


async def test_what_a_caller_does_with_an_answer_does_not_change_the_recording() -> None:
    provider = RecordedProvider({"t1": [CALL]})

    (await provider.complete(request(), task="t1")).message["tool_calls"].clear()

    assert (await provider.complete(request(), task="t1")).message == CALL


async def test_a_recording_at_its_end_says_which_answer_of_which_task_is_missing() -> None:
    provider = RecordedProvider({"t1": [CALL]})

    with pytest.raises(ProviderError, match=r"task 't1'\. answer 2 was asked for, 1 are recorded") as caught:
        await provider.complete(request(CALL), task="t1")
    with pytest.raises(ProviderError, match="No answers are recorded for task 't2'"):
        await provider.complete(request(), task="t2")

    assert not caught.value.retryable


async def test_a_recording_is_read_from_a_file(tmp_path: Path) -> None:
    lines = [{"task": "t1", "answers": [CALL]}, {"task": "t2", "answers": [says("no")]}]
    (tmp_path / "run.jsonl").write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    route = ModelRoute(kind="recorded", recording="run.jsonl")

    provider = build_provider("replay", route, Settings(), tmp_path)
    answer = await provider.complete(request(), task="t2")
    await provider.close()

    assert (answer.message, answer.model) == (says("no"), "replay")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"run.jsonl:2 is not JSON"),
        ('{"task": 1, "answers": []}', "Not a recording '.*run.jsonl:2'"),
        ("[]", "Not a recording '.*run.jsonl:2'"),
        ('{"task": "t2", "answers": [{"role": "user", "content": ""}]}', "unsound '.*run.jsonl:2'"),
        ('{"task": "t1", "answers": []}', "recorded twice '.*run.jsonl:2'"),
    ],
)
def test_a_mistake_in_a_recording_has_a_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"task": "t1", "answers": []}\n' + text, encoding="utf-8")

    with pytest.raises(InputError, match=words):
        RecordedProvider.load(tmp_path / "run.jsonl")


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot read the recording '.*run.jsonl'"):
        RecordedProvider.load(tmp_path / "run.jsonl")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    code = """
        def answer(request):
            request["messages"].clear()
            return {"role": "assistant", "content": "I am simulated."}
        def wrong(request):
            return {"role": "user", "content": "?"}
        def breaks(request):
            raise LookupError("no rule for this")
        async def waits(request):
            return {}
    """
    lines = [line[8:] for line in code.splitlines()]
    (tmp_path / "simulated_for_test.py").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "simulated_for_test", raising=False)
    return tmp_path


@pytest.mark.usefixtures("fleet")
async def test_a_simulated_model_is_labelled_and_its_usage_estimated() -> None:
    asked = request()

    answer = await SimulatedProvider("simulated_for_test:answer").complete(asked, task="t1")

    assert answer.message == says("I am simulated.")
    assert (answer.kind, answer.cost_micros, answer.finish) == ("simulated", 0, "stop")
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert asked == request()


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(("name", "words"), [("wrong", "is unsound"), ("breaks", "LookupError: no rule for this")])
async def test_a_simulated_model_that_fails_says_why(name: str, words: str) -> None:
    with pytest.raises(ProviderError, match=words):
        await SimulatedProvider(f"simulated_for_test:{name}").complete(request(), task="t1")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "simulated"}, "Model 'm' lacks 'code'"),
        ({"kind": "simulated", "code": "simulated_for_test:waits"}, "is async"),
        ({"kind": "simulated", "code": "no_such_module:answer"}, "Cannot import"),
        ({"kind": "recorded"}, "Model 'm' lacks 'recording'"),
        ({"kind": "openai", "base_url": "https://models.example/v1"}, "Model 'm' lacks 'model'"),
        ({"kind": "openai", "model": "gpt"}, "Model 'm' lacks 'base_url'"),
        ({"kind": "openai", "model": "gpt", "base_url": "ftp://models.example"}, "no usable base_url"),
        ({"kind": "openai", "model": "gpt", "base_url": "https://a:b@models.example"}, "without credentials"),
        ({"kind": "openai", "model": "gpt", "base_url": "https://models.example:99999/"}, "no usable base_url"),
        ({"kind": "openai", "model": "gpt", "base_url": "http://models.example/v1"}, "in the clear"),
        ({"kind": "openai", "model": "gpt", "base_url": "http://[::1/v1"}, "no usable base_url"),
        (
            {"kind": "openai", "model": "gpt", "base_url": "http://127.0.0.1/v1", "key": "REMIT_TEST_UNSET"},
            "The variable REMIT_TEST_UNSET is not set",
        ),
        ({"kind": "openai", "model": "gpt", "base_url": "http://127.0.0.1/v1", "input_price": 1}, "one price of two"),
        (
            {"kind": "openai", "model": "gpt", "base_url": "http://127.0.0.1/v1", "input_price": -1, "output_price": 1},
            "price is negative",
        ),
    ],
)
def test_a_route_that_cannot_work_says_what_it_lacks(fields: dict[str, Any], words: str, fleet: Path) -> None:
    with pytest.raises(InputError, match=words):
        build_provider("m", ModelRoute(**fields), Settings(), fleet)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": "K"}, "lacks 'model'"),
        ({"model": "claude"}, "lacks 'key'. Name the variable that holds it, such as ANTHROPIC_API_KEY"),
        ({"model": "claude", "key": "REMIT_NO_SUCH_KEY"}, "REMIT_NO_SUCH_KEY is not set"),
        ({"model": "claude", "base_url": "models.example"}, "no usable base_url"),
        ({"model": "claude", "base_url": "http://models.example"}, "in the clear"),
    ],
)
def test_a_route_to_anthropic_that_cannot_work_says_what_it_lacks(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build_provider("m", ModelRoute(kind="anthropic", **fields), Settings(), HERE)


@pytest.mark.parametrize("base_url", ["", "https://models.example"])
async def test_a_route_to_anthropic_needs_no_address(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_TEST_KEY", "sk-ant-test")
    route = ModelRoute(kind="anthropic", model="claude", base_url=base_url, key="REMIT_TEST_KEY")

    provider = build_provider("m", route, Settings(), HERE)

    assert isinstance(provider, LiveProvider)
    await provider.close()


def test_a_key_that_would_break_a_header_is_refused_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMIT_TEST_KEY", "secret-part\r\nx-injected: yes")
    route = ModelRoute(kind="openai", model="gpt", base_url="http://127.0.0.1/v1", key="REMIT_TEST_KEY")

    with pytest.raises(InputError, match="REMIT_TEST_KEY holds more than printable ASCII") as caught:
        build_provider("m", route, Settings(), HERE)

    assert "secret-part" not in str(caught.value)


async def test_a_live_route_on_own_premises_may_speak_plain_http() -> None:
    route = ModelRoute(kind="openai", model="gpt", base_url="http://models.internal/v1", cloud=False)

    provider = build_provider("m", route, Settings(), HERE)

    assert isinstance(provider, LiveProvider)
    await provider.close()


async def test_a_live_route_over_https_trusts_the_usual_authorities() -> None:
    route = ModelRoute(kind="openai", model="gpt", base_url="https://models.example/v1")

    provider = build_provider("m", route, Settings(), HERE)

    assert isinstance(provider, LiveProvider)
    await provider.close()
