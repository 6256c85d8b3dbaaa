"""Forms from JSON Schemas: what they ask, what they read, and that nothing typed is lost."""

from typing import Any

from remit.web.schema_form import read_form, show_form

REFUND: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "minLength": 1, "maxLength": 40},
        "amount": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
        "times": {"type": ["integer", "null"]},
        "urgent": {"type": "boolean"},
        "category": {"enum": ["refund", "question"], "description": "What it is about."},
        "on": {"type": "string", "format": "date"},
        "why": {"type": "string", "maxLength": 500, "x-subject": "customer"},
        "address": {"type": "object"},
    },
    "required": ["order_id", "amount", "why"],
    "additionalProperties": False,
}
TYPED = {"arg.order_id": "R-1", "arg.amount": "40.5", "arg.why": "broken"}


def test_each_kind_of_property_has_its_field() -> None:
    form = show_form(REFUND)

    kinds = {field.label: field.kind for field in form.fields}
    assert kinds == {
        "order_id": "text",
        "amount": "number",
        "times": "integer",
        "urgent": "choice",
        "category": "choice",
        "on": "date",
        "why": "long",
        "address": "json",
    }
    fields = {field.label: field for field in form.fields}
    assert [name for name, field in fields.items() if field.required] == ["order_id", "amount", "why"]
    assert fields["why"].subject == "customer"
    assert fields["category"].says == "What it is about."
    assert fields["urgent"].options == (("true", "yes"), ("false", "no"))


def test_what_was_typed_is_read_as_the_types_ask() -> None:
    more = {
        "arg.times": "3",
        "arg.urgent": "false",
        "arg.category": '"refund"',
        "arg.on": "2026-11-28",
        "arg.address": '{"city": "Kiel"}',
    }
    value, form = read_form(REFUND, {**TYPED, **more})

    assert value == {
        "order_id": "R-1",
        "amount": 40.5,
        "why": "broken",
        "times": 3,
        "urgent": False,
        "category": "refund",
        "on": "2026-11-28",
        "address": {"city": "Kiel"},
    }
    assert not form.has_errors


def test_a_filled_form_is_read_back_as_it_was() -> None:
    value = {"order_id": "R-1", "amount": 40, "why": "", "urgent": True, "address": {"a": [1, None]}}
    typed = {field.name: field.value for field in show_form(REFUND, value).fields}

    assert read_form(REFUND, typed, before=value)[0] == value


def test_what_does_not_fit_is_said_at_its_field_and_nothing_is_lost() -> None:
    typed = {"arg.order_id": "", "arg.amount": "much", "arg.why": "x", "arg.address": "{"}
    value, form = read_form(REFUND, typed)

    assert value is None
    assert {field.label: field.error for field in form.fields if field.error} == {
        "order_id": "this is needed",
        "amount": "this is no number",
        "address": "this is not JSON",
    }
    assert {field.name: field.value for field in form.fields if field.value} == {k: v for k, v in typed.items() if v}


def test_the_schema_has_the_last_word_on_each_field() -> None:
    value, form = read_form(REFUND, {**TYPED, "arg.amount": "-3"})

    assert value is None
    (amount,) = [field for field in form.fields if field.error]
    assert amount.label == "amount"
    assert amount.value == "-3"


def test_a_value_the_fields_cannot_say_is_typed_as_json() -> None:
    form = show_form({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x", "more": 1})
    assert not form.fields
    assert '"more": 1' in form.text

    assert read_form({}, {"arg": '{"a": 1}'})[0] == {"a": 1}
    for text in ("[1]", "{", ""):
        value, shown = read_form({}, {"arg": text})
        assert value is None
        assert shown.text == text
        assert shown.has_errors


def test_a_whole_value_is_held_to_the_schema_too() -> None:
    value, form = read_form(REFUND, {"arg": '{"order_id": "R-1"}'})

    assert value is None
    assert "amount is missing" in form.error
