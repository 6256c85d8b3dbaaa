"""Values are judged in one form, and what is wrong with them is told without repeating them."""

from typing import Any

import pytest

from remit.contracts import FieldType, compile_schema, field_types, normalise, scalar_type
from remit.core import InputError

REFUND: dict[str, Any] = {
    "type": "object",
    "required": ["amount", "card", "note"],
    "additionalProperties": False,
    "properties": {
        "amount": {"type": "number", "minimum": 0},
        "card": {"type": "string", "pattern": "^[0-9]{16}$", "x-subject": "customer"},
        "reason": {"enum": ["late", "broken"]},
        "note": {"type": ["string", "null"]},
        "on": {"type": "string", "format": "date"},
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"$ref": "#/$defs/address"},
        "extra": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "again": {"$ref": "#"},
        "a.b": {"type": "string"},
    },
    "$defs": {
        "address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "zip": {"const": "1"}}}
    },
}  # fmt: skip


def test_problems_name_the_path_and_what_is_expected_but_never_the_value() -> None:
    problems = compile_schema(REFUND).problems(
        {"amount": -77_001, "card": "SECRET", "note": None, "reason": "SECRET", "on": "SECRET", "either": ["SECRET"],
         "address": {"zip": "SECRET"}, "lines": [{"sku": 77_001}], "more": "SECRET"}
    )  # fmt: skip
    told = "\n".join(problems)
    for expected in (
        "amount: the value is less than the minimum of 0",
        'card: the value does not match "^[0-9]{16}$"',
        'reason: the value is not one of "late" or "broken"',
        'on: the value is not a "date"',
        "address.city is missing",
        'lines[0].sku: the value is not of type "string"',
        "either fits none of its alternatives",
        "more is not a known field",
    ):
        assert expected in told, told
    assert "SECRET" not in told
    assert "77001" not in told


def test_a_value_that_fits_has_no_problems_and_schemas_are_compiled_once() -> None:
    validator = compile_schema(REFUND)
    assert validator.problems({"amount": 1, "card": "4" * 16, "note": None}) == []
    assert compile_schema(dict(reversed(REFUND.items()))) is validator


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strin"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/none"},
        {"pattern": "("},
        {"pattern": "(a)\\1"},
        {"properties": []},
    ],
)
def test_an_unsound_schema_is_refused_without_a_look_at_the_network(schema: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Not a sound JSON Schema"):
        compile_schema(schema)


def test_a_pattern_is_matched_in_linear_time() -> None:
    validator = compile_schema({"type": "string", "pattern": "^(a+)+$"})
    assert validator.problems("a" * 50_000 + "b")


def test_a_null_in_an_optional_field_is_an_absent_field() -> None:
    value = {"amount": 1.0, "card": None, "note": None, "reason": None, "unknown": None,
             "lines": [{"sku": None}, {"sku": "x"}], "address": {"city": None, "zip": None}}  # fmt: skip
    assert normalise(REFUND, value) == {
        "amount": 1.0, "card": None, "note": None, "unknown": None,
        "lines": [{}, {"sku": "x"}], "address": {"city": None},
    }  # fmt: skip


def test_what_conditions_may_say_about_a_schema() -> None:
    assert field_types(REFUND) == {
        "amount": FieldType("number", required=True),
        "card": FieldType("string", required=True),
        "reason": FieldType("enum", ("late", "broken")),
        "note": FieldType("string"),
        "on": FieldType("date"),
        "at": FieldType("date-time"),
        "lines": FieldType("array"),
        "tags": FieldType("array", items="string"),
        "address.city": FieldType("string"),
        "address.zip": FieldType("enum", ("1",)),
        "extra": FieldType("opaque"),
        "either": FieldType("opaque"),
    } | {name: kind for name, kind in field_types(REFUND).items() if name.startswith("again")}
    assert max(name.count("again") for name in field_types(REFUND)) < 10


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"enum": ["a", None]}, FieldType("enum", ("a",))),
        ({"enum": [1, 2]}, FieldType("integer", required=True)),
        ({"enum": [True]}, FieldType("boolean", required=True)),
        ({"enum": [1, "a"]}, FieldType("opaque", required=True)),
        ({"type": "array", "items": {"enum": ["a"]}}, FieldType("array", ("a",), "enum", required=True)),
        ({"type": "array", "items": {"type": "array"}}, FieldType("array", required=True)),
        ({"type": ["string", "integer"]}, FieldType("opaque", required=True)),
        ({"type": "string", "allOf": [{"minLength": 1}]}, FieldType("opaque", required=True)),
        ({}, FieldType("opaque", required=True)),
    ],
)
def test_the_type_of_one_value(schema: dict[str, Any], expected: FieldType) -> None:
    assert scalar_type(schema) == expected
