"""Somebody who looks at the console: logged in, reading pages, filling in forms as a browser would."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response
from tests.gateway.desk import ANN, REFUNDS, Edits, Till

from remit.app import Cell
from remit.operations import Practice
from remit.testing import SettableClock, open_fleet
from remit.web import build_console

OPAL, VERA, PIA = "opal.operator@shop.example", "vera.viewer@shop.example", "pia.platform@shop.example"
PEOPLE = "people.yaml"
BIGGEST = 150_000
VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "col", "source", "wbr"})


def more_people(text: str) -> str:
    """Adds an operator and a viewer to people.yaml."""
    return f"{text}  - {{id: {OPAL}, name: Opal Operator, roles: [operator]}}\n  - {{id: {VERA}, name: Vera Viewer, roles: [viewer]}}\n"


@dataclass
class Form:
    """One form of a page."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict[str, str])


class Page(HTMLParser):
    """A page as it was read: its text, its forms, its links; what is not well-formed is a failure."""

    def __init__(self, response: Response) -> None:
        super().__init__(convert_charrefs=True)
        self.status, self.html = response.status_code, response.text
        self.words: list[str] = []
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.errors: list[str] = []
        self._open: list[str] = []
        self._naming: tuple[str, str] = ("", "")
        self.feed(self.html)
        self.close()
        assert not self._open, f"left open: {self._open}"
        for form in self.forms:
            assert form.method == "get" or form.values.get("csrf"), f"the form to {form.action} has no token"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, action: str) -> Form:
        """Returns the form that goes to an address; of several, the first."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form to {action}: {[form.action for form in self.forms]}"
        return found[0]

    def has_form(self, action: str) -> bool:
        return any(form.action == action for form in self.forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), f"an attribute twice: {attrs}"
        assert "style" not in given, f"style is forbidden: {attrs}"
        assert not any(name.startswith("on") for name in given), attrs
        if "id" in given:
            assert given["id"] not in self.ids, f"an id twice: {given['id']}"
            self.ids.append(given["id"])
        self._control(tag, given)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}> near {self.text[-120:]!r}"
        self._open.pop()
        if tag in ("textarea", "select"):
            if tag == "textarea":  # a newline right behind the tag is no part of the text
                values, name = self.forms[-1].values, self._naming[1]
                values[name] = values[name].removeprefix("\n")
            self._naming = ("", "")

    def handle_data(self, data: str) -> None:
        if self._naming[0] == "textarea":
            self.forms[-1].values[self._naming[1]] += data
        elif not {"script", "style"} & set(self._open):
            self.words.append(data)

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", "")))
        if not self.forms or "form" not in self._open:
            return
        values, name = self.forms[-1].values, given.get("name", "")
        is_off = given.get("type") in ("checkbox", "radio") and "checked" not in given
        if tag == "input" and name and not is_off:
            values[name] = given.get("value", "")
        elif tag in ("textarea", "select") and name:
            self._naming = (tag, name)
            values[name] = ""
        elif tag == "option" and self._naming[0] == "select" and ("selected" in given or not values[self._naming[1]]):
            values[self._naming[1]] = given.get("value", "")


@dataclass
class Visitor:
    """One person's browser."""

    cell: Cell
    client: AsyncClient

    async def get(self, path: str, *, status: int = 200) -> Page:
        """Reads a page."""
        response = await self.client.get(path)
        assert response.status_code == status, response.text[:2_000]
        assert len(response.content) <= BIGGEST
        return Page(response)

    async def json(self, path: str) -> Any:
        """Reads a page's twin."""
        response = await self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, page: Page, action: str, *, status: int = 303, **typed: str) -> Page:
        """Fills in a form of a page and sends it; goes on to where that leads."""
        return await self.send_values(page, action, typed, status=status)

    async def send_values(self, page: Page, action: str, typed: Mapping[str, Any], *, status: int = 303) -> Page:
        """Fills in a form whose fields have any names."""
        form = page.form(action)
        assert form.method == "post"
        response = await self.client.post(action, data={**form.values, **typed})
        assert response.status_code == status, response.text[:2_000]
        if status == 303:
            return await self.get(response.headers["location"])
        return Page(response)


@dataclass
class House:
    """A cell with its console."""

    cell: Cell
    console: Any

    @asynccontextmanager
    async def visitor(self, person: str) -> AsyncGenerator[Visitor]:
        """Lets somebody in by a link that opens once."""
        access = self.cell.access
        session = await access.redeem(await access.issue_link(person, by="tests"), client="tests")
        transport = ASGITransport(app=self.console)
        cookies = {"remit": session.secret}
        async with AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies) as client:
            yield Visitor(self.cell, client)

    async def work(self, message: str, *, order: str = "R-1", on_behalf_of: str = ANN) -> str:
        """Gives the desk a ticket and drives its run as far as it goes."""
        value = {"order_id": order, "message": message}
        started = await self.cell.operations.submit("refund-desk", value, on_behalf_of=on_behalf_of, intent="a refund")
        return (await self.cell.operations.drive(started.run.id)).id

    async def drive(self, run: str) -> None:
        """Drives a run as far as it goes."""
        await self.cell.operations.drive(run)


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    edit: Edits | None = None,
    clock: SettableClock | None = None,
    server: object | None = None,
    by_person: bool = False,
) -> AsyncGenerator[House]:
    """Opens the refund fleet, kept if it is there already, with its console; `by_person` leaves releases to people."""
    is_new = not (folder / "fleet").exists()
    edits = {**({PEOPLE: more_people} if is_new else {}), **(edit or {})}
    async with open_fleet(
        REFUNDS,
        folder / "fleet",
        clock=clock,
        servers={"shop": server or Till()},
        edit=edits,
        change=(lambda settings: settings.model_copy(update={"releases": "by-person"})) if by_person else None,
    ) as cell:
        yield house_of(cell)


def house_of(cell: Cell, practice: Practice | None = None) -> House:
    """Returns a cell with its console."""
    console = build_console(
        views=cell.views,
        verbs=cell.verbs,
        access=cell.access,
        settings=cell.settings,
        log=cell.log,
        changes=cell.changes,
        clock=cell.parts.clock,
        practice=practice,
    )
    return House(cell, console)
