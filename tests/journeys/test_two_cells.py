"""A tenant is a cell: two of them on one host share nothing but code, whatever somebody of one tries at the other.

Mallory is of the platform team of one cell, with everything anybody may have there. Each cell has its own processes, folder,
database, log, key, people and budgets, on SQLite or on one PostgreSQL server, where its processes have a login of their own.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest

from journeys.command_line import REFUNDS, REPOSITORY, Ended, environment, typed
from remit.testing import PostgresServer

OWN = "  - {id: {0}, name: {1}, roles: [platform, operator, viewer, care-lead]}\n"
MALLORY, VICTIM = "mallory@north.example", "vera@south.example"
STOP, VERBS = {"stopped": True, "because": "mine now"}, ("cancellation", "rollback")
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
    owner: str = ""
    """The URL of who owns the tables, on PostgreSQL."""

    def remit(self, *arguments: str) -> Ended:
        return typed(*arguments, "--fleet", str(self.folder), **self.variables)

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx2.Response:
        shown = {"authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        with httpx2.Client(base_url=f"{self.address}/api/v1", timeout=40) as client:
            return client.request(method, path, headers=shown, **more)

    def work(self) -> str:
        """Has one refund made, and returns its run when that is over."""
        given = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "Please refund 40."}}
        return str(self.ask("POST", "/tasks?wait=30", json=given).json()["run"])

    def shown(self) -> dict[str, Any]:
        """Returns lists and figures as programs get them, once nothing is under way: whose, and how many."""
        listed = {path: self.ask("GET", f"/{path}?limit=100").json() for path in ("runs", "tasks", "agents")}
        until = time.monotonic() + 30
        while any(row["state"] in ("queued", "running") for row in listed["runs"]["rows"]):
            assert time.monotonic() < until
            time.sleep(0.2)
            listed["runs"] = self.ask("GET", "/runs?limit=100").json()
        sheet = self.ask("GET", "/figures?period=all").json()
        figures = {each["name"]: each["value"] for each in sheet["figures"]}
        return {**listed, "figures": figures, "costs": self.ask("GET", "/costs?period=all").json()["rows"]}

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


def make(folder: Path, name: str, person: str, server: PostgresServer | None) -> Tenant:
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    with (folder / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(OWN.replace("{0}", person).replace("{1}", name))
    if server is None:
        return Tenant(folder, person, {"REMIT_NAME": name})
    owner = Tenant(folder, person, {"REMIT_NAME": name, "REMIT_DATABASE_URL": server.fresh()})
    for command in (("migrate",), ("roles", "--apply")):
        done = owner.remit("database", *command)
        assert done.code == 0, done.err
    with psycopg.connect(server.url(), autocommit=True) as connection:
        roles = f"create role {name}_worker login in role {name}_app, {name}_sequencer"
        connection.execute(cast("LiteralString", roles))
    url = owner.variables["REMIT_DATABASE_URL"]
    return Tenant(folder, person, {**owner.variables, "REMIT_DATABASE_URL": as_worker(name, url)}, owner=url)


def as_worker(name: str, url: str) -> str:
    """Returns the URL with which processes of a cell come to the database of an owner's URL."""
    return url.replace("postgres@", f"{name}_worker@")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tenants(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Tenant, Tenant]]:
    """North, where Mallory is, and south; what one test tries leaves both as they were, or it fails."""
    folder = tmp_path_factory.mktemp("cells")
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    north = make(folder / "north", "north", MALLORY, server)
    south = make(folder / "south", "south", VICTIM, server)
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
    assert south.ask("PUT", "/switches/fleet", token=north.token, json=STOP).status_code == 401

    # With a token of one's own cell and the ids of the other, one finds nothing, and is told nothing of it.
    for path in (f"/runs/{south.run}", f"/approvals/{south.question}", f"/runs/{south.run}/steps/1"):
        answer = north.ask("GET", path)
        assert answer.status_code == 404, path
        assert "Quill" not in answer.text
        assert "vera" not in answer.text
    body = {"answer": "approve", "reason": "mine now"}
    assert north.ask("POST", f"/approvals/{south.question}/answers", json=body).status_code == 404
    refused = [north.ask("POST", f"/runs/{south.run}/{verb}", json={"because": "mine"}) for verb in VERBS]
    assert [answer.status_code for answer in refused] == [404] * len(VERBS)
    assert north.remit("show", south.run).code != 0
    assert north.remit("approvals", "approve", south.question, "--as", MALLORY, "--because", "mine now").code != 0

    # A role counts where it was given: the other cell does not know the person, by token, login link or name.
    assert south.remit("approvals", "approve", south.question, "--as", MALLORY, "--because", "mine now").code != 0
    assert south.remit("tokens", "create", "mine", "--as", MALLORY).code != 0
    link = north.remit("people", "link", MALLORY, "--json")
    secret = link.value["link"].rpartition("/")[2]
    with httpx2.Client(base_url=south.address, timeout=20) as browser:
        redeemed = browser.post(f"/login/{secret}", headers={"origin": north.address})
        assert redeemed.status_code == 403
        assert "set-cookie" not in redeemed.headers
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

    # The logs are each under a key and a name of their own.
    assert north.run not in south.log()
    told = north.log()
    for theirs in (south.run, VICTIM, "Quill"):
        assert theirs not in told
    assert north.remit("log", "key").out != south.remit("log", "key").out


