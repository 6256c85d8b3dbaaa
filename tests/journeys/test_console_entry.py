"""People come into the console and go out again: by password, by a link that opens once, and not at all."""

import pytest
from playwright.sync_api import expect

from journeys.command_line import started
from journeys.console import CARA, OTTO, PASSWORD, VERA, Desk, Person, Visit

pytestmark = pytest.mark.slow


def give(person: Person, who: str, password: str) -> None:
    """Types a name and a password into the login form and sends it."""
    person.find("[name=person]").focus()
    person.write(who)
    person.find("[name=password]").focus()
    person.write(password)
    person.press("Enter")


def test_a_password_leads_to_the_page_that_was_wanted(visit: Visit) -> None:
    cara = visit()
    cara.go("/runs?state=done")
    cara.is_at("/login")
    expect(cara.find("[name=person]")).to_be_focused()
    cara.press(*CARA)
    cara.press("Tab", *PASSWORD, "Enter")
    cara.is_at("/runs?state=done")
    cara.sees("Runs", "h1")
    cara.sees(CARA.partition("@")[0], "#bar")


def test_a_login_link_lets_somebody_in_once(desk: Desk, visit: Visit) -> None:
    printed = started("people", "link", OTTO, "--fleet", str(desk.folder))
    link = "/login/" + printed.out.strip().partition("/login/")[2]
    otto, second = visit(), visit()
    otto.go(link)
    expect(otto.find("main button")).to_be_focused()
    otto.press("Enter")
    otto.is_at("/")
    otto.sees("Overview", "h1")

    second.window.refusals = {403}
    second.go(link)
    expect(second.find("main button")).to_be_focused()
    second.press("Enter")
    second.sees("The login link opens nothing", "main")
    second.go("/")
    second.is_at("/login")


def test_whoever_logs_out_is_out_in_every_tab_and_their_cookie_opens_nothing(visit: Visit) -> None:
    cara = visit(CARA).go("/")
    other = cara.tab().go("/runs")
    cookies = cara.window.context.cookies()
    cara.tab_to(cara.find("details.me summary"))
    cara.press("Enter")
    cara.tab_to(cara.find("details.me form button"))
    cara.press("Enter")
    cara.is_at("/login")

    other.press("g", "a")
    other.is_at("/login")
    thief = visit()
    thief.window.context.add_cookies(cookies)  # type: ignore[arg-type]
    thief.go("/runs")
    thief.is_at("/login")


def test_a_wrong_password_and_a_locked_door_look_the_same(visit: Visit) -> None:
    """The last of this module: it locks this machine's address."""
    eve = visit()
    eve.window.refusals = {401}
    eve.go("/login")
    told: set[str] = set()
    for who, password in (("nobody@shop.example", "x"), *[(VERA, "a guess of five")] * 5, (VERA, PASSWORD)):
        give(eve, who, password)
        expect(eve.find("[name=person]")).to_have_value(who)
        told.add(eve.find("main").inner_text())
        assert PASSWORD not in eve.page.content()
    assert len(told) == 1, told
    eve.go("/")
    eve.is_at("/login")
