"""Fields marked as somebody's are found wherever a schema may say so."""

from typing import Any

import pytest

from remit.gateway.release import personal_fields

PERSONAL = {"type": "string", "x-subject": "customer"}
PERSON = {"type": "object", "properties": {"name": PERSONAL, "age": {"type": "integer"}}}


def fields(**properties: Any) -> dict[str, Any]:
    """Returns the schema of an object with these fields."""
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (fields(mail=PERSONAL, count={"type": "integer"}), {"mail"}),
        (fields(person=PERSON), {"person.name"}),
        (fields(x=True, y=False, mail=PERSONAL), {"mail"}),
        (fields(people={"type": "array", "items": PERSON}), {"people.name"}),
        (fields(rows={"type": "array", "items": {"type": "array", "items": PERSON}}), {"rows.name"}),
        (fields(mails={"type": "array", "items": PERSONAL}), {"mails"}),
        (fields(pair={"prefixItems": [True, PERSON], "items": False}), {"pair.name"}),
        (fields(people={"properties": {"lead": PERSONAL}, "items": PERSON}), {"people.lead", "people.name"}),
        (fields(by_name={"additionalProperties": PERSONAL}), {"by_name"}),
        (fields(by_name={"patternProperties": {"^x": PERSONAL}}), {"by_name"}),
        ({}, set[str]()),
        ({"properties": {}}, set[str]()),
    ],
)
def test_a_marked_field_is_found(schema: dict[str, Any], found: set[str]) -> None:
    assert set(personal_fields(schema)) == found


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_a_marked_field_is_found_in_every_alternative(word: str) -> None:
    top = {word: [fields(mail=PERSONAL), True, {"$ref": "#/$defs/person"}], "$defs": {"person": PERSON}}
    assert set(personal_fields(top)) == {"mail", "name"}
    assert set(personal_fields(fields(who={word: [{"type": "null"}, PERSONAL]}))) == {"who"}


def test_a_marked_field_is_found_where_a_condition_applies() -> None:
    assert set(personal_fields({"if": True, "then": fields(mail=PERSONAL), "else": fields(iban=PERSONAL)})) == {
        "mail",
        "iban",
    }


def test_a_marked_field_is_found_behind_references() -> None:
    definitions = {
        "schemas/person.json": PERSON,
        "mail": PERSONAL,
        "also": {"$ref": "#/$defs/mail"},
        "either": {"anyOf": [True, PERSONAL]},
    }
    properties = {
        "person": {"$ref": "#/$defs/schemas~1person.json"},
        "mail": {"$ref": "#/$defs/also", "description": "Where to write to."},
        "own": {"$ref": "#/$defs/nothing", "x-subject": "customer"},
        "name": {"$ref": "#/$defs/schemas~1person.json/properties/name"},
        "either": {"$ref": "#/%24defs/either/anyOf/1"},
        "neither": {"$ref": "#/$defs/either/anyOf/2"},
        "far": {"$ref": "https://a.example/person.json"},
    }
    found = personal_fields({"properties": properties, "$defs": definitions})
    assert sorted(found) == ["either", "mail", "name", "own", "person.name"]


def test_a_field_is_named_once() -> None:
    both = {"allOf": [PERSONAL, {"$ref": "#/$defs/mail"}]}
    assert personal_fields({"properties": {"mail": both}, "$defs": {"mail": PERSONAL}}) == ("mail",)


def test_where_a_schema_holds_itself_all_of_it_counts_as_marked() -> None:
    tree = {"properties": {"name": PERSONAL, "children": {"type": "array", "items": {"$ref": "#"}}}}
    assert set(personal_fields(tree)) == {"name", "children"}


def test_a_schema_that_holds_itself_without_a_marked_field_has_none() -> None:
    tree = {"properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}}
    assert personal_fields(tree) == ()


@pytest.mark.parametrize(
    "loop", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}]
)
def test_references_in_a_circle_come_to_an_end(loop: dict[str, Any]) -> None:
    assert personal_fields(loop) == ()


def test_what_is_nested_too_deeply_to_look_into_counts_as_marked() -> None:
    schema: dict[str, Any] = PERSONAL
    for _ in range(100):
        schema = fields(x=schema)
    (deep,) = personal_fields(schema)
    assert set(deep.split(".")) == {"x"}


def test_references_that_multiply_are_looked_at_in_time() -> None:
    links = {f"d{i}": fields(a={"$ref": f"#/$defs/d{i + 1}"}, b={"$ref": f"#/$defs/d{i + 1}"}) for i in range(60)}
    found = personal_fields({"$ref": "#/$defs/d0", "$defs": {**links, "d60": fields(mail=PERSONAL)}})
    assert found
