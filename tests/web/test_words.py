"""Durations, schemas and values in words."""

import pytest

from remit.web.words import duration, schema_words, value_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (3, "3 s"),
        (3.44, "3.4 s"),
        (300, "5 min"),
        (7800, "2 h 10 min"),
        (90_000, "25 h"),
        (2 * 86_400 + 3_600, "2 d 1 h"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_a_schema_is_told_in_a_few_words() -> None:
    assert schema_words({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01}) == (
        "number, more than 0, in steps of 0.01"
    )
    assert schema_words({"type": "string", "maxLength": 40}) == "text, up to 40 characters"
    assert schema_words({"type": "string", "minLength": 1}) == "text, 1 character or more"
    assert schema_words({"enum": ["a", None]}) == "one of a, nothing"
    assert schema_words({"type": "array", "items": {"type": "string"}}) == "list of text"
    assert schema_words({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == "integer or null"
    assert schema_words({"type": "object", "properties": {"a": {}, "b": {}}}) == "object of a, b"
    assert schema_words(False) == "nothing"


def test_values_are_told_without_json_where_they_can_be() -> None:
    assert [value_words(each) for each in (None, True, "x", 3, {"a": [1]})] == [
        "nothing",
        "yes",
        "x",
        "3",
        '{"a": [1]}',
    ]
