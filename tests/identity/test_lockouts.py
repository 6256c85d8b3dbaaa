"""Three failures within ten minutes lock for ten minutes; neither more tries nor another's success change that."""

import pytest

from identity.doors import Doors
from remit.core import MINUTE, new_id
from remit.identity import client_subject, person_subject
from remit.store import Query

CARA, TOM = person_subject("cara"), person_subject("tom")
HOME = client_subject("192.0.2.7")


def fail(doors: Doors, *subjects: str, times: int = 1) -> None:
    for _ in range(times):
        doors.store.commit(*doors.lockouts.fail(new_id("try"), *subjects))


def test_so_many_failures_lock_and_one_fewer_does_not(doors: Doors) -> None:
    fail(doors, CARA, times=2)
    assert not doors.lockouts.is_locked(CARA)
    fail(doors, CARA)
    assert doors.lockouts.is_locked(CARA)
    assert not doors.lockouts.is_locked(TOM)


def test_the_lock_lasts_its_minutes_from_the_last_failure(doors: Doors) -> None:
    fail(doors, CARA)
    doors.clock.advance(9 * MINUTE)
    fail(doors, CARA, times=2)
    doors.clock.advance(10 * MINUTE - 1)
    assert doors.lockouts.is_locked(CARA)
    doors.clock.advance(1)
    assert not doors.lockouts.is_locked(CARA)


def test_failures_far_apart_do_not_lock(doors: Doors) -> None:
    for _ in range(20):
        fail(doors, CARA)
        doors.clock.advance(5 * MINUTE + 1)
        assert not doors.lockouts.is_locked(CARA)


def test_after_the_lock_one_failure_does_not_lock_again(doors: Doors) -> None:
    fail(doors, CARA, times=3)
    doors.clock.advance(10 * MINUTE)
    fail(doors, CARA, times=2)
    assert not doors.lockouts.is_locked(CARA)
    fail(doors, CARA)
    assert doors.lockouts.is_locked(CARA)


def test_a_success_takes_back_its_own_attempt_and_the_persons_failures_but_not_the_clients(doors: Doors) -> None:
    fail(doors, CARA, HOME, times=2)
    attempt = new_id("try")
    doors.store.commit(*doors.lockouts.fail(attempt, CARA, HOME), doors.lockouts.forgive(attempt, CARA))
    assert not doors.lockouts.is_locked(HOME)
    fail(doors, CARA, HOME)
    assert doors.lockouts.is_locked(HOME)
    assert not doors.lockouts.is_locked(CARA)


def test_what_counts_no_more_is_dropped(doors: Doors) -> None:
    fail(doors, CARA, times=3)
    doors.clock.advance(21 * MINUTE)
    fail(doors, TOM)
    kept = doors.store.database.read(Query("test.kept", "select subject from login_failures"))
    assert [row["subject"] for row in kept] == [TOM]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("testclient", "testclient", True),
        ("", "192.0.2.7", False),
        ("x" * 100, "x" * 200, True),
    ],
)
def test_an_address_counts_as_whoever_is_likely_behind_it(one: str, other: str, same: bool) -> None:
    assert (client_subject(one) == client_subject(other)) is same
    assert len(client_subject(one)) < 80
