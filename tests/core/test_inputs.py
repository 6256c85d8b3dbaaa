"""The door for JSON from outside: whatever passes can be judged, kept and read again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core import DEEPEST, InputError, canonical_bytes, check_depth, parse_json

LARGEST = 1_000_000


def parse(content: bytes | str, largest: int = LARGEST) -> Any:
    return parse_json(content, name="The arguments", largest=largest)


def test_sound_json_is_returned() -> None:
    assert parse('{"a": [1, 2.5, "Zoë", null, true]}'.encode()) == {"a": [1, 2.5, "Zoë", None, True]}


def test_size_is_counted_in_bytes() -> None:
    assert parse('"é"', largest=4) == "é"
    with pytest.raises(InputError, match="4 bytes, the limit is 3"):
        parse('"é"', largest=3)
    with pytest.raises(InputError, match="The arguments is too large"):
        parse(b" " * 10, largest=9)


@pytest.mark.parametrize("content", [b"\xff{}", b'"\xc3"', b'"\xed\xa0\x80"', '"\ud800"'])
def test_another_encoding_is_refused(content: bytes | str) -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        parse(content)


@pytest.mark.parametrize("content", ['"\\ud800"', '{"a": ["\\uDFFF"]}', '{"\\ud83d": 1}'])
def test_half_a_character_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="not UTF-8"):
        parse(content)


def test_an_escaped_pair_is_one_character() -> None:
    assert parse('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize("content", ["", "{", "{'a': 1}", "[1,]", "01", "\ufeff{}", "{} {}", "1 2", "undefined"])
def test_what_is_not_json_is_refused(content: str) -> None:
    with pytest.raises(InputError, match=r"The arguments is not JSON"):
        parse(content)


def test_the_place_of_the_mistake_is_told() -> None:
    with pytest.raises(InputError, match="line 2, column 7"):
        parse('{"a": 1,\n "b": }')


def test_nesting_ends_at_the_limit() -> None:
    assert parse("[" * DEEPEST + "1" + "]" * DEEPEST)
    for depth in (DEEPEST + 1, 100_000):
        with pytest.raises(InputError, match="nested too deeply"):
            parse("[" * depth + "1" + "]" * depth)
        with pytest.raises(InputError, match="nested too deeply"):
            parse('{"a":' * depth + "1" + "}" * depth)


def test_depth_can_be_checked_of_a_value_at_hand() -> None:
    check_depth({"a": {"b": 1}}, name="It", deepest=2)
    with pytest.raises(InputError, match="more than 1 levels"):
        check_depth({"a": {"b": 1}}, name="It", deepest=1)


@pytest.mark.parametrize("content", ['{"a": 1, "a": 2}', '{"x": [{"a": 1, "b": 2, "a": 1}]}', '{"a": 1, "\\u0061": 2}'])
def test_a_key_that_stands_there_twice_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="The arguments has the key 'a'"):
        parse(content)


def test_a_repeated_key_among_very_many_is_found_at_once() -> None:
    keys = ",".join(f'"{number}":0' for number in [*range(80_000), 79_999])
    with pytest.raises(InputError, match="'79999'"):
        parse(f"{{{keys}}}")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5_000])
def test_numbers_nobody_can_write_down_again_are_refused(number: str) -> None:
    with pytest.raises(InputError, match="number"):
        parse(f'{{"a": [{number}]}}')


@given(st.text() | st.binary() | st.text('[]{}:,"\\ud8019eE.-+ntrufalse ', max_size=30))
def test_whatever_passes_has_canonical_bytes(content: str | bytes) -> None:
    try:
        value = parse(content)
    except InputError:
        return
    assert parse(canonical_bytes(value)) == value
