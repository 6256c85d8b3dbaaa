"""Takes the pictures of the console that stand in README and docs: the example fleet, at work, in Chromium."""

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright
from tests.web.browser import DESK, FLAGS, Window

from journeys.console import CARA, OTTO, Desk, Person, at_work, make_fleet

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LARGEST = 200_000
LARGE, PHONE = ViewportSize(width=1280, height=1000), ViewportSize(width=375, height=720)
# People do not answer at once; the run that waited for one shows it.
A_WHILE = 3
Theme = Literal["light", "dark"]
Sit = Callable[..., Person]


def main() -> int:
    """Takes every picture; 1 when one is too large for a page that people load."""
    path = shutil.which("chromium")
    if path is None:
        print("There is no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        at_work(make_fleet(Path(folder) / "refunds")) as desk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        _take_all(desk, partial(_sit, browser, desk))
        browser.close()
    sizes = {picture: picture.stat().st_size for picture in sorted(IMAGES.glob("console-*.png"))}
    for picture, size in sizes.items():
        print(f"{picture.relative_to(Path.cwd())}  {size // 1000} kB")
    return 1 if any(size > LARGEST for size in sizes.values()) else 0


def _sit(
    browser: Browser,
    desk: Desk,
    who: str,
    *,
    viewport: ViewportSize = DESK,
    theme: Theme = "light",
    is_phone: bool = False,
) -> Person:
    """Sits somebody before a browser, logged in."""
    context = browser.new_context(
        viewport=viewport,
        color_scheme=theme,
        device_scale_factor=2 if is_phone else 1,
        is_mobile=is_phone,
        has_touch=is_phone,
    )
    return Person(Window(context), desk.address).log_in(who)


def _take_all(desk: Desk, sit: Sit) -> None:
    """Lets something happen at the desk and takes a picture of each thing worth one."""
    answered = desk.ask(450, order="R-2")
    for amount in (25, 40, 12.5):
        desk.ask(amount)
    desk.ask(40, order="R-4")  # is not delivered yet
    desk.ask(30, order="R-404")  # there is none
    asked = [desk.ask(amount) for amount in (180, 420, 1_200)]
    time.sleep(A_WHILE)

    cara = sit(CARA)
    _look_at_edit(cara, answered["waits_for"])
    _take(cara, "approval")
    cara.press("Enter")
    cara.sees("Your edit is on the record.", "#toasts")
    desk.until(answered["run"], "done")
    _take(sit(OTTO).go(f"/runs/{answered['run']}?step=3"), "run")
    dark = sit(CARA, viewport=LARGE, theme="dark").go("/")
    _take(dark, "overview-dark")
    phone = sit(CARA, viewport=PHONE, is_phone=True)
    _take(phone.go(f"/approvals/{asked[1]['waits_for']}"), "phone")


def _look_at_edit(person: Person, approval: str) -> None:
    """Changes the amount that is asked for, up to the moment before it is sent."""
    person.go(f"/approvals/{approval}").press("e")
    person.tab_to(person.find("[name='arg.amount']"))
    person.write("300")
    person.tab_to(person.find("form[action$='/edit'].stacked [name=because]"))
    person.write("one cup of two was whole")
    person.press("Enter")
    expect(person.find("button[value=send]")).to_be_focused()
    person.page.evaluate("scrollTo(0, 0)")


def _take(person: Person, name: str) -> None:
    """Takes a picture of what is in the window, once the page has come to rest."""
    person.page.wait_for_load_state("load")
    expect(person.find("time").first).to_have_text(re.compile("ago|now|in "))
    person.page.screenshot(path=IMAGES / f"console-{name}.png")


if __name__ == "__main__":
    sys.exit(main())
