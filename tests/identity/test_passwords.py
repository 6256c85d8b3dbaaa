"""Passwords are hashed with argon2id, compared in the same time for nobody, and not weak."""

import unicodedata

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from identity.doors import CHEAP, CountingHasher
from remit.contracts import Person
from remit.core import InputError
from remit.identity import Passwords, weakness

CARA = Person(id="cara.lead@shop.example", name="Cara Lead")
GOOD = "plum engine violet moss"


def test_a_password_matches_its_hash_and_nothing_else() -> None:
    kept = CHEAP.hash_password(GOOD, CARA)
    assert CHEAP.password_matches(GOOD, kept)
    for wrong in ("", GOOD[:-1], GOOD + " ", GOOD.upper(), GOOD * 100, "\ud800" * 20, "\0"):
        assert not CHEAP.password_matches(wrong, kept)


def test_two_hashes_of_one_password_differ() -> None:
    assert CHEAP.hash_password(GOOD) != CHEAP.hash_password(GOOD)


def test_a_new_hash_has_the_recommended_parameters_and_fits_into_people_yaml() -> None:
    kept = Passwords().hash_password(GOOD)
    assert extract_parameters(kept) == RFC_9106_LOW_MEMORY
    assert Person(id=CARA.id, password=kept).password == kept


def test_a_hash_with_other_parameters_is_to_be_renewed() -> None:
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(GOOD)
    assert CHEAP.needs_rehash(old)
    assert not CHEAP.needs_rehash(CHEAP.hash_password(GOOD))
    assert not CHEAP.needs_rehash("")


@pytest.mark.parametrize("given", [GOOD, "", "x" * 10_000])
def test_nobody_costs_as_much_work_as_somebody(given: str) -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher)
    kept = passwords.hash_password(GOOD)
    assert not passwords.password_matches(given, "")
    passwords.password_matches(given, kept)
    nobodys, somebodys = hasher.compared
    assert nobodys == somebodys == "$argon2id$v=19$m=8,t=1,p=1"


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not CHEAP.password_matches(GOOD, "not a hash")
    assert not CHEAP.password_matches(GOOD, "$argon2id$v=19$m=8,t=1,p=1$x$y")


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    word = "Kürbis und Gänseblümchen"
    kept = CHEAP.hash_password(unicodedata.normalize("NFD", word))
    assert CHEAP.password_matches(unicodedata.normalize("NFC", word), kept)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "fewer than 12 characters"),
        ("plum engine", "fewer than 12 characters"),
        ("abababababababab", "fewer than 5 different characters"),
        (" " * 40, "fewer than 5 different characters"),
        ("cara.lead@shop.example", "what anybody would try first"),
        ("CARA.LEAD@shop.example", "what anybody would try first"),
        ("CaraLead2026!", "what anybody would try first"),
        ("password1234", "what anybody would try first"),
        ("qwertyuiop123456", "what anybody would try first"),
        ("correct horse battery staple", "what anybody would try first"),
        ("x1y2z3" * 50, "more than 256 characters"),
    ],
)
def test_a_weak_password_is_refused_and_not_repeated(password: str, why: str) -> None:
    assert why in weakness(password, CARA)
    with pytest.raises(InputError) as told:
        CHEAP.hash_password(password, CARA)
    assert why in str(told.value)
    assert not password.strip() or password not in str(told.value)


@pytest.mark.parametrize(
    "password", [GOOD, "X7!kq-92-Zw_p", "ein langer Satz über Rüben", "猫が窓から月を見ている夜です"]
)
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    assert weakness(password, CARA) == ""
    assert weakness(password) == ""
