"""Somebody who never touches a mouse gets everywhere."""

import pytest
from playwright.sync_api import expect

from journeys.console import ADA, Desk, Visit

pytestmark = pytest.mark.slow
PLACES = {"o": "/", "p": "/approvals", "r": "/runs", "t": "/tasks", "a": "/agents", "s": "/switches", "f": "/figures",
    "l": "/log", "e": "/people", "c": "/settings"}  # fmt: skip


def test_g_and_a_letter_go_where_the_list_of_keys_says(visit: Visit) -> None:
    ada = visit(ADA).go("/")
    ada.press("?")
    told = ada.find("#keys .keys div", has_text="g").all_inner_texts()
    ada.press("Escape")
    for letter, path in PLACES.items():
        ada.press("g", letter)
        ada.is_at(path)
        assert any(letter in line and ada.find("h1").inner_text().split("\n")[0] in line for line in told), (
            letter,
            told,
        )
    ada.press("g", "x")
    ada.is_at("/settings")


def test_the_list_of_keys_opens_and_closes(visit: Visit) -> None:
    ada = visit(ADA).go("/runs")
    keys = ada.find("#keys")
    ada.press("?")
    expect(keys).to_be_visible()
    ada.press("g", "a")  # nothing happens behind an open dialog
    ada.press("Escape")
    expect(keys).to_be_hidden()
    ada.is_at("/runs")
    ada.press("!")
    expect(ada.find("#stop-scope")).to_be_focused()
    ada.press("Escape")
    expect(ada.find("#stop")).to_be_hidden()
    ada.tab_to(ada.find("details.me summary"))
    ada.press("Enter")
    expect(ada.find("details.me .menu")).to_be_visible()
    ada.press("Escape")
    expect(ada.find("details.me .menu")).to_be_hidden()


def test_search_takes_the_focus_and_no_key_fires_while_somebody_types(desk: Desk, visit: Visit) -> None:
    run = desk.ask(40)["run"]
    ada = visit(ADA).go("/")
    ada.press("/")
    assert ada.focus() == "search"
    ada.page.keyboard.type("g a?j!")
    expect(ada.find("#search")).to_have_value("g a?j!")
    expect(ada.find("dialog[open]")).to_have_count(0)
    ada.is_at("/")
    ada.press("Escape")
    assert ada.focus() != "search"
    ada.press("/")
    ada.write(run[-8:])
    ada.press("Enter")
    ada.is_at(f"/runs/{run}")


def test_rows_are_walked_and_opened(desk: Desk, visit: Visit) -> None:
    runs = [desk.ask(40)["run"] for _ in range(3)]
    ada = visit(ADA).go("/runs")
    ada.press("j", "j")
    assert ada.focus() == f"row-{runs[1]}"
    ada.press("k")
    assert ada.focus() == f"row-{runs[2]}"
    ada.press("k", "j", "Enter")
    ada.is_at(f"/runs/{runs[1]}")
    ada.press("j", "j", "Enter")
    expect(ada.find("#step-2 details")).to_have_attribute("open", "")


def test_the_theme_that_was_chosen_comes_with_the_next_page(visit: Visit) -> None:
    ada = visit(ADA, color_scheme="light").go("/")
    ada.tab_to(ada.find("details.me summary"))
    ada.press("Enter")
    ada.tab_to(ada.find("button[data-theme=dark]"))
    ada.press("Enter")
    dark = ada.page.evaluate("getComputedStyle(document.body).backgroundColor")
    ada.go("/runs")
    expect(ada.find("html")).to_have_attribute("data-theme", "dark")
    assert ada.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
