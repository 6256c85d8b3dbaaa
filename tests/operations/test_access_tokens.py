"""A token holds what it was made for, never more than its owner holds at that moment, and a program answers nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from operations.entrance import CARA, EVERYBODY, OLGA, PIA, UNA, Entrance, open_entrance
from remit.contracts import Person
from remit.core import DAY, ConflictError, InputError, NotFoundError, RefusedError
from remit.identity import People
from remit.operations import TOKEN_DAYS, Actor, Permission, local_actor, permissions_of, person_actor

READ, START, ANSWER = (
    Permission.FLEET_RUNS_READ,
    Permission.FLEET_RUNS_START,
    Permission.FLEET_APPROVALS_ANSWER,
)


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    with open_entrance(tmp_path) as opened:
        yield opened


async def text_of(
    entrance: Entrance, person: str, *, permissions: Iterable[str] | None = None, program: str = ""
) -> str:
    """Returns a new token of somebody."""
    made = await entrance.access.create_token(
        entrance.actor(person), name="laptop", permissions=permissions, program=program
    )
    return made[1]


async def test_a_token_acts_as_its_owner_with_what_it_was_made_for(entrance: Entrance) -> None:
    acting = entrance.access.token_actor(await text_of(entrance, OLGA, permissions=[READ, START]))
    assert acting is not None
    assert (acting.id, acting.face, acting.permissions) == (OLGA, "api", {READ, START})


async def test_without_a_choice_it_holds_what_its_owner_holds(entrance: Entrance) -> None:
    acting = entrance.access.token_actor(await text_of(entrance, CARA))
    assert acting is not None
    assert acting.permissions == permissions_of(["care-lead"])
    assert ANSWER in acting.permissions


async def test_a_role_that_is_taken_away_counts_at_once(entrance: Entrance) -> None:
    mine, programs = await text_of(entrance, OLGA), await text_of(entrance, OLGA, program="nightly")
    demoted = entrance.with_people(olga=Person(id=OLGA, roles=("viewer",)))
    for text in (mine, programs):
        acting = demoted.token_actor(text)
        assert acting is not None
        assert acting.permissions == permissions_of(["viewer"])
        stripped = entrance.with_people(olga=Person(id=OLGA)).token_actor(text)
        assert stripped is not None
        assert stripped.permissions == frozenset()
        assert entrance.with_people(olga=None).token_actor(text) is None


async def test_a_role_that_is_given_later_gives_a_token_nothing_new(entrance: Entrance) -> None:
    text = await text_of(entrance, CARA, permissions=[READ])
    promoted = entrance.with_people(cara=Person(id=CARA, roles=("care-lead", "operator", "platform")))
    acting = promoted.token_actor(text)
    assert acting is not None
    assert acting.permissions == {READ}


async def test_units_of_the_owner_carry_over(entrance: Entrance) -> None:
    acting = entrance.access.token_actor(await text_of(entrance, UNA))
    assert acting is not None
    assert acting.units == {"care"}
    assert not acting.may(Permission.FLEET_SWITCHES_PULL, "sales")


async def test_a_token_that_expired_was_revoked_or_was_changed_is_worth_nothing(entrance: Entrance) -> None:
    olga = entrance.actor(OLGA)
    token, text = await entrance.access.create_token(olga, name="laptop", days=2)
    last = "A" if text[-1] != "A" else "B"
    for wrong in ("", "rmt_", text + "x", text[:-1] + last, text.upper(), "rmt_" + "\ud800" * 56):
        assert entrance.access.token_actor(wrong) is None
    entrance.clock.advance(2 * DAY - 1)
    assert entrance.access.token_actor(text) is not None
    entrance.clock.advance(1)
    assert entrance.access.token_actor(text) is None

    token, text = await entrance.access.create_token(olga, name="laptop")
    revoked = await entrance.access.revoke_token(olga, token.id)
    assert (revoked.revoked_by, revoked.state(entrance.clock.now())) == (OLGA, "revoked")
    assert entrance.access.token_actor(text) is None
    with pytest.raises(ConflictError, match="revoked already"):
        await entrance.access.revoke_token(olga, token.id)


async def test_making_and_revoking_are_on_the_record_without_the_token(entrance: Entrance) -> None:
    token, text = await entrance.access.create_token(entrance.actor(CARA), name="laptop", permissions=[READ])
    await entrance.access.revoke_token(entrance.actor(PIA), token.id)
    created, revoked = entrance.entries()
    told = {"token": token.id, "name": "laptop", "owner": CARA, "program": ""}
    assert (created.kind, created.fields) == (
        "token.created",
        {**told, "by": CARA, "permissions": [READ], "until": entrance.clock.now() + TOKEN_DAYS * DAY},
    )
    assert (revoked.kind, revoked.fields) == ("token.revoked", {**told, "by": PIA})
    assert text.rpartition("_")[2] not in f"{created.fields} {token}"


async def test_nobody_gives_a_token_what_they_do_not_hold(entrance: Entrance) -> None:
    with pytest.raises(RefusedError, match=r"no more than its owner 'fleet:runs:start'"):
        await text_of(entrance, CARA, permissions=[READ, START])
    assert [entry.kind for entry in entrance.entries()] == ["access.refused"]
    assert entrance.access.tokens(entrance.actor(CARA)) == []


async def test_somebody_without_a_role_has_no_token(entrance: Entrance) -> None:
    nobody = person_actor(Person(id=CARA), "console")
    with pytest.raises(RefusedError, match="account:tokens:manage"):
        await entrance.access.create_token(nobody, name="laptop")


async def test_a_token_makes_no_tokens(entrance: Entrance) -> None:
    acting = entrance.access.token_actor(await text_of(entrance, OLGA))
    assert acting is not None
    for program in ("", "nightly"):
        with pytest.raises(RefusedError, match="A token makes no tokens"):
            await entrance.access.create_token(acting, name="child", program=program)


async def test_a_program_acts_under_its_own_name_and_does_not_answer(entrance: Entrance) -> None:
    both = person_actor(Person(id=OLGA, roles=("operator", "platform", "care-lead")), "console")
    people = {**EVERYBODY, OLGA: Person(id=OLGA, roles=both.roles)}
    access = entrance.made(People(people))
    token, text = await access.create_token(both, name="nightly run", program="nightly")
    acting = access.token_actor(text)
    assert acting is not None
    assert (acting.id, acting.roles, token.owner) == ("program:nightly", ("program",), OLGA)
    assert acting.permissions == both.permissions - {ANSWER}

    with pytest.raises(RefusedError, match="A program does not answer what people are asked 'nightly'"):
        await access.create_token(both, name="nightly run", program="nightly", permissions=[READ, ANSWER])


@pytest.mark.parametrize("person", [CARA, UNA])
async def test_programs_get_tokens_from_who_manages_access_of_the_whole_fleet(entrance: Entrance, person: str) -> None:
    with pytest.raises(RefusedError, match="may not do this"):
        await text_of(entrance, person, program="nightly")
    (entry,) = entrance.entries("access.refused")
    assert entry.fields["permission"] == "cell:access:manage"


async def test_one_sees_and_revokes_ones_own_and_who_manages_access_everybodys(entrance: Entrance) -> None:
    made: dict[str, str] = {}
    for person in (CARA, OLGA, UNA):
        token, _ = await entrance.access.create_token(entrance.actor(person), name="laptop")
        made[person] = token.id

    def seen(actor: Actor) -> set[str]:
        return {token.id for token in entrance.access.tokens(actor)}

    assert seen(entrance.actor(CARA)) == {made[CARA]}
    assert seen(entrance.actor(UNA)) == {made[UNA]}
    assert seen(entrance.actor(PIA)) == seen(local_actor("root")) == set(made.values())
    with pytest.raises(RefusedError):
        await entrance.access.revoke_token(entrance.actor(CARA), made[OLGA])
    await entrance.access.revoke_token(entrance.actor(CARA), made[CARA])
    await entrance.access.revoke_token(local_actor("root"), made[OLGA])
    with pytest.raises(NotFoundError):
        await entrance.access.revoke_token(entrance.actor(PIA), "rmt_x")
    with pytest.raises(RefusedError):
        entrance.access.tokens(person_actor(Person(id=CARA), "console"))


async def test_whoever_is_not_in_people_yaml_owns_no_token(entrance: Entrance) -> None:
    with pytest.raises(RefusedError, match="No such person 'root'"):
        await entrance.access.create_token(local_actor("root"), name="laptop")
    stranger = replace(entrance.actor(OLGA), id="eve@shop.example")
    with pytest.raises(RefusedError, match="No such person"):
        await entrance.access.create_token(stranger, name="laptop")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "two\nlines"}, "needs a name"),
        ({"name": "x" * 65}, "needs a name"),
        ({"days": 0}, "does not live so long"),
        ({"days": 366}, "does not live so long"),
        ({"permissions": []}, "good for nothing"),
        ({"permissions": ["fleet:runs:*"]}, "There is no permission 'fleet:runs:\\*'"),
        ({"program": "Nightly"}, "wrong form"),
        ({"program": "pia@shop.example"}, "wrong form"),
        ({"program": "x" * 49}, "wrong form"),
    ],
)
async def test_a_token_that_is_asked_for_wrongly_is_not_made(
    entrance: Entrance, wrong: dict[str, object], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        await entrance.access.create_token(entrance.actor(OLGA), **{"name": "laptop", **wrong})  # type: ignore[arg-type]
    assert entrance.access.tokens(entrance.actor(OLGA)) == []


async def test_when_it_was_last_used_is_known(entrance: Entrance) -> None:
    text = await text_of(entrance, CARA)
    entrance.clock.advance(DAY)
    entrance.access.token_actor(text)
    await entrance.settle()
    (token,) = entrance.access.tokens(entrance.actor(CARA))
    assert token.used_at == entrance.clock.now()
