"""Every page for every role: shown or refused as permissions say, well-formed, small, and with a twin that says the same."""

import re
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from tests.runtime.workshop import work
from tests.web.pages.visit import Page
from tests.web.visitors import COOKIE, ROLES, knock, named, open_cell

from remit.app import Cell
from remit.app.serve import http_app
from remit.identity import Session
from remit.operations import Actor, Permission, Views, permissions_of
from remit.web import build_console
from remit.web.app import ConsoleApp
from remit.web.security import POLICY

P = Permission
LARGEST = 150_000
# What it takes to see a page; None where whoever is logged in may.
PAGES: dict[str, Permission | None] = {
    "/": P.FLEET_RUNS_READ,
    "/runs": P.FLEET_RUNS_READ,
    "/runs/{run}": P.FLEET_RUNS_READ,
    "/runs/{run}/steps/{step:place}": P.FLEET_RUNS_READ,
    "/-/runs/{run}/steps/{step:place}": P.FLEET_RUNS_READ,
    "/tasks": P.FLEET_RUNS_READ,
    "/tasks/{task}": P.FLEET_RUNS_READ,
    "/comparison": P.FLEET_RUNS_READ,
    "/agents": P.FLEET_AGENTS_READ,
    "/agents/{agent}": P.FLEET_AGENTS_READ,
    "/approvals": P.FLEET_APPROVALS_READ,
    "/approvals/{approval}": P.FLEET_APPROVALS_READ,
    "/switches": P.FLEET_SWITCHES_READ,
    "/switches/dry-run": P.FLEET_SWITCHES_READ,
    "/figures": P.FLEET_FIGURES_READ,
    "/log": P.FLEET_LOG_READ,
    "/log/{index:place}": P.FLEET_LOG_READ,
    "/log/{index:place}/proof": P.FLEET_LOG_READ,
    "/log/verification": P.FLEET_LOG_READ,
    "/people": P.FLEET_AGENTS_READ,
    "/settings": P.CELL_SETTINGS_READ,
    "/account": None,
    "/search": None,
    "/-/patterns": None,
    "/-/bar": None,
}
# Which tell in their place why they show nothing, beside the fields that were filled in.
TOLD_IN_PLACE = frozenset({"/comparison"})
NO_PAGES = frozenset({"/live", "/login", "/login/{secret}"})
WITH_QUERY = {
    "/comparison": "?left={run}&right={other}",
    "/switches/dry-run": "?scope=fleet",
    "/figures": "?period=30d",
}


def console_of(cell: Cell) -> ConsoleApp:
    """Returns the console of a cell's HTTP application."""
    return http_app(cell).routes[-1].app  # type: ignore[attr-defined]


async def fill(cell: Cell) -> dict[str, str]:
    """Works a little, and returns the ids that stand in addresses."""
    done, other = await work(cell, "Please refund 20"), await work(cell, "Please refund 10")
    await work(cell, "Please refund 400", order="R-2")
    await work(cell, "Please refund 41 for R-1")
    await cell.operations.stop("tool:shop__issue_refund", because="<i>odd</i> & more", by=named("operator"))
    asked = cell.parts.approvals.listing(state="pending")[0]
    ids = {"run": done.id, "other": other.id, "task": done.task, "agent": "refund-desk", "approval": asked.id}
    return ids | {"step": "3", "index": "0"}


def address(path: str, ids: dict[str, str]) -> str:
    """Returns the address of a page."""
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: ids[found[1]], path)
    return filled + WITH_QUERY.get(path.removesuffix(".json"), "").format(**ids)


def reads(console: ConsoleApp) -> list[str]:
    """Returns the path of everything that is read."""
    return [route.path for route in console.routes if "GET" in (route.methods or ())]


