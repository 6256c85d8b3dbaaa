"""The console as journeys use it: a refund desk at work in a process of its own, and people who sit before browsers."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher
from playwright.sync_api import Locator, Page, expect
from tests.web.browser import Window

from journeys.command_line import REFUNDS, REPOSITORY, environment, started

CARA, TOM, TINA = "cara.lead@shop.example", "tom.treasurer@shop.example", "tina.treasurer@shop.example"
PIA, OTTO, VERA = "pia.platform@shop.example", "otto.operator@shop.example", "vera.viewer@shop.example"
ADA = "ada.all@shop.example"
"""Holds every role that may be held together, so she sees every page with all that it offers."""
PASSWORD = "an ordinary spring walk"
MESSAGE = "my grandmother's teapot came broken"
"""What customers write; whoever may not see content finds it nowhere."""
# Works a thousandth as hard as what people get; these tests are not about that.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_MORE_PEOPLE = f"""  - {{id: {OTTO}, name: Otto Operator, roles: [operator]}}
  - {{id: {VERA}, name: Vera Viewer, roles: [viewer]}}
  - {{id: {ADA}, name: Ada All, roles: [platform, operator, care-lead]}}
"""
_SHOP = '''"""The example's shop with more orders; it keeps a caller waiting as long as somebody holds the order."""

import asyncio

from remit_fleets.refunds.shop import Shop

ORDERS = [f"R-{number}" for number in range(100, 130)]


class BusyShop(Shop):
    async def get_order(self, call, *, order_id):
        while (self.folder / f"{order_id}.held").exists():
            await asyncio.sleep(0.02)
        return await super().get_order(call, order_id=order_id)


def connect(folder):
    path = folder / ".remit" / "shop.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    shop = BusyShop(path)
    shop.folder = folder
    for order in ORDERS if is_new else ():
        shop.add_order(order, {"status": "delivered", "paid": 9_000.0})
    return shop
