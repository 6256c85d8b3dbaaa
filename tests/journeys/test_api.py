"""A program works with a fleet that is at work: token from the command line, everything else over the API."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from journeys.command_line import REPOSITORY, environment, typed
from journeys.shell import blocks

PEOPLE = "  - {id: otto@shop.example, name: Otto Operator, roles: [operator]}\n"
TICKET = {"agent": "refund-desk", "input": {"order_id": "R-2", "message": "Please refund 400."}}


@pytest.fixture
def address(refunds: Path) -> Generator[str]:
    """Keeps the refund desk at work, with somebody who may start work, and says where it listens."""
    with (refunds / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(PEOPLE)
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(refunds), "--port", "0", "--json"]
    process = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while lines[-1] and lines[-1].rstrip() != "}":
        lines.append(process.stdout.readline())
    yield json.loads("".join(lines))["address"]
    process.terminate()
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def token(fleet: Path, person: str) -> dict[str, str]:
    """Returns the header that shows a token made for `person`."""
    made = typed("tokens", "create", "tests", "--as", person, "--fleet", str(fleet), "--json")
    assert made.code == 0, made.err
    return {"authorization": f"Bearer {made.value['token']}"}


@pytest.mark.slow
def test_a_program_starts_work_and_a_person_answers_over_the_api(refunds: Path, address: str) -> None:
    otto, cara = token(refunds, "otto@shop.example"), token(refunds, "cara.lead@shop.example")
    with httpx2.Client(base_url=f"{address}/api/v1", timeout=40) as client:
        run = client.post("/tasks?wait=30", json=TICKET, headers=otto).json()
        assert run["state"] == "waiting"
        shown = client.get(f"/approvals/{run['waits_for']}", headers=cara)
        match = {**cara, "if-match": shown.headers["etag"], "idempotency-key": "answer-1"}
        path, body = f"/approvals/{run['waits_for']}/answers", {"answer": "approve", "reason": "checked"}
        assert client.post(path, json=body, headers=match).json()["state"] == "approved"
        assert client.post(path, json=body, headers=match).headers["idempotent-replayed"] == "true"
        ended = typed("show", run["run"], "--fleet", str(refunds), "--json")
        while ended.value["state"] in ("waiting", "running"):
            ended = typed("show", run["run"], "--fleet", str(refunds), "--json")
        over_the_api = client.get(f"/runs/{run['run']}", headers=otto).json()
        assert (over_the_api["state"], over_the_api["outcome"]) == ("done", "success")
        assert over_the_api == ended.value


@pytest.mark.slow
def test_the_examples_of_the_document_work_as_they_stand(refunds: Path, address: str) -> None:
    document = REPOSITORY / "docs" / "api.md"
    typed = "\n".join(block.text for block in blocks(document) if block.kind == "sh")
    typed = typed.replace("http://127.0.0.1:8321", address).replace("curl -sS", "curl -sS --fail-with-body")
    remit = f'remit() {{ "{sys.executable}" -m remit.cli "$@"; }}'
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", f"{remit}\n{typed}"],
        cwd=refunds, env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ('"id":"otto@shop.example"', "post /tasks fleet:runs:start", '"state":"waiting"', '"state":"approved"'):
        assert said in done.stdout
    assert '"ok":true' in done.stdout
