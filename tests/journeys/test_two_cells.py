"""A tenant is a cell: two of them on one host share nothing but code, whatever somebody of one tries at the other.

Mallory is of the platform team of one cell, with everything anybody may have there. Each cell has its own processes, folder,
database, log, key, people and budgets, on SQLite or on one PostgreSQL server.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from journeys.command_line import REFUNDS, REPOSITORY, Ended, environment, typed

OWN = "  - {id: {0}, name: {1}, roles: [platform, operator, viewer, care-lead]}\n"
MALLORY, VICTIM = "mallory@north.example", "vera@south.example"
SAID = "Please refund 400, says Zacharias Quill of the south"


@dataclass
class Tenant:
    """One cell at work, and its own platform team's token."""

    folder: Path
    person: str
    variables: dict[str, Any]
    address: str = ""
    token: str = ""
    run: str = ""
    question: str = ""

    def remit(self, *arguments: str) -> Ended:
        return typed(*arguments, "--fleet", str(self.folder), **self.variables)

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        shown = {"authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        with httpx2.Client(base_url=f"{self.address}/api/v1", timeout=40) as client:
            return client.request(method, path, headers=shown, **more)

    def log(self) -> str:
        """Everything the log holds, as text."""
        out = self.folder / "exported"
        shutil.rmtree(out, ignore_errors=True)
        assert self.remit("log", "export", str(out)).code == 0
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in out.rglob("*") if path.is_file())


@contextmanager
def at_work(*tenants: Tenant) -> Generator[None]:
    """Keeps cells at work, and starts one refund in each that people are asked about."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(tenant)) for tenant in tenants]
        for tenant, process in zip(tenants, processes, strict=True):
            _begin(tenant, process)
        yield


@contextmanager
def _started(tenant: Tenant) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(tenant.folder), "--port", "0", "--json"]
    process = subprocess.Popen(
        command, env=environment(**tenant.variables), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def _begin(tenant: Tenant, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while lines[-1] and lines[-1].rstrip() != "}":
        lines.append(process.stdout.readline())
    tenant.address = json.loads("".join(lines))["address"]
    made = tenant.remit("tokens", "create", "tests", "--as", tenant.person, "--json")
    assert made.code == 0, made.err
    tenant.token = made.value["token"]
    given = {"agent": "refund-desk", "input": {"order_id": "R-2", "message": SAID}}
    run = tenant.ask("POST", "/tasks?wait=30", json=given).json()
    tenant.run, tenant.question = run["run"], run["waits_for"]


def make(folder: Path, name: str, person: str, database: str) -> Tenant:
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    with (folder / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(OWN.replace("{0}", person).replace("{1}", name))
    return Tenant(folder, person, {"REMIT_NAME": name, **({"REMIT_DATABASE_URL": database} if database else {})})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tenants(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Tenant, Tenant]]:
    """North, where Mallory is, and south; what one test tries leaves both as they were, or it fails."""
    folder = tmp_path_factory.mktemp("cells")
    urls = ["", ""]
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        urls = [cast("str", server.fresh()) for _ in urls]
    north = make(folder / "north", "north", MALLORY, urls[0])
    south = make(folder / "south", "south", VICTIM, urls[1])
    with at_work(north, south):
        yield north, south


@pytest.mark.slow
def test_nobody_of_one_cell_gets_anything_of_another(tenants: tuple[Tenant, Tenant]) -> None:
    north, south = tenants

    # With a token of the other cell, one is nobody; whatever is wrong with a token gets one answer.
    unknown = south.ask("GET", "/runs", token="rmt_nobody")
    for path in ("/runs", f"/runs/{south.run}", "/agents", "/log/entries", "/figures", "/people", "/tokens"):
        answer = south.ask("GET", path, token=north.token)
        assert (answer.status_code, answer.json()) == (401, unknown.json()), path
    stop = {"scope": "fleet", "because": "mine now"}
    assert south.ask("POST", "/switches", token=north.token, json=stop).status_code == 401

    # With a token of one's own cell and the ids of the other, one finds nothing, and is told nothing of it.
    for path in (f"/runs/{south.run}", f"/approvals/{south.question}", f"/runs/{south.run}/steps"):
        answer = north.ask("GET", path)
        assert answer.status_code == 404, path
        assert "Quill" not in answer.text
        assert "vera" not in answer.text
    body = {"answer": "approve", "reason": "mine now"}
    assert north.ask("POST", f"/approvals/{south.question}/answers", json=body).status_code == 404
    assert north.ask("POST", f"/runs/{south.run}/cancel", json={"because": "mine now"}).status_code in (404, 405, 422)
    assert north.remit("show", south.run).code != 0
    assert north.remit("approvals", "approve", south.question, "--as", MALLORY, "--because", "mine now").code != 0

    # A role counts where it was given: the other cell does not know the person, by token, login link or name.
    assert south.remit("approvals", "approve", south.question, "--as", MALLORY, "--because", "mine now").code != 0
    assert south.remit("tokens", "create", "mine", "--as", MALLORY).code != 0
    link = north.remit("people", "link", MALLORY, "--json")
    secret = (link.value["link"] if link.code == 0 else "").rpartition("/")[2] or "nothing"
    with httpx2.Client(base_url=south.address, timeout=20) as browser:
        redeemed = browser.post(f"/login/{secret}", headers={"origin": north.address})
        assert redeemed.status_code in (403, 404, 422) or "set-cookie" not in redeemed.headers
        assert browser.get("/runs").status_code in (303, 401)
        crossed = browser.post("/login", data={"person": VICTIM, "password": "x"}, headers={"origin": north.address})
        assert crossed.status_code == 403

    # The same key of a request asked once does not bring the other cell's answer back, and no entity tag matches there.
    given = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "Please refund 40."}}
    once = {"idempotency-key": "the-same-key"}
    runs = {each.ask("POST", "/tasks", json=given, headers=once).json()["run"] for each in (north, south)}
    assert len(runs) == 2
    tag = south.ask("GET", f"/approvals/{south.question}").headers["etag"]
    assert north.ask("GET", f"/approvals/{north.question}", headers={"if-none-match": tag}).status_code == 200

    # Neither figures nor lists count what others do, and the logs are each under a key and a name of their own.
    assert north.run not in south.log()
    told = north.log()
    for theirs in (south.run, VICTIM, "Quill"):
        assert theirs not in told
    assert north.remit("log", "key").out != south.remit("log", "key").out


@pytest.mark.slow
def test_a_cell_that_is_given_anothers_database_does_not_write_to_it(tenants: tuple[Tenant, Tenant]) -> None:
    north, south = tenants
    url = south.variables.get("REMIT_DATABASE_URL") or f"sqlite:///{south.folder / '.remit' / 'remit.db'}"
    thief = Tenant(north.folder, MALLORY, {**north.variables, "REMIT_DATABASE_URL": url})
    for command in (("runs",), ("stop", "fleet", "--because", "mine now", "--as", MALLORY)):
        refused = thief.remit(*command)
        assert refused.code != 0
        assert "belongs to another" in refused.err, refused.err + refused.out
    assert "mine now" not in south.log()
