"""Canonical bytes: one value has one spelling, and two values never share one."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core import canonical_bytes, digest, digest_of

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def typed(value: Any) -> Any:
    """Tells apart what Python holds equal: 1, 1.0 and True; 0.0 and -0.0; dicts are compared without order."""
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [typed(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return type(value).__name__, repr(value)


def test_the_bytes_are_compact_sorted_utf8() -> None:
    assert (
        canonical_bytes({"b": [1, 2.5, None], "a": "Zoë", "Z": True})
        == '{"Z":true,"a":"Zoë","b":[1,2.5,null]}'.encode()
    )


def test_keys_are_sorted_by_code_point_not_by_utf16_unit() -> None:
    assert canonical_bytes({"\U0001f600": 1, "\ufb33": 2}) == '{"\ufb33":2,"\U0001f600":1}'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_bytes({"n": [number]})


@given(VALUES)
def test_the_bytes_read_back_as_the_same_value(value: Any) -> None:
    assert typed(json.loads(canonical_bytes(value))) == typed(value)


@given(VALUES, VALUES)
def test_two_values_share_bytes_only_when_they_are_one_value(one: Any, two: Any) -> None:
    assert (canonical_bytes(one) == canonical_bytes(two)) == (typed(one) == typed(two))


@given(st.dictionaries(st.text(), SCALARS, min_size=2))
def test_the_order_of_keys_does_not_count(value: dict[str, Any]) -> None:
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


def test_a_digest_names_its_algorithm() -> None:
    assert digest(b"x") == "sha256:" + hashlib.sha256(b"x").hexdigest()
    assert digest_of({"a": 1}) == digest(b'{"a":1}')
