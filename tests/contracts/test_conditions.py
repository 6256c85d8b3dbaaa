"""Conditions are decided the same way everywhere; what is not in the language is refused."""

from typing import Any

import pytest

from remit.contracts import Compare, Field, FieldType, Not, OneOf, can_hold, cells, holds, parse_condition
from remit.core import InputError

VALUES: dict[str, Any] = {
    "amount": 50,
    "rate": 0.1,
    "partial": False,
    "reason": "late",
    "tags": ["vip", 3],
    "on": "2026-11-20",
    "at": "2026-11-20T09:00:00+01:00",
    "none": None,
    "facts": {"owner": True},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount <= 50", True),
        ("amount < 50", False),
        ("50 >= amount", True),
        ("0 < amount <= 50", True),
        ("rate == 0.1", True),
        ("amount == 50.0", True),
        ("not partial", True),
        ("partial == False and amount > 1", True),
        ("reason == 'late' or partial", True),
        ("reason in ['late', 'broken']", True),
        ("reason not in ['late', 'broken']", False),
        ("'vip' in tags", True),
        ("3 in tags", True),
        ("'x' not in tags", True),
        ("facts.owner", True),
        ("on < '2026-12-01'", True),
        ("at < '2026-11-20T08:30:00Z'", True),  # an hour ahead of UTC
        ("at > '2026-11-20T08:30:00Z'", False),
        ("reason < 'zzz'", False),  # texts have no order
        ("'l' in reason", False),  # nor are they lists
        ("reason == 1", False),
        ("partial == 0", False),
    ],
)
def test_conditions_are_decided(text: str, expected: bool) -> None:
    assert holds(parse_condition(text), VALUES) is expected


@pytest.mark.parametrize("text", ["absent > 1", "not absent", "none == 'x'", "absent or amount == 50", "facts.none"])
def test_a_condition_about_an_absent_field_does_not_hold(text: str) -> None:
    assert not holds(parse_condition(text), VALUES)


@pytest.mark.parametrize("value", [None, [], {}, [1], {"a": 1}, "text", True, 1.5])
@pytest.mark.parametrize("text", ["x < 5", "x == 'a'", "x in [1, 'a']", "1 in x", "x", "x.y == 1", "x < '2026-01-01'"])
def test_a_value_of_another_type_is_no_fault(text: str, value: Any) -> None:
    assert holds(parse_condition(text), {"x": value}) in (True, False)


@pytest.mark.parametrize(
    "text",
    ["", "a ==", "f(x)", "a + 1 > 2", "a == b", "a[0] == 1", "x.y()", "lambda: 1", "a is True", "a == None", "[1]",
     "a == b'x'", "__import__('os').system('x')", "(a := 1)", "a if b else c", "a == -'x'", "1 == 1", "\0",
     "(" * 900, "not " * 240, "x" * 2_000, "a == {1: 2}", "'a' 'b'", "a == 1j"],
)  # fmt: skip
def test_what_is_not_in_the_language_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_condition(text)


def test_conditions_have_a_plain_structure() -> None:
    assert parse_condition("amount <= -5") == Compare(Field(("amount",)), "<=", -5)
    assert parse_condition("r not in ['a']") == Not(OneOf(Field(("r",)), ("a",)))


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("a < 1 and a > 0", True),
        ("n < 1 and n > 0", False),  # whole numbers
        ("a < 1 and a > 1", False),
        ("a < 1 and not a < 1", False),
        ("e == 'x' and e == 'y'", False),
        ("e != 'x' and e != 'y'", False),  # there is no third
        ("s != 'x' and s != 'y'", True),
        ("b and not b", False),
        ("'x' in t and 'y' in t", True),
        ("'x' in t and 'x' not in t", False),
        ("d < '2026-01-02' and d > '2026-01-01'", True),
        ("d < '2026-01-01' and d > '2026-01-02'", False),
        ("d == '2026-01-01'", True),
        (" and ".join(f"s{i} == 'x'" for i in range(40)), True),  # too many cases to tell: it may
    ],
)
def test_what_can_never_hold_is_known(text: str, possible: bool) -> None:
    types = {
        "a": FieldType("number"),
        "n": FieldType("integer"),
        "e": FieldType("enum", ("x", "y")),
        "s": FieldType("string"),
        "b": FieldType("boolean"),
        "t": FieldType("array", items="string"),
        "d": FieldType("date"),
    }
    assert can_hold(parse_condition(text), types) is possible


def test_cases_lie_on_each_side_of_every_threshold() -> None:
    found = cells([parse_condition("a <= 50"), parse_condition("a <= 500")], {"a": FieldType("integer")})
    assert [cell["a"] for cell in found or ()] == [None, 49, 50, 51, 499, 500, 501]
