"""The OpenAPI document holds: whatever is sent, by whomever, every answer is one that it describes."""

import asyncio
import json
import os
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from tests.endpoints.rest.counter import EMIL, ROLES, open_counter

# Requests per operation: enough for half a minute of both kinds; REMIT_API_EXAMPLES=500 looks for hours.
EXAMPLES = int(os.environ.get("REMIT_API_EXAMPLES", "20"))
# What fits its schema may still make no sense here, so a refusal of it is no fault.
# Well below what a body may have, whatever its characters take when they are sent.
LARGEST_BODY = 200_000
EXCLUDED: list[Any] = [checks.positive_data_acceptance]  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True)
class Window:
    """A fleet that listens: where, what there is to ask for, and tokens of each role."""

    address: str
    names: Mapping[str, str]
    tokens: list[str]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Generator[Window]:
    ready, stop = threading.Event(), threading.Event()
    opened: list[Window] = []
    folder = tmp_path_factory.mktemp("window")
    thread = threading.Thread(target=lambda: asyncio.run(_listen(folder, opened, ready, stop)))
    thread.start()
    assert ready.wait(30)
    yield opened[0]
    stop.set()
    thread.join(30)


async def _listen(folder: Path, opened: list[Window], ready: threading.Event, stop: threading.Event) -> None:
    async with open_counter(folder) as counter:
        run, question = await counter.ask_people()
        decision = next(step.decision for step in counter.cell.parts.journal.steps(run.id) if step.decision)
        names = {"run": run.id, "other": run.id, "task": run.task, "approval": question, "decision": decision}
        names |= {"agent": "refund-desk", "version": "1.0.0", "scope": "tool:shop__get_order"}
        names |= {"index": "0", "step": "1", "case": await counter.overridden()}
        tokens = [await counter.token(person) for person in ROLES.values()]
        tokens.append(await counter.bare_token(EMIL))
        server = uvicorn.Server(uvicorn.Config(counter.app, port=0, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        opened.append(Window(f"http://127.0.0.1:{port}/api/v1", names, tokens))
        ready.set()
        while not stop.is_set():  # noqa: ASYNC110  another thread sets it
            await asyncio.sleep(0.05)
        server.should_exit = True
        await serving


def about(case: Any, window: Window, *, known: bool) -> None:
    """Makes a request one about things there are, that nobody has to wait for."""
    if known:
        case.path_parameters = {name: window.names.get(name, value) for name, value in case.path_parameters.items()}
        if "scope" in (case.query or {}):
            case.query = {**case.query, "scope": window.names["scope"]}
        if case.operation.label == "POST /tasks":
            ticket = {"order_id": "R-1", "message": "please"}
            case.body = {**case.body, "agent": window.names["agent"], "input": ticket, "on_behalf_of": ""}
    # Nothing is sent of these, so nothing is wrong with them.
    assume(all(value not in ([], {}) for value in (case.query or {}).values()))
    # What is too large is refused before it is read (`test_answers.py`), and so not for what is wrong in it.
    assume(len(json.dumps(case.body, default=str)) < LARGEST_BODY)
    if "wait" in (case.query or {}):
        case.query = {**case.query, "wait": 0}


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode)
def test_whatever_is_sent_every_answer_is_one_that_the_document_describes(window: Window, mode: GenerationMode) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{window.address}/openapi.json")
    schema.config.update(base_url=window.address)
    count = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        count += 1

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=EXAMPLES < 100,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(case=operation.as_strategy(mode), token=st.sampled_from(window.tokens), known=st.booleans())
        def check(case: Any, token: str, known: bool) -> None:
            about(case, window, known=known and mode is GenerationMode.POSITIVE)
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=EXCLUDED)

        check()
    assert count > 30