@pytest.mark.parametrize("role", ROLES)
async def test_every_page_is_shown_or_refused_as_permissions_say(role: str, tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        ids = await fill(cell)
        held = permissions_of(() if role == "none" else (role,))
        console = console_of(cell)
        async with knock(cell, role) as browser:
            for path in reads(console):
                page = path.replace("index.json", "").removesuffix(".json")
                if page in NO_PAGES:
                    continue
                needed = PAGES[page]
                answer = await browser.get(address(path, ids))
                allowed = needed is None or needed in held or path in TOLD_IN_PLACE
                assert answer.status_code == (200 if allowed else 403), (role, path, answer.text[:1_000])
                assert len(answer.content) <= LARGEST, path
                if "text/html" in answer.headers["content-type"]:
                    check(answer.text, path)


def check(html: str, path: str) -> None:
    """Reads a page or a part of one: no style, handler or script in it, no id twice, nothing left open, all escaped."""
    page = re.sub(r"<br>|<!doctype html>", "", html)
    assert "<style" not in page, path
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == [], path
    assert re.findall(r"\bhx-on|javascript:|\bjs:", page) == [], path
    assert not re.search(r"hx-trigger=\"[^\"]*\[", page), path
    assert "<i>odd</i>" not in page, path
    parse(html)


def parse(html: str) -> None:
    """Reads it as the checker of pages does, which fails on what is not well-formed."""

    class Answer:
        status_code = 200
        text = html

    Page(Answer())  # type: ignore[arg-type]


async def test_the_twin_of_a_page_says_what_its_view_says(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        ids = await fill(cell)
        async with knock(cell, "auditor") as browser:
            views = cell.views(cell.access.actor(await session_of(cell, browser)))
            twins = {
                "/runs.json?state=done": views.runs.page(state="done").model_dump(mode="json"),
                f"/runs/{ids['run']}.json": views.runs.get(ids["run"]).model_dump(mode="json"),
                "/agents.json": views.agents.page().model_dump(mode="json"),
                "/switches.json": [row.model_dump(mode="json") for row in views.switches.listing()],
                f"/log/{ids['index']}.json": views.log.get(int(ids["index"])).model_dump(mode="json"),
                "/settings.json": [row.model_dump(mode="json") for row in views.settings.listing()],
                "/log.json?kind=switch": views.log.page(kind="switch").model_dump(mode="json"),
            }
            for path, view in twins.items():
                answer = await browser.get(path)
                assert answer.headers["content-type"] == "application/json"
                assert answer.json() == view, path


async def session_of(cell: Cell, browser: AsyncClient) -> Session:
    """Returns the session a browser has."""
    session = cell.access.session(browser.cookies[COOKIE])
    assert session is not None
    return session


async def test_a_page_names_its_twin_with_the_same_filters(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "viewer") as browser:
        page = (await browser.get("/runs?state=done")).text
        assert '<link rel="alternate" type="application/json" href="/runs.json?state=done">' in page
        assert 'href="/index.json"' in (await browser.get("/")).text


async def test_what_is_not_there_or_not_allowed_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "viewer") as browser:
        assert "There is no such page" in (await browser.get("/nowhere")).text
        refused = await browser.get("/settings")
        assert refused.status_code == 403
        assert "cell:settings:read" in refused.text
        assert "Ask somebody whose role has it" in refused.text
        twin = await browser.get("/settings.json")
        assert twin.status_code == 403
        assert twin.json()["error"] == "RefusedError"
        assert (await browser.get("/runs/run_nothing")).status_code == 404
        assert (await browser.post("/runs", data={"csrf": ""})).status_code == 403
        for wrong in (
            "/log?after=x",
            "/figures?period=ages",
            "/runs/%0a",
            "/log/99999999999999999999",
            "/search?q=%00",
        ):
            assert (await browser.get(wrong)).status_code in (200, 404, 422), wrong


async def test_a_fault_of_ours_is_told_by_an_id_and_by_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Actor) -> Views:
        raise ValueError("a secret of ours")

    async with open_cell(tmp_path) as cell:
        console = build_console(
            views=broken,
            verbs=cell.verbs,
            access=cell.access,
            settings=cell.settings,
            log=cell.log,
            changes=cell.changes,
            clock=cell.parts.clock,
        )
        async with knock(cell, "viewer", app=console) as browser:
            answer = await browser.get("/runs")
        assert answer.status_code == 500
        (identifier,) = set(re.findall(r"fault_[0-9a-f]{32}", answer.text))
        assert "secret" not in answer.text
        assert answer.headers["content-security-policy"] == POLICY
        assert identifier in caplog.text


async def test_every_verb_asks_for_the_session_and_its_token(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        ids = await fill(cell)
        size = cell.log.size()
        posts = [r.path for r in console_of(cell).routes if "POST" in (r.methods or ())]
        assert len(posts) > 12
        async with knock(cell) as stranger:
            for path in posts:
                if not path.startswith("/login"):
                    assert (await stranger.post(address(path, {**ids, "version": "1.0.0"}))).status_code == 401, path
        async with knock(cell, "platform") as browser:
            size += 2  # its link and its login
            for path in posts:
                if not path.startswith("/login"):
                    assert (await browser.post(address(path, {**ids, "version": "1.0.0"}))).status_code == 403, path
        assert cell.log.size() == size


@pytest.mark.parametrize("digits", [19, 30, 5_000])
async def test_a_place_longer_than_any_is_the_address_of_nothing(digits: int, tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell, knock(cell, "operator") as browser:
        for path in ("/log/{}", "/log/{}/proof", "/runs/run_1/steps/{}", "/-/runs/run_1/steps/{}", "/log/{}.json"):
            assert (await browser.get(path.format("9" * digits))).status_code == 404, path