'''


def make_fleet(folder: Path) -> Path:
    """Copies the refund desk, gives it people of every role, each with a password, and a shop that can be held up."""
    shutil.copytree(REFUNDS, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    people, tools = folder / "people.yaml", folder / "tools" / "shop.yaml"
    kept = _CHEAP.hash(PASSWORD)
    told = f"{people.read_text()}{_MORE_PEOPLE}"
    people.write_text(re.sub(r"\}$", f", password: '{kept}'}}", told, flags=re.MULTILINE))
    (folder / "busy_shop.py").write_text(_SHOP)
    tools.write_text(tools.read_text().replace("remit_fleets.refunds.shop:connect", "busy_shop:connect"))
    return folder


@dataclass
class Desk:
    """The refund desk at work."""

    folder: Path
    address: str
    _token: str = ""
    _orders: int = 100

    def api(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Asks the REST API as the operator."""
        if not self._token:
            made = started("tokens", "create", "tests", "--as", OTTO, "--fleet", str(self.folder), "--json")
            assert made.code == 0, made.err
            self._token = made.value["token"]
        headers = {"authorization": f"Bearer {self._token}"}
        answer = httpx2.request(method, f"{self.address}/api/v1{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code == status or (status is None and answer.is_success), answer.text
        return answer.json()

    def order(self) -> str:
        """Returns an order nobody has asked about yet."""
        self._orders += 1
        return f"R-{self._orders}"

    def ask(self, amount: float, *, order: str = "", wait: int = 30, says: str = "") -> Any:
        """Gives the desk a customer's ticket; returns where its run stands once it is over or waits for somebody."""
        order = order or self.order()
        told = f"Please refund {amount:.2f} of my order {order}, {MESSAGE}. {says}"
        ticket = {"agent": "refund-desk", "input": {"order_id": order, "message": told}, "intent": "a refund"}
        return self.api("POST", f"/tasks?wait={wait}", ticket)

    def run(self, run: str) -> Any:
        """Returns a run as the API shows it."""
        return self.api("GET", f"/runs/{run}")

    def until(self, run: str, *states: str) -> Any:
        """Returns a run as soon as it is in one of these states."""
        return until(lambda: (shown := self.run(run))["state"] in states and shown)

    @contextmanager
    def held_up(self, order: str) -> Generator[None]:
        """Keeps whoever asks for an order waiting."""
        held = self.folder / f"{order}.held"
        held.touch()
        try:
            yield
        finally:
            held.unlink()


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Returns what `what` says as soon as it says something."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


@contextmanager
def at_work(folder: Path, *, codes: Sequence[int] = (0,)) -> Generator[Desk]:
    """Keeps a fleet at work with `remit up`, which ends with one of these exit codes."""
    command = [sys.executable, "-m", "remit.cli", "up", "--fleet", str(folder), "--port", "0", "--json"]
    process = subprocess.Popen(command, env=environment(), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        while lines[-1] and lines[-1].rstrip() != "}":
            lines.append(process.stdout.readline())
        yield Desk(folder, json.loads("".join(lines))["address"])
        process.terminate()
        assert process.wait(timeout=60) in codes
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Person:
    """Somebody at the console; `press` and `write` are all that their hands do."""

    def __init__(self, window: Window, address: str) -> None:
        self.window = window
        self.page: Page = window.open_page()
        self.address = address

    # --- coming in and going about

    def log_in(self, person: str) -> "Person":
        """Comes in by password without looking at the page that asks for it."""
        address, form = f"{self.address}/login", {"person": person, "password": PASSWORD}
        answer = self.window.context.request.post(address, form={**form}, max_redirects=0)
        assert answer.status == 303, answer.text()
        return self

    def go(self, path: str) -> "Person":
        """Opens a page by its address."""
        self.page.goto(f"{self.address}{path}")
        return self

    def is_at(self, path: str | re.Pattern[str]) -> None:
        """Waits until the browser shows a page; what follows its path matters only if it is told."""
        wanted = path.pattern if isinstance(path, re.Pattern) else re.escape(path)
        expect(self.page).to_have_url(re.compile(rf"^{re.escape(self.address)}{wanted}([?#].*)?$"))
        self.page.wait_for_load_state()  # keys are heard from then on

    def tab(self) -> "Person":
        """Opens another tab of the same browser."""
        return Person(self.window, self.address)

    # --- hands

    def press(self, *keys: str) -> "Person":
        """Presses keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def write(self, text: str) -> None:
        """Writes over what the field under the cursor holds."""
        self.press("Control+A")
        self.page.keyboard.type(text)

    def tab_to(self, target: Locator, *, key: str = "Tab", most: int = 60) -> None:
        """Moves the focus on until it is at the target, as somebody without a mouse does."""
        expect(target).to_be_visible()
        for _ in range(most):
            if target.evaluate("it => it === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"{most} times {key} did not reach {target}")

    # --- eyes

    def find(self, selector: str, *, has_text: str | None = None) -> Locator:
        """Finds parts of the page."""
        return self.page.locator(selector, has_text=has_text)

    def sees(self, text: str | re.Pattern[str], at: str = "body") -> None:
        """Waits until a part of the page says something."""
        expect(self.page.locator(at).first).to_contain_text(text)

    def focus(self) -> str:
        """Returns the id of what has the focus, or of what is around it and has one."""
        return self.page.evaluate("document.activeElement?.closest('[id]')?.id ?? ''")

    def mark(self) -> None:
        """Leaves a mark that is gone when the page is loaded again."""
        self.page.evaluate("window.marked = true")

    @property
    def is_same_page(self) -> bool:
        """Whether the page was not loaded again since it was marked."""
        return bool(self.page.evaluate("window.marked === true"))


Visit = Callable[..., Person]
"""Sits somebody before a browser: named, they are logged in."""
