"""People watch agents at work as it happens, stop one that is at it, and let it go on."""

import re
import time

import pytest
from playwright.sync_api import Route, expect

from journeys.console import OTTO, VERA, Desk, Visit

pytestmark = pytest.mark.slow


def test_steps_appear_while_somebody_looks_and_what_they_opened_stays_open(desk: Desk, visit: Visit) -> None:
    order = desk.order()
    with desk.held_up(order):
        run = desk.ask(40, order=order, wait=0)["run"]
        otto = visit(OTTO).go(f"/runs/{run}")
        listing = otto.tab().go("/runs")
        done = listing.find(".filters a", has_text="done").locator("b")
        before = int(done.inner_text())
        expect(otto.find(".trajectory > li")).to_have_count(1)
        otto.press("j", "Enter")
        otto.sees("none yet", "#step-1 .step-detail")
        otto.mark()
        listing.mark()
    expect(otto.find(".trajectory > li")).to_have_count(5)
    otto.sees("success", "h1")
    expect(otto.find("#step-1 details")).to_have_attribute("open", "")
    otto.sees("delivered", "#step-1 .step-detail")
    assert otto.focus() == "step-1"
    expect(done).to_have_text(str(before + 1))
    assert otto.is_same_page
    assert listing.is_same_page


def test_a_page_hears_of_changes_however_slowly_its_parts_arrive(desk: Desk, visit: Visit) -> None:
    vera = visit(VERA)

    def later(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    vera.page.route("**/hx-sse*.js", later)
    vera.go("/runs").mark()
    run = desk.ask(40)["run"]
    vera.sees(run[-8:], "table")
    assert vera.is_same_page


def test_an_agent_is_stopped_in_the_middle_of_its_work_and_goes_on_later(desk: Desk, visit: Visit) -> None:
    order = desk.order()
    otto, vera = visit(OTTO), visit(VERA).go("/agents")
    with desk.held_up(order):
        run = desk.ask(40, order=order, wait=0)["run"]
        desk.until(run, "running")
        otto.go(f"/runs/{run}").press("!")
        expect(otto.find("#stop-scope")).to_have_value(f"run:{run}")
        otto.write("agent:refund-desk")
        otto.sees(re.compile("This would stop now.*1 version of agents.*1 running", re.DOTALL), "#stop-dry-run")
        otto.tab_to(otto.find("#stop-because"))
        otto.write("refunds look odd today")
        otto.press("Enter")
        otto.is_at("/switches")
        otto.sees(
            re.compile(r"agent:refund-desk is stopped.*In force \d+(\.\d+)? ms after it was asked for", re.DOTALL),
            ".told",
        )
    vera.sees(re.compile("agent:refund-desk is stopped.*refunds look odd today"), ".stopped-line")
    waiting = desk.until(run, "waiting")
    assert waiting["waits_for"] == "switch"
    assert [(step["name"], step["state"]) for step in waiting["steps"]] == [("shop__get_order", "done")]
    for path in ("/", "/runs", f"/runs/{run}", "/log", "/figures", "/account"):
        otto.go(path).sees("agent:refund-desk is stopped", "#bar")

    otto.press("g", "s")
    otto.is_at("/switches")
    otto.press("j", "Tab", "Enter")
    expect(otto.find("dialog[open] [name=because]")).to_be_focused()
    otto.page.keyboard.type("it was a test order")
    otto.press("Enter")
    otto.sees("agent:refund-desk goes on", ".told")
    assert desk.until(run, "done")["outcome"] == "success"
    expect(vera.find(".stopped-line")).to_have_count(0)


def test_a_refund_is_rolled_back_from_its_page_by_keyboard(desk: Desk, visit: Visit) -> None:
    run = desk.ask(40)["run"]
    otto, vera = visit(OTTO).go(f"/runs/{run}"), visit(VERA).go(f"/runs/{run}")
    expect(vera.find(".verbs summary", has_text="Roll back")).to_have_count(0)
    otto.tab_to(otto.find(".verbs summary", has_text="Roll back"))
    otto.press("Enter")
    otto.sees("by shop__cancel_refund", ".verb[open] .plan")
    otto.page.set_viewport_size({"width": 375, "height": 700})
    assert otto.page.evaluate("document.documentElement.scrollWidth") == 375, "the plan fits a phone, too"
    otto.tab_to(otto.find(".verb[open] [name=because]"))
    otto.page.keyboard.type("the wrong order")
    otto.press("Enter")
    otto.sees("It undoes 1 change", ".receipt")
    otto.sees("shop__cancel_refund", "#rollback table")
    otto.sees("Undone", ".note")
    otto.find(".receipt a").first.click()
    otto.sees("A rollback: it undoes what", ".note")
    expect(otto.find(".trajectory > li")).to_have_count(1)
    assert desk.api("GET", f"/runs/{run}/rollback")["left"] == []
