"""An auditor looks whether the log holds, and is told where it does not."""

import re
import sqlite3
from pathlib import Path

import pytest
from tests.web.browser import OpenWindow

from journeys.console import OTTO, VERA, Desk, Person, at_work, make_fleet

pytestmark = pytest.mark.slow


def verify(person: Person) -> None:
    """Asks by keyboard whether all of the log holds."""
    person.press("g", "l")
    person.is_at("/log")
    person.tab_to(person.find("#verify"))
    person.press("Enter")


def falsify(desk: Desk) -> None:
    """Changes an entry beneath the fleet that is at work, as somebody could who owns the machine."""
    database = sqlite3.connect(desk.folder / ".remit" / "remit.db", isolation_level=None)
    entries = "select leaf_index from log where cast(body as text) like '%' || ? || '%' order by leaf_index limit 1"
    (index,) = database.execute(entries, (OTTO,)).fetchone()
    database.execute("drop trigger log_no_update")
    change = "update log set body = cast(replace(cast(body as text), ?, ?) as blob) where leaf_index = ?"
    database.execute(change, (OTTO, VERA, index))
    database.close()


def test_the_log_is_verified_by_keyboard_and_what_was_changed_in_it_is_named(
    tmp_path: Path, open_window: OpenWindow
) -> None:
    # Such a fleet ends with an error if anything is left to be signed.
    with at_work(make_fleet(tmp_path / "refunds"), codes=(0, 1)) as desk:
        desk.ask(40)
        vera = Person(open_window(), desk.address).log_in(VERA).go("/")
        verify(vera)
        vera.sees(re.compile(r"It holds: \d+ entries"), "#verification .told.good")
        vera.tab_to(vera.find("#log-search"))
        vera.write("#3")
        vera.press("Enter")
        vera.is_at("/log?search=%233")
        vera.press("j", "Enter")
        vera.is_at("/log/3")

        falsify(desk)
        verify(vera)
        vera.sees("It does not hold: 1 problem", "#verification .told.bad")
        vera.sees(re.compile(r"signed over other entries: one from 0 to \d+ was changed"), "#verification .told.bad")
        vera.window.context.close()
