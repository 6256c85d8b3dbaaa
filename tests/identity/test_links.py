"""A login link opens the door once, and soon."""

from identity.doors import Doors
from remit.core import DAY, MINUTE

CARA, PIA = "cara.lead@shop.example", "pia.platform@shop.example"


def issue(doors: Doors, person: str = CARA) -> str:
    secret, _, statements = doors.links.issue(person, by=PIA)
    doors.store.commit(*statements)
    return secret


def state(doors: Doors, secret: str) -> str:
    link = doors.links.find(secret)
    return link.state(doors.clock.now()) if link else "unknown"


def test_a_link_opens_once(doors: Doors) -> None:
    secret = issue(doors)
    assert state(doors, secret) == "open"
    doors.store.commit(doors.links.use(secret))
    assert state(doors, secret) == "used"
    assert doors.store.refusal(doors.links.use(secret)) == "the link was used or has expired"


def test_of_two_who_follow_it_at_the_same_moment_one_comes_in(doors: Doors) -> None:
    secret = issue(doors)
    answers = doors.store.at_once(*([doors.links.use(secret)] for _ in range(20)))
    assert sorted(answers) == ["", *["the link was used or has expired"] * 19]


def test_an_expired_link_lets_nobody_in(doors: Doors) -> None:
    secret = issue(doors)
    doors.clock.advance(15 * MINUTE - 1)
    assert state(doors, secret) == "open"
    doors.clock.advance(1)
    assert state(doors, secret) == "expired"
    assert doors.store.refusal(doors.links.use(secret))


def test_a_link_that_was_changed_is_none(doors: Doors) -> None:
    secret = issue(doors)
    for wrong in ("", secret[:-1], secret + "A", secret.swapcase(), "\ud800"):
        assert state(doors, wrong) == "unknown"
        assert doors.store.refusal(doors.links.use(wrong))


def test_links_that_are_open_can_be_taken_back(doors: Doors) -> None:
    mine, toms = issue(doors), issue(doors, "tom@shop.example")
    doors.store.commit(doors.links.withdraw(CARA))
    assert (state(doors, mine), state(doors, toms)) == ("unknown", "open")


def test_who_had_it_issued_stays_known_for_a_week(doors: Doors) -> None:
    secret = issue(doors)
    doors.store.commit(doors.links.use(secret))
    doors.clock.advance(6 * DAY)
    issue(doors)
    assert state(doors, secret) == "used"
    link = doors.links.find(secret)
    assert link is not None
    assert (link.person, link.by) == (CARA, PIA)
    doors.clock.advance(2 * DAY)
    issue(doors)
    assert state(doors, secret) == "unknown"
