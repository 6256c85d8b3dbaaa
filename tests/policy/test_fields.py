"""Which fields of a JSON Schema policies can see, and as what."""

from typing import Any

import pytest

from remit.policy.fields import Shape, identifier, shapes


def shape(schema: dict[str, Any], definitions: dict[str, Any] | None = None, *, required: bool = True) -> Shape | None:
    whole = {"type": "object", "properties": {"f": schema}, "required": ["f"] if required else []}
    whole["$defs"] = definitions or {}
    return shapes(whole, "shop__buy_Input").get("f")


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "boolean"}, "bool"),
        ({"type": "integer"}, "long"),
        ({"type": "integer", "enum": [1, 2]}, "long"),
        ({"type": "number"}, "decimal"),
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "email"}, "text"),
        ({"type": "string", "format": "date"}, "moment"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"enum": ["a", "b"]}, "enum"),
        ({"const": "a"}, "enum"),
        ({"type": "array", "items": {"type": "string"}}, "set"),
        ({"type": "object", "properties": {"x": {"type": "integer"}}}, "record"),
        ({"$ref": "#/$defs/money"}, "decimal"),
    ],
)
def test_a_plain_field_is_visible(schema: dict[str, Any], kind: str) -> None:
    found = shape(schema, {"money": {"type": "number"}})
    assert found
    assert found.kind == kind
    assert found.required


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "x-policy-hidden": True},
        {"$ref": "#/$defs/hidden"},
        {"$ref": "#/$defs/money", "x-policy-hidden": True},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "x-policy-hidden": True},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "#/$defs/loop"},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": ["string", "integer"]},
        {"allOf": [{"type": "string"}]},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
        {"type": "array", "items": {"type": ["string", "null"]}},
        {"type": "array"},
        {"enum": ["a", 1]},
        {},
        True,
    ],
)
def test_what_has_no_plain_type_is_not_visible(schema: Any) -> None:
    definitions = {
        "money": {"type": "number"},
        "hidden": {"type": "number", "x-policy-hidden": True},
        "loop": {"$ref": "#/$defs/loop"},
    }
    assert shape(schema, definitions) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/name"}]},
        {"enum": ["a", None]},
    ],
)
def test_what_may_be_null_is_optional(schema: dict[str, Any]) -> None:
    found = shape(schema, {"name": {"type": "string"}})
    assert found
    assert not found.required
    assert not (shape({"type": "string"}, required=False) or Shape("text")).required


def test_a_schema_that_contains_itself_ends() -> None:
    node = {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}}
    assert shape({"$ref": "#/$defs/node"}, {"node": node})


def test_two_names_never_become_one_identifier() -> None:
    names = ["a-b__c", "a_b__c", "a.b__c", "1a__c", "T_1a__c"]
    identifiers = [identifier(name) for name in names]
    assert len(set(identifiers)) == len(names)
    assert all(each.isidentifier() for each in identifiers)
    assert identifier("shop__buy") == "shop__buy"