@pytest.mark.slow
def test_neither_lists_nor_figures_of_a_cell_count_what_another_does(tenants: tuple[Tenant, Tenant]) -> None:
    north, south = tenants
    north.work()
    before, theirs = north.shown(), south.shown()
    done = [south.work() for _ in range(3)]
    after, south_after = north.shown(), south.shown()
    assert after == before
    for part in ("runs", "tasks", "agents", "figures", "costs"):
        assert south_after[part] != theirs[part], f"{part} would tell"
    for part, what in (("runs", "run"), ("tasks", "task")):
        ours, others = ({row[what] for row in shown[part]["rows"]} for shown in (after, south_after))
        assert not ours & others
        assert sum(after[part]["counts"]["state"].values()) == len(ours)
        assert sum(south_after[part]["counts"]["state"].values()) == len(others)
    assert {*done} <= {row["run"] for row in south_after["runs"]["rows"]}


@pytest.mark.slow
def test_a_session_of_one_cell_opens_no_page_of_another(tenants: tuple[Tenant, Tenant]) -> None:
    north, south = tenants
    ports = [urlsplit(each.address).port for each in tenants]
    secret = north.remit("people", "link", MALLORY, "--json").value["link"].rpartition("/")[2]
    with httpx2.Client(base_url=north.address, timeout=20) as browser:
        assert browser.post(f"/login/{secret}", headers={"origin": north.address}).status_code == 303
        (cookie,) = browser.cookies.jar
        assert browser.get("/runs").status_code == 200
    assert cookie.name == f"remit-{ports[0]}", "browsers send it to every port of the host"
    with httpx2.Client(base_url=south.address, timeout=20) as browser:
        for name in (f"remit-{port}" for port in ports):
            for path in ("/", "/runs", f"/runs/{south.run}", "/figures"):
                answer = browser.get(path, headers={"cookie": f"{name}={cookie.value}"})
                assert answer.status_code == 303, path
                assert answer.headers["location"].startswith("/login")


@pytest.mark.slow
@pytest.mark.parametrize("tenants", ["postgresql"], indirect=True)
def test_what_a_cells_processes_log_in_with_does_not_open_anothers_database(tenants: tuple[Tenant, Tenant]) -> None:
    for own, other in (tenants, tenants[::-1]):
        name = own.variables["REMIT_NAME"]
        with psycopg.connect(own.variables["REMIT_DATABASE_URL"]) as connection:
            assert connection.execute("select id from runs where id = %s", [own.run]).fetchall()
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(as_worker(name, other.owner))
        taken = Tenant(own.folder, own.person, {"REMIT_NAME": name, "REMIT_DATABASE_URL": other.owner})
        refused = taken.remit("database", "roles", "--apply")
        assert refused.code == 1
        assert f"The role {name}_app belongs to the database" in refused.err
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(as_worker(name, other.owner))


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
