"""Who may do what over the API: every operation, every role, and nothing that its document does not say."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.rest.counter import EMIL, OTTO, ROLES, VERA, Counter, filled, open_counter, operations

from remit.operations import Permission, Verbs, Views, local_actor, permission_of, permissions_of, person_actor

WHY = {"because": "a test"}
TASK = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}
# What each operation is sent beside its path.
SENT: Mapping[str, Mapping[str, Any]] = {
    "start_task": {"json": TASK},
    "send_event": {"json": {"name": "nothing.happened", "id": "evt_1"}},
    "send_feedback": {"json": {"kind": "satisfaction", "score": 4}},
    "cancel_run": {"json": WHY},
    "fork_run": {"json": {"step": 1}},
    "retry_run": {"json": WHY},
    "roll_back_run": {"json": WHY},
    "escalate_approval": {"json": {"to": "care-lead", "reason": "a test"}},
    "answer_approval": {"json": {"answer": "reject", "reason": "a test"}},
    "retire_version": {"json": WHY},
    "set_switch": {"json": {"stopped": True, **WHY}},
    "try_switch": {"params": {"scope": "fleet"}},
    "verify_log": {"json": {}},
}
# Which views and verbs have no operation of their own, and why.
WITHOUT = {
    "refused": "puts a refusal on the record; nobody asks for it",
    "cause": "is for who watches a demo, in the console",
    "verified": "puts a verification in the console on the record",
    "runs.listing": "rows of runs.page, for the command line",
    "runs.states": "the counts of runs.page",
    "agents.units": "the counts of agents.page, read alone for the page of figures",
    "approvals.listing": "rows of approvals.page, for the command line",
    "approvals.of_run": "what a run asks is in runs.get, as `pending`",
    "approvals.summary": "the counts and first rows of the overview",
    "approvals.queue_and_summary": "approvals.queue and the overview's counts, read once for the console",
    "approvals.riskiest": "is for the tour of a demo",
    "overrides.page": "cases of every agent, for the command line",
    "overrides.counts": "the counts of overrides.of_agent",
    "overrides.of_run": "rows of overrides.of_agent, for the console",
    "overrides.export": "is for the command line, which writes the file",
    "upstreams.troubled": "rows of upstreams.listing, for the overview",
    "slo.find": "slo.get, for pages that show nothing where nothing is promised",
    "slo.urgent": "the rows of the overview",
    "switches.in_force": "the first rows of switches.listing",
}


async def names_of(counter: Counter) -> dict[str, str]:
    """Returns what paths are filled with: a run that waits, its question, one of its decisions."""
    run, question = await counter.ask_people()
    decision = next(step.decision for step in counter.cell.parts.journal.steps(run.id) if step.decision)
    return {
        "task": run.task,
        "run": run.id,
        "other": run.id,
        "step": "1",
        "decision": decision,
        "approval": question,
        "agent": "refund-desk",
        "version": "1.0.0",
        "scope": "tool:shop__get_order",
        "index": "0",
        "case": await counter.overridden(),
    }


async def answers(counter: Counter, **shown: Any) -> dict[str, int]:
    """Sends every operation a request that fits, the end of the agent last; returns each status."""
    described = operations((await counter.client.get("http://remit.example/api/v1/openapi.json")).json())
    names, statuses = await names_of(counter), dict[str, int]()
    spare = await counter.bare_token(shown.get("person", OTTO))
    names["token"] = spare.split("_")[1]
    for name in sorted(described, key=lambda one: ("answer_approval", "retire_version").count(one)):
        method, path, _ = described[name]
        answer = await counter.send(method, filled(path, names), **shown, **SENT.get(name, {}))
        statuses[name] = answer.status_code
        if answer.status_code == 403:
            assert described[name][2]["x-permission"] in answer.json()["why"]
    return statuses


async def permissions(counter: Counter) -> dict[str, str]:
    """Returns the permission each operation's document names; none for what any token may do."""
    described = operations((await counter.client.get("http://remit.example/api/v1/openapi.json")).json())
    return {name: operation.get("x-permission", "") for name, (_, _, operation) in described.items()}


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_do_exactly_what_the_document_says(tmp_path: Path, role: str) -> None:
    async with open_counter(tmp_path) as counter:
        found, asked = await answers(counter, person=ROLES[role]), await permissions(counter)
        held = permissions_of([role])
        expected = {name for name, permission in asked.items() if permission and Permission(permission) not in held}
        assert {name for name, status in found.items() if status == 403} == expected
        assert {name for name, status in found.items() if status == 401 or status >= 500} == set()


