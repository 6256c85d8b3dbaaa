"""Gates deny whatever they do not affirm in time; references to code fail with words."""

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from remit.core import InputError, JsonValue
from remit.guardrails import Read, load_code, load_function, run_gate


async def read(_tool: str, /, **arguments: JsonValue) -> JsonValue:
    return {"total": 40, **arguments}


async def matches(read: Read, arguments: Mapping[str, Any], _result: JsonValue) -> str:
    order = await read("shop__get_order", order_id=arguments["order_id"])
    return "" if order["total"] >= arguments["amount"] else f"the order was only {order['total']}"


async def fails(_read: Read, arguments: Mapping[str, Any], _result: JsonValue) -> NoReturn:
    raise KeyError(arguments["order_id"])


async def exits(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> str:
    raise SystemExit(0)


async def answers_true(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> Any:
    return True


async def hangs(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> str:
    await asyncio.Event().wait()
    return ""


async def ignores_its_cancellation(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return ""
    return ""


async def never_yields(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> str:
    end = time.monotonic() + 0.03
    while time.monotonic() < end:
        pass
    return ""


async def changes_what_it_judges(_read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    arguments["lines"].append("more")
    result["amount"] = 0
    return ""


async def talks(_read: Read, _arguments: Mapping[str, Any], _result: JsonValue) -> str:
    return "because " * 1_000


ARGUMENTS = {"order_id": "#W1", "amount": 40}


async def test_a_gate_that_holds_says_nothing() -> None:
    assert await run_gate(matches, read, ARGUMENTS, None, seconds=1) == ""


async def test_a_gate_that_does_not_hold_says_why() -> None:
    assert await run_gate(matches, read, {**ARGUMENTS, "amount": 41}, None, seconds=1) == "the order was only 40"


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (fails, "it failed with KeyError"),
        (exits, "it failed with SystemExit"),
        (answers_true, "it answered bool instead of text"),
        (hangs, "it took longer than 0.02 seconds"),
        (ignores_its_cancellation, "it took longer than 0.02 seconds"),
        (never_yields, "it took longer than 0.02 seconds"),
    ],
)
async def test_a_gate_that_cannot_decide_denies(gate: Any, why: str) -> None:
    answer = await run_gate(gate, read, ARGUMENTS, None, seconds=0.02)

    assert answer == f"the gate {gate.__name__} could not be decided: {why}"


async def test_a_gate_cannot_change_what_it_judges() -> None:
    arguments, result = {"lines": ["one"]}, {"amount": 5}

    assert await run_gate(changes_what_it_judges, read, arguments, result, seconds=1) == ""
    assert (arguments, result) == ({"lines": ["one"]}, {"amount": 5})


async def test_a_long_reason_is_cut() -> None:
    assert len(await run_gate(talks, read, {}, None, seconds=1)) == 500


async def test_stopping_the_caller_stops_the_gate() -> None:
    task = asyncio.create_task(run_gate(hangs, read, ARGUMENTS, None, seconds=60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_function_is_found_by_its_reference() -> None:
    assert load_function("json:dumps")({}) == "{}"
    assert load_code("asyncio:sleep") is asyncio.sleep


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("json", "Not a reference"),
        ("json:", "Not a reference"),
        (":dumps", "Not a reference"),
        ("json:dumps.x", "Not a reference"),
        ("../evil:run", "Not a reference"),
        ("no_such_module_anywhere:run", "ModuleNotFoundError"),
        ("json:no_such_function", "has no function no_such_function"),
        ("json:__name__", "is no function"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(reference: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load_function(reference)


def test_a_plain_function_is_no_gate() -> None:
    with pytest.raises(InputError, match="it is not async"):
        load_code("json:dumps")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("breaks_in_syntax", "def broken(:"),
        ("breaks_with_error", "raise RuntimeError('at import')"),
        ("breaks_by_exit", "raise SystemExit(3)"),
    ],
)
def test_a_module_that_breaks_when_imported_says_so(
    name: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{name}.py").write_text(body, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(InputError, match="Cannot import the module"):
        load_function(f"{name}:run")
