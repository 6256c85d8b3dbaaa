"""What answers look like: problems, pages, entity tags, headers, and content only for those who may read it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.endpoints.rest.counter import AUDE, CARA, OLGA, OTTO, PIA, SAID, TINA, TOM, VERA, open_counter

from remit.audit import verify_proof

SMALL: dict[str, Any] = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "request_", "status", "told"),
    [
        ("GET", "/nothing", {}, 404, {"title": "Not Found"}),
        ("GET", "/runs/", {}, 404, {"title": "Not Found"}),
        ("DELETE", "/runs", {}, 405, {"title": "Method Not Allowed"}),
        ("GET", "/runs/run_nothing", {}, 404, {"error": "NotFoundError", "which": "run_nothing"}),
        ("GET", "/runs?state=odd", {}, 422, {}),
        ("GET", "/runs?limit=201", {}, 422, {}),
        ("GET", "/runs?limits=1", {}, 422, {"which": "limits", "why": "there are: after, agent, limit, state, task"}),
        ("GET", "/settings", {}, 403, {"error": "RefusedError"}),
        ("GET", "/log/entries/99999", {}, 404, {"which": "99999"}),
        ("GET", "/log/entries/-1", {}, 422, {}),
        ("POST", "/tasks", {"content": b"{"}, 415, {"detail": "The body must be application/json"}),
        ("POST", "/tasks", {"content": b"{}", "headers": {"content-type": "text/json"}}, 415, {}),
        ("POST", "/tasks", {"json": {"agent": "nobody"}}, 404, {"which": "nobody"}),
        ("POST", "/tasks", {"json": {"agent": "refund-desk"}}, 422, {"error": "InputError"}),
        ("POST", "/tasks", {"json": []}, 422, {}),
        ("POST", "/tasks", {}, 422, {}),
        ("POST", "/tasks", {"json": {**SMALL, "input": "R-1"}}, 422, {}),
        ("PUT", "/switches/planet:earth", {"json": {"stopped": True, "because": "x"}}, 422, {"which": "planet:earth"}),
        ("PUT", "/switches/fleet", {"json": {"stopped": True, "because": ""}}, 422, {}),
    ],
)
async def test_whatever_is_refused_is_a_problem(
    tmp_path: Path, method: str, path: str, request_: dict[str, Any], status: int, told: dict[str, str]
) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.send(method, path, **request_)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
        body = answer.json()
        assert (body["type"], body["status"]) == ("about:blank", status)
        assert {name: body[name] for name in told} == told
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_is_json_once_and_not_too_deep_or_large(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        kind = {"content-type": "application/json; charset=utf-8"}
        for content, status, what in (
            (b"{", 400, "The body is not JSON"),
            (b'{"agent": 1, "agent": 2}', 400, "The body has the key"),
            (b'{"agent": "\xff"}', 400, "The body is not UTF-8"),
            (b'{"input": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "The body is nested too deeply"),
            (b'{"input": {"a": NaN}}', 400, "JSON has no such number"),
            (b'{"input": {"a": "\\ud800"}}', 400, "The body is not UTF-8"),
        ):
            answer = await counter.send("POST", "/tasks", content=content, headers=kind)
            assert (answer.status_code, answer.json()["what"]) == (status, what)
        largest = counter.cell.settings.limits.result_bytes
        answer = await counter.send("POST", "/tasks", content=b" " * (largest + 1), headers=kind)
        assert (answer.status_code, answer.json()["detail"]) == (413, f"The limit is {largest} bytes")


async def test_unknown_fields_are_named(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.post("/tasks", {**SMALL, "wait": 3, "agent": 7})
        assert answer.status_code == 422
        wrong = {one["where"]: one["why"] for one in answer.json()["errors"]}
        assert wrong == {
            "body.agent": "Input should be a valid string",
            "body.wait": "Extra inputs are not permitted",
        }


async def test_a_method_that_is_not_taken_is_told_which_are(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        assert (await counter.send("DELETE", "/tasks")).headers["allow"] == "GET, POST"


async def test_a_fault_of_ours_tells_its_name_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_counter(tmp_path) as counter:
        execute(counter.cell.database, "alter table switches rename to hidden")
        answer = await counter.get("/switches")
        execute(counter.cell.database, "alter table hidden rename to switches")
        body = answer.json()
        assert (answer.status_code, set(body)) == (500, {"type", "title", "status", "detail", "instance"})
        assert body["instance"].startswith("urn:uuid:")
        assert "switches" not in json.dumps(body)
        (record,) = [record for record in caplog.records if record.name == "remit.endpoints"]
        assert body["instance"] in record.message
        assert record.exc_info is not None


async def test_pages_lead_on_to_the_end(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        started = [(await counter.post("/tasks", SMALL)).json()["run"] for _ in range(5)]
        pages: list[list[str]] = []
        path = "/runs?limit=2&agent=refund-desk"
        while path:
            answer = await counter.get(path)
            pages.append([row["run"] for row in answer.json()["rows"]])
            link = answer.headers.get("link", "")
            assert bool(link) == bool(answer.json()["next"])
            assert answer.json()["counts"]["agent"] == {"refund-desk": 5}
            path = link.partition(">")[0].removeprefix("</api/v1")
        assert pages == [started[:2:-1], started[2:0:-1], started[:1]]


async def test_an_entity_tag_changes_with_what_it_is_of(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, question = await counter.ask_people()
        for path in ("/runs", f"/runs/{run.id}", f"/approvals/{question}", "/approvals/queue", "/agents", "/me"):
            first = await counter.get(path)
            tag = first.headers["etag"]
            assert first.headers["cache-control"] == "private, no-cache"
            for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
                again = await counter.get(path, headers={"if-none-match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert (await counter.get(path, headers={"if-none-match": '"other"'})).status_code == 200
        tag = (await counter.get(f"/runs/{run.id}")).headers["etag"]
        await counter.post(f"/runs/{run.id}/cancellation", {"because": "a test"})
        changed = await counter.get(f"/runs/{run.id}", headers={"if-none-match": tag})
        assert changed.status_code == 200
        assert (await counter.get(f"/runs/{run.id}", VERA)).headers["etag"] != changed.headers["etag"]


async def test_an_answer_to_what_was_changed_meanwhile_is_not_taken(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, question = await counter.ask_people()
        looked_at = await counter.get(f"/approvals/{question}", CARA)
        changed = {**looked_at.json()["proposed"], "amount": 300}
        stale = {"if-match": looked_at.headers["etag"]}
        edit = {"answer": "edit", "arguments": changed, "reason": "less"}
        wrong = await counter.post(f"/approvals/{question}/answers", edit, CARA, headers={"if-match": '"other"'})
        assert (wrong.status_code, wrong.headers["content-type"]) == (412, PROBLEM)
        done = await counter.post(f"/approvals/{question}/answers", edit, CARA, headers=stale)
        assert (done.status_code, done.json()) == (200, {"approval": question, "state": "approved", "run": run.id})
        late = await counter.post(f"/approvals/{question}/answers", {"answer": "approve"}, OLGA, headers=stale)
        assert late.status_code == 412
        settled = await counter.cell.operations.settled(run.id, 10)
        assert settled.state == "done"


async def test_whatever_it_is_now_is_no_look_at_what_somebody_else_made_of_it(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        _, question = await counter.ask_people()
        path, proposed = f"/approvals/{question}/answers", (await counter.get(f"/approvals/{question}", CARA)).json()
        edit = {"answer": "edit", "arguments": {**proposed["proposed"], "amount": 300}, "reason": "less"}
        assert (await counter.post(path, edit, TOM)).json()["state"] == "pending"
        blind = await counter.post(path, {"answer": "approve"}, TINA, headers={"if-match": "*"})
        assert (blind.status_code, blind.json()["what"]) == (409, "It was edited since it was asked")


async def test_content_is_shown_to_those_who_may_read_it(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, question = await counter.ask_people()
        decision = next(step.decision for step in counter.cell.parts.journal.steps(run.id) if step.decision)
        paths = [
            f"/runs/{run.id}", f"/tasks/{run.task}", f"/approvals/{question}", "/approvals", "/approvals/queue",
            "/overview", f"/runs/{run.id}/steps/1", f"/runs/{run.id}/steps/3", f"/decisions/{decision}",
            f"/runs/{run.id}/comparison/{run.id}", "/runs", "/tasks", "/log/entries",
        ]  # fmt: skip
        for person in (VERA, PIA):
            said = [(await counter.get(path, person)).text for path in paths]
            assert not any("Quill" in text or '"amount":400' in text for text in said)
        for person in (CARA, OTTO, AUDE):
            said = [(await counter.get(path, person)).text for path in paths]
            assert not any("seconds_left" in text for text in said)
            assert "Quill" in said[0]
            assert "Quill" in said[1]
            assert '"amount":400' in said[2]
        assert SAID not in (await counter.get(f"/log/entries?search={run.id}", AUDE)).text


async def test_who_waits_hears_how_a_run_ended(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        answer = await counter.post("/tasks?wait=10", SMALL)
        assert (answer.status_code, answer.json()["state"]) == (201, "done")
        assert answer.headers["location"] == f"/api/v1/tasks/{answer.json()['task']}"
        shown = await counter.client.get(
            f"http://remit.example{answer.headers['location']}",
            headers={"authorization": f"Bearer {await counter.token(OTTO)}"},
        )
        assert (shown.json()["outcome"], shown.json()["on_behalf_of"]) == ("success", OTTO)
        assert (await counter.post("/tasks?wait=31", SMALL)).status_code == 422


async def test_a_scope_is_a_path_however_it_is_written(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        run, _ = await counter.ask_people()
        for scope in (f"run:{run.id}", "version:refund-desk@1.0.0", "version%3Arefund-desk%401.0.0", "model:simulated"):
            body = {"stopped": True, "because": "a test"}
            answer = await counter.send("PUT", f"/switches/{scope}", json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["stopped"] is True
        stopped = {row["scope"] for row in (await counter.get("/switches")).json()}
        assert stopped == {f"run:{run.id}", "version:refund-desk@1.0.0", "model:simulated"}


async def test_the_log_can_be_checked_from_outside(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        await counter.post("/tasks?wait=10", SMALL)
        if commit := counter.cell.log.checkpoint_commit():
            await counter.cell.parts.writer.commit(commit)
        head = (await counter.get("/log", AUDE)).json()
        proof = await counter.get("/log/entries/0/proof", AUDE)
        assert proof.headers["content-type"] == "text/plain; charset=utf-8"
        assert verify_proof(proof.text, counter.cell.log.public_key).index == 0
        report = (await counter.post("/log/verifications", {"since": [head["checkpoint"]]}, AUDE)).json()
        assert (report["ok"], report["size"], report["root"]) == (True, head["signed"], head["root"])
        archive = await counter.get("/log/archive", AUDE)
        assert (archive.status_code, archive.headers["content-type"]) == (200, "application/zip")
        assert archive.content.startswith(b"PK")


async def test_an_override_has_a_category_and_becomes_a_case(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        case = await counter.overridden()
        _, question = await counter.ask_people()
        plain = {"answer": "edit", "reason": "less", "arguments": {"order_id": "R-2", "amount": 30, "why": "part"}}
        answers = f"/approvals/{question}/answers"
        assert (await counter.post(answers, {**plain, "category": "odd"}, CARA)).status_code == 422
        assert (await counter.post(answers, {"answer": "approve", "category": "other"}, CARA)).status_code == 422
        assert (await counter.post(answers, plain, CARA)).status_code == 200
        page = (await counter.get("/agents/refund-desk/cases")).json()
        assert [row["category"] for row in page["rows"]] == ["other", "wrong-subject"]
        assert {name: n for name, n in page["counts"]["category"].items() if n} == {"wrong-subject": 1, "other": 1}
        assert page["rows"][0]["decided"] == plain["arguments"]
        only = (await counter.get("/agents/refund-desk/cases?category=wrong-subject&limit=1")).json()
        assert [row["case"] for row in only["rows"]] == [case]
        shown = (await counter.get(f"/cases/{case}")).json()
        assert (shown["reason"], shown["input"]["order_id"], shown["decided"]) == ("not theirs", "R-2", None)
        assert (await counter.get("/agents/nobody/cases")).status_code == 404


async def test_what_a_case_says_is_for_whoever_may_see_content(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        case = await counter.overridden()
        for path in ("/agents/refund-desk/cases", f"/cases/{case}"):
            answer = await counter.get(path, VERA)
            assert answer.status_code == 200
            assert "not theirs" not in answer.text
            assert "R-2" not in answer.text


async def test_an_edit_that_policy_would_refuse_is_told_what_to_change(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        _, question = await counter.ask_people()
        edit = {"answer": "edit", "reason": "more", "arguments": {"order_id": "R-2", "amount": 3_000, "why": "much"}}
        answer = await counter.post(f"/approvals/{question}/answers", edit, CARA)
        assert (answer.status_code, answer.json()["what"]) == (403, "The edit would be refused")
        assert "amount <= 500" in answer.json()["hint"]


async def test_a_version_is_approved_with_a_reason_if_one_is_given(tmp_path: Path) -> None:
    async with open_counter(tmp_path) as counter:
        path = "/agents/refund-desk/versions/1.0.0/approval"
        assert (await counter.post(path, {"because": "the cases pass"}, PIA)).status_code == 200
        assert counter.logged("release.approved")[-1]["because"] == "the cases pass"
        assert (await counter.post(path, None, PIA)).status_code == 200
        assert (await counter.post(path, {"because": 1}, PIA)).status_code == 422
