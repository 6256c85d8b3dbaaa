"""Conditions and files of every kind: read back as written, decided without a fault, never an exception."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.sample import examples

from remit.contracts import (
    All,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Field,
    FieldType,
    Not,
    OneOf,
    Truth,
    can_hold,
    condition_problems,
    holds,
    normalise,
    parse_condition,
    parse_contract,
)
from remit.core import InputError

TYPES: Mapping[str, FieldType] = {
    "flag": FieldType("boolean"),
    "count": FieldType("integer"),
    "amount": FieldType("number"),
    "name": FieldType("string"),
    "kind": FieldType("enum", ("a", "b", "c")),
    "day": FieldType("date"),
    "tags": FieldType("array", items="string"),
    "facts.owner": FieldType("boolean"),
}

whole = st.integers(-(10**12), 10**12)
decimals = st.decimals(-(10**9), 10**9, places=4).map(lambda d: d.normalize() + Decimal(0))
texts = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Z"]), max_size=8)
days = st.dates().map(lambda day: day.isoformat())
ordering = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
equality = st.sampled_from(["==", "!="])


def field(name: str) -> Field:
    return Field(tuple(name.split(".")))


atoms = st.one_of(
    st.sampled_from([Truth(field("flag")), Truth(field("facts.owner"))]),
    st.builds(Compare, st.just(field("count")), ordering, whole),
    st.builds(Compare, st.just(field("amount")), ordering, whole),
    st.builds(Compare, st.just(field("name")), equality, texts),
    st.builds(Compare, st.just(field("day")), ordering, days),
    st.builds(OneOf, st.just(field("kind")), st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)),
    st.builds(Contains, st.just(field("tags")), texts),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
    ),
    max_leaves=5,
)
values: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "count": whole,
        "amount": whole | st.floats(-1e9, 1e9) | st.none(),
        "name": st.text(max_size=8),
        "kind": st.sampled_from("abc"),
        "day": days,
        "tags": st.lists(texts, max_size=3),
        "facts": st.fixed_dictionaries({}, optional={"owner": st.booleans()}),
    },
)


def written(condition: Condition) -> str:
    """Writes a condition as an author would, with every bracket."""
    match condition:
        case Truth(path):
            return str(path)
        case Compare(path, operator, literal):
            return f"{path} {operator} {literal!r}"
        case OneOf(path, literals):
            return f"{path} in {list(literals)!r}"
        case Contains(path, literal):
            return f"{literal!r} in {path}"
        case Not(operand):
            return f"(not {written(operand)})"
        case All(operands):
            return "(" + " and ".join(map(written, operands)) + ")"
        case AnyOf(operands):
            return "(" + " or ".join(map(written, operands)) + ")"


@given(conditions)
def test_a_condition_is_read_back_as_it_was_written(condition: Condition) -> None:
    assert parse_condition(written(condition)) == condition
    assert list(condition_problems(condition, TYPES)) == []


@given(conditions, values)
def test_a_condition_is_decided_for_every_value_and_never_for_an_absent_one(
    condition: Condition, value: dict[str, Any]
) -> None:
    decided = holds(condition, value)
    assert decided in (True, False)
    if decided:
        assert not holds(Not(condition), value)
        assert can_hold(condition, TYPES)


@given(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), decimals, decimals)
def test_decimals_are_compared_exactly(operator: Any, value: Decimal, literal: Decimal) -> None:
    condition = parse_condition(f"amount {operator} {literal:f}")
    expected = {"<": value < literal, "<=": value <= literal, ">": value > literal, ">=": value >= literal,
                "==": value == literal, "!=": value != literal}[operator]  # fmt: skip
    assert holds(condition, {"amount": value}) is expected


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_an_input_error(text: str) -> None:
    try:
        condition = parse_condition(text)
    except InputError:
        return
    assert holds(condition, {}) in (True, False)


@settings(max_examples=examples(60))
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"---\n{text}\n---\n## Steps\n{text}".encode()))
def test_any_file_is_findings_and_never_an_exception(content: bytes) -> None:
    with TemporaryDirectory() as name:
        path = Path(name) / "agents/x.agent.md"
        path.parent.mkdir()
        path.write_bytes(content)
        contract, findings = parse_contract(path, Path(name))
        assert contract is None
        assert findings
        assert all(finding.line > 0 for finding in findings)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner))
)
def test_normalising_twice_is_normalising_once(value: Any) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {name: {"$ref": "#"} for name in "abc"}}
    once = normalise(schema, value)
    assert normalise(schema, once) == once
