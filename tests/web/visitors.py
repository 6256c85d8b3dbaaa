"""A console to knock at: a cell with people of every role, and browsers that say who they are as browsers do."""

import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from tests.gateway.desk import REFUNDS, Till, tools

from remit.app import Cell
from remit.app.serve import http_app
from remit.contracts import Person
from remit.core import Http, Settings
from remit.identity import Passwords
from remit.testing import SettableClock, open_fleet

HERE = "http://127.0.0.1:8321"
COOKIE = f"remit-{HERE.rpartition(':')[2]}"
ROLES = ("viewer", "operator", "platform", "auditor", "care-lead", "none")
PASSWORD = "an ordinary spring walk"


def named(role: str) -> str:
    """Returns the person who holds a role."""
    return f"{role}@shop.example"


MORE = """
  - {id: olga.owner@shop.example, roles: [care-lead]}
  - {id: emil.expert@shop.example}
  - {id: tom.treasurer@shop.example, roles: [treasurer]}
  - {id: tina.treasurer@shop.example, roles: [treasurer]}
"""


@functools.cache
def _kept() -> str:
    return Passwords().hash_password(PASSWORD, Person(id=named("viewer")))


def everybody(_: str) -> str:
    """Returns a people.yaml with one person of each role and those the contract names; the viewer has a password."""
    lines = [f"  - {{id: {named(role)}, name: {role}, roles: [{'' if role == 'none' else role}]}}" for role in ROLES]
    lines[0] = lines[0].replace("}", f", password: '{_kept()}'}}")
    return "people:\n" + "\n".join(lines) + MORE


def with_http(**values: Any) -> Callable[[Settings], Settings]:
    """Returns a change of the settings' [http] table."""
    return lambda settings: settings.model_copy(update={"http": Http(**values)})


@asynccontextmanager
async def open_cell(
    folder: Path,
    *,
    clock: SettableClock | None = None,
    change: Callable[[Settings], Settings] | None = None,
    is_new: bool = True,
) -> AsyncGenerator[Cell]:
    """Opens the refund fleet with somebody of each role."""
    edits = {"people.yaml": everybody, **tools(("pia.platform@", "platform@"))} if is_new else {}
    async with open_fleet(
        REFUNDS, folder / "fleet", clock=clock, servers={"shop": Till()}, edit=edits, change=change
    ) as cell:
        yield cell


@asynccontextmanager
async def knock(
    cell: Cell, role: str = "", *, base: str = HERE, cookie: str = COOKIE, app: Any = None, client: str = "192.0.2.7"
) -> AsyncGenerator[AsyncClient]:
    """Comes to the console; with a role, logged in."""
    cookies: dict[str, str] = {}
    if role:
        link = await cell.access.issue_link(named(role), by="tests")
        cookies[cookie] = (await cell.access.redeem(link, client="tests")).secret
    transport = ASGITransport(app=app or http_app(cell), client=(client, 40_000))
    async with AsyncClient(transport=transport, base_url=base, cookies=cookies) as browser:
        yield browser


async def token_of(browser: AsyncClient) -> str:
    """Returns the token that forms of this session carry."""
    page = (await browser.get("/account")).text
    return page.partition('<meta name="csrf-token" content="')[2].partition('"')[0]
