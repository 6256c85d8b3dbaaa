"""What people see describes itself where a schema is asked for, and nowhere before."""

from typing import Annotated

from pydantic import Field

from remit.operations import Page, Shown


class Parent(Shown):
    """Something shown."""

    plain: str
    """A text below it."""
    named: Annotated[str, Field(serialization_alias="as")] = ""
    """Over
    two lines."""
    bare: int = 0


class Child(Parent):
    """Something more."""

    more: str = ""
    """Of its own."""
    inner: Parent | None = None
    """Another one."""


def described(model: type[Shown]) -> dict[str, str]:
    properties = model.model_json_schema(mode="serialization")["properties"]
    return {name: field["description"] for name, field in properties.items() if "description" in field}


def test_each_field_is_described_by_the_text_below_it() -> None:
    assert described(Parent) == {"plain": "A text below it.", "as": "Over\ntwo lines."}


def test_what_it_is_made_from_is_described_too() -> None:
    assert described(Child) == {**described(Parent), "more": "Of its own.", "inner": "Another one."}
    assert described(Page[Parent])["next"].startswith("Give it as `after`")


def test_nothing_is_read_from_the_source_before() -> None:
    assert {field.description for field in Child.model_fields.values()} == {None}
