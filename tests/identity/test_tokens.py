"""A token is recognised by its form, found by its text, and lives until it expires or is revoked."""

import re
from pathlib import Path

import pytest
from tests.databases import sqlite_only

from identity.doors import Doors
from remit.core import DAY, MINUTE, NotFoundError
from remit.guardrails import Guardrails
from remit.identity import Token, hash_secret

CARA = "cara.lead@shop.example"


def create(doors: Doors, *, owner: str = CARA, program: str = "", days: int = 90) -> tuple[Token, str]:
    token, text, statement = doors.tokens.create(
        name="laptop", owner=owner, program=program, permissions=["fleet:runs:read"], days=days
    )
    doors.store.commit(statement)
    return token, text


def test_a_token_is_found_by_its_text_and_by_nothing_else(doors: Doors) -> None:
    token, text = create(doors)
    assert re.fullmatch(r"rmt_[a-z0-9]{12}_[A-Za-z0-9]{43}", text)
    assert doors.tokens.find(text) == token
    other = create(doors)[1]
    mixed = f"rmt_{token.id}_{other.rpartition('_')[2]}"
    last = "A" if text[-1] != "A" else "B"
    for wrong in ("", "rmt_", text[:-1], text[:-1] + last, text + "\n", f" {text}", text.swapcase(), mixed, "٣" * 60):
        assert doors.tokens.find(wrong) is None


@sqlite_only("it reads the file")
def test_the_store_does_not_hold_the_secret(doors: Doors) -> None:
    _, text = create(doors)
    doors.store.database.close()
    files = list(Path(doors.store.database.place).parent.iterdir())
    assert not any(text.rpartition("_")[2].encode() in file.read_bytes() for file in files)
    assert any(hash_secret(text) in file.read_bytes() for file in files)


def test_a_token_that_leaks_is_recognised_by_the_guardrails(doors: Doors) -> None:
    for _ in range(20):
        _, text = create(doors)
        screening = Guardrails().screen_input({"note": f"use {text}, it works"})
        assert screening.blocked is not None
        assert screening.blocked.rule == "remit-token"


def test_an_expired_token_is_worth_nothing(doors: Doors) -> None:
    token, text = create(doors, days=1)
    doors.clock.advance(DAY - 1)
    assert doors.tokens.find(text) == token
    doors.clock.advance(1)
    assert doors.tokens.find(text) is None
    assert doors.tokens.get(token.id).state(doors.clock.now()) == "expired"


def test_a_revoked_token_is_worth_nothing_and_is_revoked_once(doors: Doors) -> None:
    token, text = create(doors)
    doors.store.commit(doors.tokens.revoke(token.id, by="pia"))
    assert doors.tokens.find(text) is None
    assert doors.store.refusal(doors.tokens.revoke(token.id, by="eve")) == "it is revoked already"
    kept = doors.tokens.get(token.id)
    assert (kept.state(doors.clock.now()), kept.revoked_by) == ("revoked", "pia")


def test_a_token_acts_as_its_owner_or_as_a_program(doors: Doors) -> None:
    assert create(doors)[0].actor == CARA
    assert create(doors, program="nightly")[0].actor == "program:nightly"


def test_tokens_are_listed_by_owner_the_newest_first(doors: Doors) -> None:
    first, _ = create(doors)
    doors.clock.advance(1)
    second, _ = create(doors)
    toms, _ = create(doors, owner="tom@shop.example")
    assert doors.tokens.listing(CARA) == [second, first]
    assert set(doors.tokens.listing()) == {first, second, toms}
    with pytest.raises(NotFoundError, match="No such token"):
        doors.tokens.get("unknown")


def test_its_use_is_noted_once_a_minute_at_most(doors: Doors) -> None:
    token, _ = create(doors)
    noted = doors.tokens.touch(token)
    assert noted is not None
    doors.store.commit(noted)
    used = doors.tokens.get(token.id)
    assert used.used_at == doors.clock.now()
    assert doors.tokens.touch(used) is None
    doors.clock.advance(MINUTE)
    assert doors.tokens.touch(used) is not None
