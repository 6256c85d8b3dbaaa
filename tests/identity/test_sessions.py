"""A session lasts until it is ended, idle for long, or a working day old; only a hash of its secret is kept."""

from pathlib import Path

from tests.databases import sqlite_only

from identity.doors import Doors
from remit.core import HOUR, MINUTE
from remit.identity import Session, hash_secret

CARA = "cara.lead@shop.example"


def begin(doors: Doors, person: str = CARA) -> Session:
    session, statements = doors.sessions.begin(person, b"credential")
    doors.store.commit(*statements)
    return session


def test_a_session_is_found_by_its_secret_and_by_nothing_else(doors: Doors) -> None:
    session = begin(doors)
    assert doors.sessions.find(session.secret) == session
    for wrong in ("", session.id, session.secret[:-1], session.secret.swapcase(), "\ud800", hash_secret("").hex()):
        assert doors.sessions.find(wrong) is None


@sqlite_only("it reads the file")
def test_the_store_does_not_hold_the_secret(doors: Doors) -> None:
    session = begin(doors)
    doors.store.database.close()
    files = list(Path(doors.store.database.place).parent.iterdir())
    assert not any(session.secret.encode() in file.read_bytes() for file in files)
    assert any(hash_secret(session.secret) in file.read_bytes() for file in files)


def test_it_ends_after_its_hours_whatever_is_done_in_it(doors: Doors) -> None:
    secret = begin(doors).secret
    for _ in range(12 * 60 - 1):
        doors.clock.advance(MINUTE)
        session = doors.sessions.find(secret)
        assert session is not None
        touched = doors.sessions.touch(session)
        assert touched is not None
        doors.store.commit(touched)
    doors.clock.advance(MINUTE)
    assert doors.sessions.find(secret) is None


def test_it_ends_when_nothing_is_done_in_it_for_two_hours(doors: Doors) -> None:
    secret = begin(doors).secret
    doors.clock.advance(2 * HOUR - 1)
    assert doors.sessions.find(secret) is not None
    doors.clock.advance(1)
    assert doors.sessions.find(secret) is None


def test_it_is_touched_once_a_minute_at_most(doors: Doors) -> None:
    session = begin(doors)
    doors.clock.advance(MINUTE - 1)
    assert doors.sessions.touch(session) is None
    doors.clock.advance(1)
    assert doors.sessions.touch(session) is not None


def test_a_touch_that_comes_late_brings_no_session_back(doors: Doors) -> None:
    session = begin(doors)
    doors.clock.advance(MINUTE)
    touched = doors.sessions.touch(session)
    assert touched is not None
    doors.store.commit(doors.sessions.end(session.id), touched)
    assert doors.sessions.find(session.secret) is None


def test_it_ends_once(doors: Doors) -> None:
    session, other = begin(doors), begin(doors)
    doors.store.commit(doors.sessions.end(session.id))
    assert doors.store.refusal(doors.sessions.end(session.id)) == "the session is over already"
    assert doors.sessions.find(session.secret) is None
    assert doors.sessions.find(other.secret) == other


def test_all_of_one_person_end_together_and_nobody_elses(doors: Doors) -> None:
    begin(doors)
    begin(doors)
    other = begin(doors, "tom@shop.example")
    assert (doors.sessions.count(CARA), doors.sessions.count("tom@shop.example")) == (2, 1)
    doors.store.commit(doors.sessions.end_all(CARA))
    assert doors.sessions.count(CARA) == 0
    assert doors.sessions.find(other.secret) == other


def test_those_that_are_over_are_dropped_by_the_next_one(doors: Doors) -> None:
    old = begin(doors)
    doors.clock.advance(3 * HOUR)
    begin(doors)
    assert doors.store.refusal(doors.sessions.end(old.id))


def test_what_a_form_sends_along_belongs_to_one_session(doors: Doors) -> None:
    session, other = begin(doors), begin(doors)
    assert session.csrf_matches(session.csrf)
    assert session.csrf != other.csrf
    assert session.secret not in session.csrf
    for wrong in ("", other.csrf, session.secret, session.csrf[:-1], "é\ud800"):
        assert not session.csrf_matches(wrong)


def test_a_session_does_not_print_its_secret(doors: Doors) -> None:
    session = begin(doors)
    assert session.secret not in f"{session!r} {session!s} {[session]}"