async def test_without_a_role_one_may_only_ask_who_one_is(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        token = await counter.bare_token(EMIL)
        found = await answers(counter, person=EMIL, token=token)
        assert {name for name, status in found.items() if status != 403} == {"get_me"}


@pytest.mark.parametrize("what", ["none", "expired", "revoked", "unknown", "of somebody who is gone"])
async def test_a_token_that_is_worth_nothing_gets_one_and_the_same_answer(tmp_path: Path, what: str) -> None:
    async with open_counter(tmp_path) as counter:
        token = {
            "none": "",
            "expired": await counter.bare_token(OTTO, age=31),
            "revoked": await counter.bare_token(OTTO),
            "unknown": f"rmt_{'a' * 12}_{'b' * 43}",
            "of somebody who is gone": await counter.bare_token("gone@shop.example"),
        }[what]
        if what == "revoked":
            await counter.send("DELETE", f"/tokens/{token.split('_')[1]}")
        assert set((await answers(counter, token=token)).values()) == {401}
        answer = await counter.get("/me", token=token)
        assert answer.headers["www-authenticate"] == 'Bearer realm="remit"'
        assert answer.json()["detail"] == "Show a token that is live: Authorization: Bearer rmt_…"


@pytest.mark.parametrize("shown", ["Basic b3R0bzpwYXNz", "Bearer", "Bearer rmt_a rmt_b", "rmt_a", "Bearer rmt_ä"])
async def test_only_bearer_tokens_are_looked_at(tmp_path: Path, shown: str) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.get("/me", token="", headers={"authorization": shown.encode()})  # type: ignore[dict-item]
        assert answer.status_code == 401
        secret = await counter.token(OTTO)
        two = [("authorization", f"Bearer {secret}"), ("authorization", f"Bearer {secret}")]
        assert (await counter.client.get("http://remit.example/api/v1/me", headers=two)).status_code == 401
        assert (await counter.get("/me", token="", headers={"cookie": f"session={secret}"})).status_code == 401


async def test_to_say_how_urgent_a_task_is_takes_more_than_to_give_it(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        otto = person_actor(counter.cell.parts.people.person(OTTO), "command line")
        _, secret = await counter.cell.access.create_token(otto, name="few", permissions=["fleet:runs:start"])
        assert (await counter.post("/tasks", TASK, token=secret)).status_code == 201
        refused = await counter.post("/tasks", {**TASK, "priority": 9}, token=secret)
        assert (refused.status_code, "fleet:tasks:prioritize" in refused.json()["why"]) == (403, True)
        started = (await counter.post("/tasks", {**TASK, "priority": 9})).json()
        assert (await counter.get(f"/runs/{started['run']}")).json()["priority"] == 9
        for wrong in (-1, 10, "9", 5.5, True):
            assert (await counter.post("/tasks", {**TASK, "priority": wrong})).status_code == 422


async def test_to_reset_a_switch_takes_more_than_to_pull_it(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        document = (await counter.client.get("http://remit.example/api/v1/openapi.json")).json()
        _, _, said = operations(document)["set_switch"]
        assert said["x-permission"] == permission_of(Verbs.stop)
        assert said["x-permission-when"] == {"`stopped` is false": permission_of(Verbs.resume)}
        for stopped, role, status in ((True, "care-lead", 200), (False, "care-lead", 403), (False, "operator", 200)):
            body = {"stopped": stopped, "because": "a test"}
            answer = await counter.send("PUT", "/switches/fleet", ROLES[role], json=body)
            assert answer.status_code == status


async def test_every_view_and_verb_asks_for_a_permission_and_has_an_operation(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        document = (await counter.client.get("http://remit.example/api/v1/openapi.json")).json()
        said = [operation["description"] for _, _, operation in operations(document).values()]
        for name, carried in {**public(counter.cell.views(local_actor("tests"))), **verbs()}.items():
            if name in WITHOUT:
                continue
            assert isinstance(permission_of(carried), Permission), name
            words = " ".join((carried.__doc__ or "").split())
            assert any(words in text for text in said), name


def public(views: Views) -> dict[str, Callable[..., Any]]:
    """Returns every view by its name."""
    return dict(_public(views))


def _public(views: Views) -> Iterator[tuple[str, Callable[..., Any]]]:
    parts: dict[str, object] = {name: part for name, part in vars(views).items() if not name.startswith("_")}
    for name, part in parts.items():
        for each, carried in inspect.getmembers(type(part), inspect.isfunction):
            if not each.startswith("_"):
                yield f"{name}.{each}", carried


def verbs() -> dict[str, Callable[..., Any]]:
    """Returns every verb by its name."""
    return {name: verb for name, verb in inspect.getmembers(Verbs, inspect.isfunction) if not name.startswith("_")}


async def test_a_viewers_hand_made_answer_is_refused_and_on_the_record(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, question = await counter.ask_people()
        answer = await counter.post(f"/approvals/{question}/answers", {"answer": "approve"}, VERA)
        assert answer.status_code == 403
        assert answer.json()["error"] == "RefusedError"
        assert "fleet:approvals:answer" in answer.json()["why"]
        (refused,) = counter.logged("access.refused")
        assert (refused["by"], refused["face"], refused["permission"]) == (VERA, "api", "fleet:approvals:answer")
        assert counter.cell.parts.journal.run(run.id).state == "waiting"
        assert counter.cell.parts.approvals.get(question).state == "pending"
