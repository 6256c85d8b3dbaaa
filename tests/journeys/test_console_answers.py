"""People answer what agents ask them: with an edit, with a no, two at once; all of it by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from journeys.console import CARA, TINA, TOM, Desk, Person, Visit

pytestmark = pytest.mark.slow
QUESTION = re.compile("/approvals/apr_[0-9a-z-]+")


def open_newest(person: Person) -> None:
    """Goes from wherever somebody is to the first question of the queue, by keys."""
    person.press("g", "p")
    person.is_at("/approvals")
    person.press("j", "Enter")
    person.is_at(QUESTION)


def change_amount(person: Person, amount: str, because: str) -> None:
    """Opens the edit of a question, changes the amount and looks at what that changes."""
    person.press("e")
    person.tab_to(person.find("[name='arg.amount']"))
    person.write(amount)
    person.tab_to(person.find("form[action$='/edit'].stacked [name=category]"))
    person.page.keyboard.type("wrong-a")
    person.tab_to(person.find("form[action$='/edit'].stacked [name=because]"))
    person.write(because)
    person.press("Enter")


def test_an_action_is_approved_with_an_edit_by_keyboard_alone(desk: Desk, visit: Visit) -> None:
    run = desk.ask(450)
    cara = visit(CARA).go("/")
    open_newest(cara)
    cara.sees("refund-desk", "main")
    change_amount(cara, "300", "one cup of two was whole")
    cara.sees("450", ".differences del")
    cara.sees("300", ".differences ins")
    expect(cara.find("button[value=send]")).to_be_focused()
    cara.press("Enter")
    cara.sees("Your edit is on the record.", "#toasts")

    ended = desk.until(run["run"], "done")
    assert ended["outcome"] == "success"
    assert "300" in ended["output"]["text"]
    cara.go(f"/runs/{run['run']}?step=3")
    cara.sees(re.compile("as judged.*300.*Asked for otherwise.*450.*300", re.DOTALL), "#step-3")
    cara.go(f"/log?search={run['waits_for']}")
    cara.sees(re.compile("approved.*edit.*cara.lead@shop.example"), "table")
    cara.press("j", "Enter")
    cara.is_at(re.compile(r"/log/\d+"))
    cara.sees(re.compile('"answer": "edit".*"by": "cara.lead@shop.example"', re.DOTALL), "pre.json")


def test_a_no_names_what_is_wrong_and_takes_a_reason_which_the_agent_reads(desk: Desk, visit: Visit) -> None:
    run = desk.ask(440)
    cara = visit(CARA).go("/")
    open_newest(cara)
    cara.press("r")
    category = cara.find("form[action$='/reject'] [name=category]")
    reason = cara.find("form[action$='/reject'] [name=because]")
    expect(category).to_be_focused()
    cara.page.keyboard.type("unsup")
    expect(category).to_have_value("unsupported")
    cara.press("Tab")
    expect(reason).to_be_focused()
    cara.press("Enter")
    assert reason.evaluate("it => it.validity.valueMissing")
    cara.window.refusals = {422}  # blanks get past the browser
    cara.write("   ")
    cara.press("Enter")
    cara.sees("To reject takes a reason", "#answer")
    expect(reason).to_be_focused()
    expect(category).to_have_value("unsupported")
    cara.write("the order is disputed")
    cara.press("Enter")
    cara.sees("Your no is on the record.", "#toasts")

    assert desk.until(run["run"], "failed")["output"] is None
    cara.go(f"/runs/{run['run']}?step=3")
    cara.sees(re.compile("a person said no.*the order is disputed", re.DOTALL), "#step-3 .step-detail")
    cara.go("/agents/refund-desk")
    cara.sees(re.compile("unsupported.*must not be.*the order is disputed", re.DOTALL), "#cases tbody tr")

    # What was chosen last is offered first for the next no, and another may be chosen.
    desk.ask(435)
    cara.go("/")
    open_newest(cara)
    cara.press("r")
    expect(category).to_have_value("unsupported")


def test_an_edit_that_does_not_fit_is_told_at_its_field_and_nothing_typed_is_lost(desk: Desk, visit: Visit) -> None:
    run = desk.ask(430)
    cara = visit(CARA).go(f"/approvals/{run['waits_for']}")
    cara.window.refusals = {422}
    change_amount(cara, "much", "they want much")
    cara.sees("this is no number", ".has-error")
    expect(cara.find("[name='arg.amount']")).to_have_value("much")
    expect(cara.find("form.stacked [name=because]")).to_have_value("they want much")


def test_two_who_answer_at_once_both_know_what_they_say_yes_to(desk: Desk, visit: Visit) -> None:
    run = desk.ask(1_000)
    question = f"/approvals/{run['waits_for']}"
    tom, tina = visit(TOM).go(question), visit(TINA).go(question)
    tom.press("a")
    tom.write("fine with me")

    change_amount(tina, "900", "the shipping is not paid back")
    expect(tina.find("button[value=send]")).to_be_focused()
    tina.press("Enter")
    tina.sees("Your edit is on the record.", "#toasts")
    tina.sees("Still needed", "main")
    # What Tom looks at does not change under his hands, but he is told.
    tom.sees("What is asked was changed since this page was loaded", ".note.moved")
    tom.sees("1000", "#looked-at .values")
    expect(tom.find("form[action$='/approve'] [name=because]")).to_have_value("fine with me")

    tom.window.refusals = {409}
    tom.press("Enter")
    tom.sees("differs from what you looked at", "section.moved")
    tom.sees("1000", "section.moved del")
    tom.sees("900", "section.moved ins")
    assert desk.run(run["run"])["state"] == "waiting"
    tom.press("a")
    expect(tom.find("form[action$='/approve'] [name=because]")).to_have_value("fine with me")
    tom.press("Enter")
    tom.sees("Your yes is on the record.", "#toasts")

    ended = desk.until(run["run"], "done")
    assert "900" in ended["output"]["text"]
    tina.sees("carried out", "h1")
