"""What is remembered of late has a bound."""

from collections import OrderedDict

from remit.core import remember


def test_the_oldest_goes_when_there_is_more_than_the_bound() -> None:
    memory = OrderedDict[str, int]()
    for number, key in enumerate("abcb"):
        remember(memory, key, number, 2)
    assert memory == {"b": 3, "c": 2}


def test_a_bound_of_nothing_remembers_nothing() -> None:
    memory = OrderedDict[str, int]()
    remember(memory, "a", 1, 0)
    assert not memory
