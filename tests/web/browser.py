"""A real browser, Debian's Chromium: what goes wrong in a page fails the test that looked at it."""

import os
import re
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=375, height=740)
# A machine with two cores that runs other tests beside.
PATIENCE_MS = 15_000
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `the page broke its own policy: ${event.violatedDirective} forbids ${event.blockedURI || event.sample} at ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Window:
    """One person's browser: its own cookies, and what went wrong in its pages."""

    context: BrowserContext
    refusals: set[int] = field(default_factory=set[int])
    """Statuses of refusals that the test is about; a browser calls them errors."""
    problems: list[str] = field(default_factory=list[str])

    def open_page(self) -> Page:
        """Opens a tab that is watched."""
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", self._failed)
        page.on("response", self._answered)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        refused = _REFUSED.match(message.text)
        if refused is None or int(refused[1]) not in self.refusals:
            self.problems.append(f"{message.location.get('url', '')}: {message.text}")

    def _failed(self, error: Error) -> None:
        self.problems.append(f"{error.message}\n{error.stack}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.url}: {response.status}")


OpenWindow = Callable[..., Window]


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """One Chromium for the tests of a module."""
    path = shutil.which("chromium")
    if path is None:
        told = "there is no Chromium on this machine (apt-get install chromium): what browsers show was not tested"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser) -> Generator[OpenWindow]:
    """Opens browsers that know nothing of each other; a fault in any of their pages fails the test."""
    opened: list[Window] = []

    def open_one(**options: Any) -> Window:
        context = chromium.new_context(viewport=DESK, **options)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_TELL_VIOLATIONS)
        opened.append(Window(context))
        return opened[-1]

    yield open_one
    for window in opened:
        window.context.close()
    assert not (problems := [problem for window in opened for problem in window.problems]), "\n".join(problems)
