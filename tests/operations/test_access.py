"""Who comes in, how long they stay, and that every way in, and every refusal, is on the record without a secret."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.databases import sqlite_only

from operations.entrance import CARA, EVERYBODY, HASHED, OFFICE, OLGA, PASSWORD, PIA, UNA, Entrance, open_entrance
from remit.core import HOUR, MINUTE, BusyError, RefusedError
from remit.identity import People
from remit.operations import Permission, local_actor, permissions_of
from remit.operations.access import MOST_WAITING


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    with open_entrance(tmp_path) as opened:
        yield opened


async def refusal(entrance: Entrance, person: str, password: str, client: str = OFFICE) -> str:
    """Returns the words with which somebody is not let in."""
    with pytest.raises(RefusedError) as told:
        await entrance.access.log_in(person, password, client=client)
    return str(told.value)


async def link_refusal(entrance: Entrance, link: str, client: str = OFFICE) -> str:
    with pytest.raises(RefusedError) as told:
        await entrance.access.redeem(link, client=client)
    return str(told.value)


# --- passwords


async def test_the_right_password_opens_a_session_with_the_persons_roles(entrance: Entrance) -> None:
    session = await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)
    assert entrance.access.session(session.secret) == session
    actor = entrance.access.actor(session)
    assert (actor.id, actor.face, actor.roles) == (CARA, "console", ("care-lead",))
    assert actor.permissions == permissions_of(["care-lead"])
    (entry,) = entrance.entries()
    assert (entry.kind, entry.fields) == (
        "login",
        {"person": CARA, "session": session.id, "client": OFFICE, "via": "password"},
    )


async def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(entrance: Entrance) -> None:
    tried: dict[str, tuple[str, list[str]]] = {}
    for why, person, password in (
        ("wrong password", CARA, "plum engine violet mos"),
        ("unknown person", "eve@shop.example", PASSWORD),
        ("no password", PIA, PASSWORD),
        ("nothing typed", CARA, ""),
        ("a megabyte typed", CARA, "x" * 1_000_000),
        ("not even text", CARA, "\ud800\0" * 8),
    ):
        entrance.hasher.compared.clear()
        told = await refusal(entrance, person, password, client=f"client of {why}")
        tried[why] = (told, list(entrance.hasher.compared))
    for _ in range(5):
        await refusal(entrance, OLGA, "wrong", client="elsewhere")
    entrance.hasher.compared.clear()
    tried["locked"] = (await refusal(entrance, OLGA, PASSWORD), list(entrance.hasher.compared))

    first, *others = tried.values()
    assert [other for other in others if other != first] == []
    assert len(first[1]) == 1


@sqlite_only("it reads the file")
async def test_the_record_says_why_and_holds_nothing_that_was_typed(entrance: Entrance) -> None:
    await refusal(entrance, CARA, "hunter2 hunter2 hunter2")
    await refusal(entrance, "my secret passphrase", "x")
    await refusal(entrance, PIA, "y")
    told = [(entry.fields["person"], entry.fields["why"]) for entry in entrance.entries("login.refused")]
    assert told == [(CARA, "wrong password"), ("", "unknown person"), (PIA, "no password")]
    kept = entrance.everything()
    assert b"hunter2" not in kept
    assert b"passphrase" not in kept


async def test_five_failures_lock_a_person_wherever_they_come_from(entrance: Entrance) -> None:
    for number in range(5):
        await refusal(entrance, CARA, "wrong", client=f"198.51.100.{number}")
    await refusal(entrance, CARA, PASSWORD, client="203.0.113.1")
    entrance.clock.advance(15 * MINUTE - 1)
    await refusal(entrance, CARA, PASSWORD, client="203.0.113.2")
    entrance.clock.advance(1)
    await entrance.access.log_in(CARA, PASSWORD, client="203.0.113.3")
    *_, fifth, locked, later = entrance.entries("login.refused")
    assert (fifth.fields["why"], fifth.fields["locks"]) == ("wrong password", [f"person:{CARA}"])
    assert (locked.fields["why"], locked.fields["locks"]) == (later.fields["why"], later.fields["locks"])
    assert (locked.fields["why"], locked.fields["locks"]) == ("locked", [])


async def test_five_failures_lock_an_address_for_everybody_and_no_other_address(entrance: Entrance) -> None:
    for number in range(5):
        await refusal(entrance, f"guess{number}@shop.example", "wrong", client="2001:db8::1")
    await refusal(entrance, CARA, PASSWORD, client="2001:db8::2")
    await entrance.access.log_in(CARA, PASSWORD, client="2001:db8:0:1::2")


async def test_what_a_locked_address_tries_further_does_not_fill_the_record(entrance: Entrance) -> None:
    for _ in range(30):
        await refusal(entrance, "eve@shop.example", "wrong")
        await link_refusal(entrance, "nothing")
    assert len(entrance.entries("login.refused")) == 5


async def test_a_locked_address_locks_nobody_further(entrance: Entrance) -> None:
    for _ in range(5):
        await refusal(entrance, "eve@shop.example", "wrong")
    for _ in range(5):
        await refusal(entrance, CARA, "wrong")
    await entrance.access.log_in(CARA, PASSWORD, client="203.0.113.1")


async def test_an_own_account_does_not_help_to_guess_others_passwords(entrance: Entrance) -> None:
    for _ in range(4):
        await entrance.access.log_in(OLGA, PASSWORD, client=OFFICE)
        await refusal(entrance, CARA, "wrong")
    await entrance.access.log_in(OLGA, PASSWORD, client=OFFICE)
    await refusal(entrance, PIA, "wrong")
    await refusal(entrance, OLGA, PASSWORD)


async def test_a_success_makes_a_persons_failures_forgotten(entrance: Entrance) -> None:
    for number in range(12):
        if number % 4 == 0:
            await entrance.access.log_in(CARA, PASSWORD, client="203.0.113.9")
        await refusal(entrance, CARA, "wrong", client=f"198.51.100.{number}")


async def test_guesses_at_the_same_moment_are_counted_one_by_one(entrance: Entrance) -> None:
    guesses = [entrance.access.log_in(CARA, "wrong", client=f"198.51.100.{n}") for n in range(MOST_WAITING)]
    assert all(isinstance(told, RefusedError) for told in await asyncio.gather(*guesses, return_exceptions=True))
    whys = [entry.fields["why"] for entry in entrance.entries("login.refused")]
    assert whys == ["wrong password"] * 5 + ["locked"] * (MOST_WAITING - 5)


async def test_whoever_breaks_off_before_the_answer_has_tried_all_the_same(entrance: Entrance) -> None:
    for number in range(8):
        trying = asyncio.create_task(entrance.access.log_in(CARA, "wrong", client=f"198.51.100.{number}"))
        while not entrance.hasher.compared:  # noqa: ASYNC110 - it is a thread that compares
            await asyncio.sleep(0)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        entrance.hasher.compared.clear()
    await refusal(entrance, CARA, PASSWORD, client="203.0.113.1")


async def test_a_crowd_is_turned_away_at_once(entrance: Entrance) -> None:
    crowd = [entrance.access.log_in(CARA, PASSWORD, client=f"198.51.100.{n}") for n in range(MOST_WAITING + 5)]
    told = await asyncio.gather(*crowd, return_exceptions=True)
    assert [isinstance(one, BusyError) for one in told] == [False] * MOST_WAITING + [True] * 5
    await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)


# --- login links


async def test_a_link_lets_in_once(entrance: Entrance) -> None:
    link = await entrance.access.issue_link(PIA, by=entrance.actor(OLGA))
    session = await entrance.access.redeem(link, client=OFFICE)
    assert entrance.access.actor(session).id == PIA
    told = await link_refusal(entrance, link)
    assert told == await link_refusal(entrance, "never one")
    issued, login, *refused = entrance.entries()
    assert (issued.kind, issued.fields["by"], issued.fields["person"]) == ("link.issued", OLGA, PIA)
    assert (login.fields["via"], login.fields["link_by"]) == ("link", OLGA)
    assert [entry.fields["why"] for entry in refused] == ["used", "unknown"]


async def test_of_many_who_follow_one_link_at_once_one_comes_in(entrance: Entrance) -> None:
    link = await entrance.access.issue_link(PIA, by="first start")
    followed = [entrance.access.redeem(link, client=f"198.51.100.{n}") for n in range(10)]
    told = await asyncio.gather(*followed, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in told) == 1
    assert sum(isinstance(one, RefusedError) for one in told) == 9
    assert len(entrance.entries("login")) == 1


async def test_an_expired_link_and_one_of_somebody_gone_let_nobody_in(entrance: Entrance) -> None:
    link = await entrance.access.issue_link(PIA, by="first start")
    entrance.access = entrance.with_people(pia=None)
    told = await link_refusal(entrance, link)
    entrance.access = entrance.with_people()
    entrance.clock.advance(15 * MINUTE)
    assert await link_refusal(entrance, link) == told
    assert [entry.fields["why"] for entry in entrance.entries("login.refused")] == ["person gone", "expired"]


async def test_somebody_locked_out_comes_in_by_link(entrance: Entrance) -> None:
    for _ in range(5):
        await refusal(entrance, CARA, "wrong")
    link = await entrance.access.issue_link(CARA, by=entrance.actor(PIA))
    await entrance.access.redeem(link, client=OFFICE)


@pytest.mark.parametrize("person", [CARA, UNA])
async def test_only_who_manages_access_of_the_whole_fleet_issues_links(entrance: Entrance, person: str) -> None:
    with pytest.raises(RefusedError, match="may not do this"):
        await entrance.access.issue_link(OLGA, by=entrance.actor(person))
    (entry,) = entrance.entries()
    assert (entry.kind, entry.fields["by"], entry.fields["permission"]) == (
        "access.refused",
        person,
        "cell:access:manage",
    )


async def test_nobody_unknown_gets_a_link(entrance: Entrance) -> None:
    with pytest.raises(RefusedError, match="No such person"):
        await entrance.access.issue_link("eve@shop.example", by=local_actor("root"))


# --- sessions


async def test_a_session_that_is_logged_out_is_over(entrance: Entrance) -> None:
    session = await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)
    await entrance.access.log_out(session)
    await entrance.access.log_out(session)
    assert entrance.access.session(session.secret) is None
    (entry,) = entrance.entries("logout")
    assert entry.fields == {"person": CARA, "session": session.id}


async def test_a_session_lasts_while_it_is_used_and_what_a_page_does_by_itself_is_no_use(entrance: Entrance) -> None:
    secret = (await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)).secret
    for _ in range(5):
        entrance.clock.advance(HOUR)
        assert entrance.access.session(secret) is not None
        await entrance.settle()
    entrance.clock.advance(HOUR)
    assert entrance.access.session(secret, touch=False) is not None
    await entrance.settle()
    entrance.clock.advance(HOUR)
    assert entrance.access.session(secret) is None


async def test_what_people_yaml_says_now_counts_in_sessions_that_are_open(entrance: Entrance) -> None:
    secret = (await entrance.access.log_in(OLGA, PASSWORD, client=OFFICE)).secret
    olga = EVERYBODY[OLGA]
    demoted = entrance.with_people(olga=olga.model_copy(update={"roles": ("viewer",)}))
    session = demoted.session(secret)
    assert session is not None
    assert demoted.actor(session).permissions == permissions_of(["viewer"])
    assert entrance.with_people(olga=None).session(secret) is None
    with pytest.raises(RefusedError, match="No such person"):
        entrance.with_people(olga=None).actor(session)


@pytest.mark.parametrize("password", ["", HASHED.replace("m=8", "m=9")], ids=["taken away", "changed"])
async def test_a_password_that_was_changed_or_taken_away_ends_the_sessions_it_began(
    entrance: Entrance, password: str
) -> None:
    secret = (await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)).secret
    changed = EVERYBODY[CARA].model_copy(update={"password": password})
    assert entrance.with_people(cara=changed).session(secret) is None


async def test_the_platform_team_ends_somebodys_sessions_and_open_links(entrance: Entrance) -> None:
    first = await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)
    await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)
    others = await entrance.access.log_in(OLGA, PASSWORD, client=OFFICE)
    link = await entrance.access.issue_link(CARA, by="first start")
    assert entrance.access.session_count(CARA) == 2

    assert await entrance.access.end_sessions(entrance.actor(PIA), CARA) == 2

    assert entrance.access.session(first.secret) is None
    assert entrance.access.session(others.secret) is not None
    await link_refusal(entrance, link)
    assert entrance.entries("sessions.ended")[0].fields == {"person": CARA, "by": PIA}


async def test_one_ends_ones_own_sessions_and_nobody_elses(entrance: Entrance) -> None:
    await entrance.access.log_in(CARA, PASSWORD, client=OFFICE)
    with pytest.raises(RefusedError):
        await entrance.access.end_sessions(entrance.actor(CARA), OLGA)
    assert await entrance.access.end_sessions(entrance.actor(CARA), CARA) == 1


@sqlite_only("it reads the file")
async def test_no_secret_is_in_the_store_or_on_the_record(entrance: Entrance) -> None:
    session = await entrance.access.log_in(OLGA, PASSWORD, client=OFFICE)
    link = await entrance.access.issue_link(CARA, by="first start")
    _, token = await entrance.access.create_token(entrance.access.actor(session), name="laptop")
    kept = entrance.everything()
    for secret in (session.secret, session.csrf, link, token, token.rpartition("_")[2], PASSWORD):
        assert secret.encode() not in kept


async def test_a_shorter_day_is_a_setting(entrance: Entrance) -> None:
    access = entrance.made(People(EVERYBODY), session_hours=1, login_tries=1)
    session = await access.log_in(CARA, PASSWORD, client=OFFICE)
    entrance.clock.advance(HOUR)
    assert access.session(session.secret) is None
    with pytest.raises(RefusedError):
        await access.log_in(CARA, "wrong", client=OFFICE)
    with pytest.raises(RefusedError):
        await access.log_in(CARA, PASSWORD, client=OFFICE)


async def test_an_owner_of_agents_has_that_part_in_every_face(entrance: Entrance) -> None:
    access = entrance.made(People(EVERYBODY, owners=[PIA]))
    session = await access.redeem(await access.issue_link(PIA, by="first start"), client=OFFICE)
    assert access.actor(session).may(Permission.FLEET_APPROVALS_ANSWER)
    _, text = await access.create_token(access.actor(session), name="laptop")
    acting = access.token_actor(text)
    assert acting == replace(access.actor(session), face="api")
