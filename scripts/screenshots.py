"""Takes the pictures of the console that stand in README and docs: the demo of the support fleet at work, in Chromium."""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, StorageState, ViewportSize, expect, sync_playwright
from tests.web.browser import DESK, FLAGS, Window

from journeys.console import Person
from journeys.demo_at_work import demo_at_work

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LARGEST = 200_000
LARGE, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=375, height=720)
# Until something of everything has happened; another process takes over what a killed one left within some seconds.
PATIENCE_MS = 120_000
# A customer writes each second, nobody answers but who takes the pictures.
DEMO = ("--seed", 1, "--rate", 90, "--open", 40, "--patience", 3_600)


def main() -> int:
    """Takes every picture; 1 when one is too large for a page that people load."""
    path = shutil.which("chromium")
    if path is None:
        print("There is no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        demo_at_work(Path(folder) / "support", *DEMO) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        guest = demo.guest(Window(browser.new_context(viewport=DESK)))
        _take_all(browser, guest)
        browser.close()
    sizes = {picture: picture.stat().st_size for picture in sorted(IMAGES.glob("console-*.png"))}
    for picture, size in sizes.items():
        print(f"{picture.relative_to(Path.cwd())}  {size // 1000} kB")
    return 1 if any(size > LARGEST for size in sizes.values()) else 0


def _elsewhere(browser: Browser, guest: Person, **options: Any) -> Person:
    """Sits the same person before another screen, still logged in."""
    kept: StorageState = guest.window.context.storage_state()
    return Person(Window(browser.new_context(storage_state=kept, **options)), guest.address)


def _take_all(browser: Browser, guest: Person) -> None:
    """Waits until there is something of everything, and takes a picture of each thing worth one."""
    for station in ("injection", "claim"):
        expect(guest.find(f"#{station}.has-happened")).to_be_visible(timeout=PATIENCE_MS)
    _take(guest, "tour")
    answered = _answer_with_edit(guest)
    _take(guest.go(answered), "run")
    dark = _elsewhere(browser, guest, viewport=LARGE, color_scheme="dark").go("/")
    _take(dark, "overview-dark")
    phone = _elsewhere(browser, guest, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    question = guest.go("/approvals").find(".question", has_text="shop__issue_refund").locator("a").first
    _take(phone.go(question.get_attribute("href") or ""), "phone")


def _answer_with_edit(person: Person) -> str:
    """Edits a change of address, up to the moment before it is sent and beyond; returns where its run is shown."""
    person.go("/approvals")
    expect(person.find(".question", has_text="shop__change_address")).not_to_have_count(0, timeout=PATIENCE_MS)
    person.find(".question", has_text="shop__change_address").locator("a").first.click()
    person.is_at(re.compile("/approvals/apr_[0-9a-f]+"))
    person.press("e")
    street = person.find("[name='arg.street']")
    street.fill(f"{street.input_value()}, floor 2")
    person.find("form[action$='/edit'].stacked [name=category]").select_option("missing-information")
    person.find("form[action$='/edit'].stacked [name=because]").fill("the customer named the floor")
    person.press("Enter")
    expect(person.find("button[value=send]")).to_be_focused()
    person.page.evaluate("scrollTo(0, 0)")
    _take(person, "approval")
    person.press("Enter")
    person.sees("is on the record", "#toasts")
    return person.find("h2 .ident a").first.get_attribute("href") or ""


def _take(person: Person, name: str) -> None:
    """Takes a picture of what is in the window, once the page has come to rest."""
    person.page.wait_for_load_state("load")
    expect(person.find("time").first).to_have_text(re.compile("ago|now|in "))
    person.page.screenshot(path=IMAGES / f"console-{name}.png")


if __name__ == "__main__":
    sys.exit(main())
