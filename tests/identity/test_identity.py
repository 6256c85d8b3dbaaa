"""Callers are known by a secret only they hold, people by the directory."""

import hashlib

import pytest

from remit.contracts import Person
from remit.core import RefusedError
from remit.identity import Credentials, People, issue_secret, secret_matches

PEOPLE = People(
    {
        name: Person(id=name, roles=roles)
        for name, roles in (
            ("zoe@acme.example", ("care-lead", "treasurer")),
            ("ann@acme.example", ("treasurer",)),
            ("bob@acme.example", ()),
        )
    }
)


def test_a_secret_matches_what_was_kept_of_it_and_nothing_else() -> None:
    secret, kept = issue_secret()
    other, _ = issue_secret()
    assert secret_matches(secret, kept)
    for wrong in (other, "", secret[:-1], secret + "x", secret.swapcase()):
        assert not secret_matches(wrong, kept)


def test_no_secret_matches_where_none_is_kept() -> None:
    secret, _ = issue_secret()
    assert not secret_matches(secret, None)
    assert not secret_matches("", None)
    assert not secret_matches("", b"")


def test_only_the_hash_of_a_secret_is_kept() -> None:
    secret, kept = issue_secret()
    assert kept == hashlib.sha256(secret.encode()).digest()
    assert secret.encode() not in kept


def test_credentials_do_not_print_their_secret() -> None:
    secret, _ = issue_secret()
    credentials = Credentials("run_1", 3, secret)
    assert secret not in f"{credentials!r} {credentials!s} {[credentials]}"
    assert repr(credentials) == "Credentials(run='run_1', attempt=3)"


def test_somebody_unknown_answers_for_nothing() -> None:
    assert PEOPLE.person("ann@acme.example").roles == ("treasurer",)
    with pytest.raises(RefusedError, match=r"No such person 'eve'.*ann@acme\.example, bob@acme\.example"):
        PEOPLE.person("eve")
    with pytest.raises(RefusedError, match="nobody"):
        People({}).person("ann@acme.example")


def test_people_are_found_by_any_of_their_roles() -> None:
    def holding(*roles: str) -> list[str]:
        return [person.id for person in PEOPLE.holding(roles)]

    assert holding("treasurer") == ["ann@acme.example", "zoe@acme.example"]
    assert holding("care-lead", "treasurer") == ["ann@acme.example", "zoe@acme.example"]
    assert holding("care-lead") == ["zoe@acme.example"]
    assert holding("pilot") == holding() == []


def test_everybody_is_listed_by_id() -> None:
    assert [person.id[:3] for person in PEOPLE.everybody()] == ["ann", "bob", "zoe"]
