"""What differs between two values."""

from remit.web.differences import Difference, differences


def test_each_field_that_differs_is_named() -> None:
    before = {"amount": 450, "why": "broken", "to": {"name": "Ann", "tags": ["a"]}, "gone": None}
    after = {"amount": 300, "why": "broken", "to": {"name": "Bob", "tags": ["a", "b"]}, "new": True}

    assert differences(before, after) == [
        Difference("amount", "changed", "450", "300"),
        Difference("to.name", "changed", "Ann", "Bob"),
        Difference("to.tags[1]", "added", after="b"),
        Difference("gone", "removed", before="null"),
        Difference("new", "added", after="true"),
    ]


def test_the_same_number_written_otherwise_is_no_difference() -> None:
    assert differences({"a": 40, "b": [1.0]}, {"a": 40.0, "b": [1]}) == []
    assert differences({"a": True}, {"a": 1}) == [Difference("a", "changed", "true", "1")]


def test_values_that_are_no_objects_differ_as_a_whole() -> None:
    assert differences("a", {"b": 1}) == [Difference("the whole", "changed", "a", '{"b": 1}')]
