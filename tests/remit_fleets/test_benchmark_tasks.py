"""Every task of the benchmark, played directly against the shop: final states and verdicts."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.desk import Authority, use

from remit.gateway import ToolError
from remit_fleets.retail import Shop

Line = dict[str, Any]


def lines(path: Path) -> list[Line]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return [json.loads(line) for line in text.splitlines()]


def pairs(tau: Path, tasks: str, expected: str) -> list[tuple[Line, Line]]:
    return list(zip(lines(tau / tasks), lines(tau / expected), strict=True))


def rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 2)
        case dict():
            return {key: rounded(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [rounded(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


async def play(shop: Shop, task: Line, authority: Authority) -> tuple[Shop, list[tuple[bool, str | None]]]:
    """Performs every action; returns the shop and per write whether it was allowed and why the tool refused."""
    own, verdicts = shop.fresh(), list[tuple[bool, str | None]]()
    for action in task["actions"]:
        tool, arguments, refused = action["tool"], action["args"], None
        write = tool in authority.guarded
        allowed = write and (await authority.judge(own, tool, arguments, task["user_id"])).allowed
        try:
            await use(own, tool, arguments)
        except ToolError as error:
            refused = str(error)
        if write:
            verdicts.append((allowed, refused))
    return own, verdicts


async def differences(tau_shop: Shop, authority: Authority, cases: list[tuple[Line, Line]]) -> list[Any]:
    """Returns every task whose final state or verdicts differ from what is expected."""
    wrong: list[Any] = []
    for task, expected in cases:
        own, verdicts = await play(tau_shop, task, authority)
        state = {key: rounded(document) for key, document in own.changed_since(tau_shop).items()}
        rows = {(row["table"], row["key"]): rounded(row["after"]) for row in expected["rows"]}
        own.close()
        if state != rows:
            wrong.append((expected["task"], "state", sorted(state.keys() ^ rows.keys())))
        for write, (allowed, refused) in zip(expected["writes"], verdicts, strict=True):
            if allowed != (write["verdict"] == "allow") or (refused is None) != (write["tool_refuses"] is None):
                wrong.append((expected["task"], write, allowed, refused))
    return wrong


async def test_every_corrected_task_ends_in_the_expected_state_under_the_expected_verdicts(
    tau: Path, tau_shop: Shop, authority: Authority
) -> None:
    cases = pairs(tau, "tasks_v3.jsonl", "expected_v3.jsonl")
    assert len(cases) == 114
    assert await differences(tau_shop, authority, cases) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tasks", "expected", "count"),
    [
        ("tasks_v1_dev.jsonl", "expected_v1_dev.jsonl", 20),
        ("tasks_v1_test.jsonl", "expected_v1_test.jsonl", 115),
        ("tasks_v1_train.jsonl", "expected_v1_train.jsonl.gz", 500),
    ],
)
async def test_every_older_task_ends_in_the_expected_state_under_the_expected_verdicts(
    tau: Path, tau_shop: Shop, authority: Authority, tasks: str, expected: str, count: int
) -> None:
    cases = pairs(tau, tasks, expected)
    assert len(cases) == count
    assert await differences(tau_shop, authority, cases) == []
