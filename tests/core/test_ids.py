"""Ids sort by birth and never repeat."""

from concurrent.futures import ThreadPoolExecutor

from remit.core import new_id, new_secret, short_id


def test_ids_of_one_kind_sort_by_their_birth() -> None:
    born = [new_id("run") for _ in range(5_000)]
    assert born == sorted(born)


def test_ids_are_unique_across_threads() -> None:
    def make(_: int) -> list[str]:
        return [new_id("run") for _ in range(2_000)]

    with ThreadPoolExecutor(8) as threads:
        made = [identifier for some in threads.map(make, range(8)) for identifier in some]
    assert len(set(made)) == 16_000


def test_an_id_says_what_it_names() -> None:
    kind, _, digits = new_id("apr").partition("_")
    assert kind == "apr"
    assert len(digits) == 32
    assert int(digits, 16)


def test_people_read_the_kind_and_the_last_digits() -> None:
    identifier = new_id("run")
    assert short_id(identifier) == f"run_{identifier[-8:]}"
    assert short_id("plain") == "plain"


def test_secrets_are_long_and_never_repeat() -> None:
    secrets = {new_secret() for _ in range(1_000)}
    assert len(secrets) == 1_000
    assert min(map(len, secrets)) >= 43
