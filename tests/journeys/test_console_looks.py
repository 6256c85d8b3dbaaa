"""Every page, in light and dark, on a desk and on a phone: it stays in its width, and everybody can use it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from tests.web.browser import DESK, PHONE

from journeys.command_line import REPOSITORY
from journeys.console import ADA, Desk, Person, Visit

pytestmark = pytest.mark.slow
PICTURES = REPOSITORY / ".artefacts" / "screenshots"
THEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
_FAULTS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((fault) => ["serious", "critical"].includes(fault.impact))
  .flatMap((fault) => fault.nodes.map((node) => `${fault.id} (${fault.impact}) ${node.target} ${node.html}`))"""
EMPTY = ("/", "/approvals", "/runs", "/tasks", "/figures", "/switches")
DOOR = ("/login", "/login/nothing")
PAGES = {
    "overview": "/",
    "approvals": "/approvals",
    "approval": "/approvals/{asked}",
    "approvals-answered": "/approvals?state=used",
    "runs": "/runs",
    "run": "/runs/{done}?step=2&step=3",
    "run-waiting": "/runs/{waiting}",
    "run-failed": "/runs/{failed}?step=3",
    "step": "/runs/{done}/steps/3",
    "comparison": "/comparison?left={done}&right={waiting}",
    "tasks": "/tasks",
    "task": "/tasks/{task}",
    "agents": "/agents",
    "agent": "/agents/refund-desk",
    "switches": "/switches",
    "switches-stop": "/switches?scope=fleet",
    "figures": "/figures",
    "log": "/log",
    "log-entry": "/log/9",
    "people": "/people",
    "settings": "/settings",
    "account": "/account",
    "search": "/search?q=refund",
    "search-nothing": "/search?q=nothing-like-it",
    "patterns": "/-/patterns",
    "not-found": "/runs/run_nothing",
}


def look(person: Person, name: str) -> list[str]:
    """Takes pictures of a page and returns what is wrong with how it looks."""
    page, wrong = person.page, list[str]()
    page.evaluate(AXE_SCRIPT)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            at = f"{name} at {size['width']} in {theme}"
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wrong += [f"{at}: {wide} px too wide"] if wide > 0 else []
            page.screenshot(path=PICTURES / f"{name}-{size['width']}-{theme}.png", full_page=True)
            wrong += [f"{at}: {fault}" for fault in page.evaluate(_FAULTS)]
    return wrong


@pytest.fixture(scope="module", autouse=True)
def _pictures() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("path", DOOR)
def test_the_door_can_be_used_by_everybody(visit: Visit, path: str) -> None:
    faults = look(visit().go(path), path.strip("/").replace("/", "-"))
    assert not faults, "\n".join(faults)


def test_pages_with_nothing_on_them_can_be_used_by_everybody(visit: Visit) -> None:
    ada = visit(ADA)
    faults = [each for path in EMPTY for each in look(ada.go(path), f"empty-{path.strip('/') or 'overview'}")]
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def scene(desk: Desk) -> dict[str, str]:
    """A desk where something of everything happened."""
    done, waiting, failed = desk.ask(40), desk.ask(450), desk.ask(40, order="R-9")
    with closing(sqlite3.connect(desk.folder / ".remit" / "remit.db")) as database:
        database.execute(
            "insert into outages (executor, upstream, since, why) select id, 'tools:shop', seen_at, ? from executors",
            ("nobody answers at https://shop.example/mcp: " + "connection refused " * 10,),
        )
        database.commit()
    return {
        "done": done["run"],
        "waiting": waiting["run"],
        "asked": waiting["waits_for"],
        "failed": failed["run"],
        "task": done["task"],
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everybody(name: str, visit: Visit, scene: dict[str, str]) -> None:
    ada = visit(ADA)
    ada.window.refusals = {404}
    faults = look(ada.go(PAGES[name].format(**scene)), name)
    assert not faults, "\n".join(faults)
