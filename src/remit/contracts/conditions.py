"""The condition language: one Python-like expression over typed fields, for triggers, authority, steps and success.

    condition  = or, and, not over comparisons
    comparison = field OP literal | literal in field | field in [literals] | field | facts.field OP literal
    OP         = ==  !=  <  <=  >  >=

Everything else (calls, arithmetic, two fields compared) is an `InputError`, so every condition can be compiled to
Cedar, decided in plain Python and enumerated at its thresholds.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, cast

from remit.core import InputError

Scalar = str | bool | int | Decimal
Operator = Literal["==", "!=", "<", "<=", ">", ">="]

_OPERATORS: dict[type[ast.cmpop], Operator] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED: dict[Operator, Operator] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Longer conditions belong into a fact, where they can be tested.
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Field:
    """A value by its path: `("amount",)`, `("facts", "owner")`."""

    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean field standing alone."""

    field: Field


@dataclass(frozen=True, slots=True)
class Compare:
    """`field OP literal`."""

    field: Field
    operator: Operator
    literal: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """`field in [literals]`."""

    field: Field
    literals: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """`literal in field`, where the field is an array."""

    field: Field
    literal: Scalar


@dataclass(frozen=True, slots=True)
class Not:
    """The operand does not hold."""

    operand: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every operand holds."""

    operands: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some operand holds."""

    operands: tuple["Condition", ...]


Condition = Truth | Compare | OneOf | Contains | Not | All | AnyOf


def parse_condition(text: str) -> Condition:
    """Returns the condition `text` says; what the language lacks is an `InputError` that names it."""
    if len(text) > LONGEST:
        raise InputError("The condition is too long", why=f"{len(text)} characters, the limit is {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            "Not a condition", which=text, hint="Write something like: amount <= 50 and not partial"
        ) from error
    return _condition(tree.body)


def condition_of(text: str) -> Condition:
    """Returns the condition `text` says, where no text means always."""
    return parse_condition(text) if text else All(())


def fields_of(condition: Condition) -> Iterator[Field]:
    """Yields every field mentioned, with repetitions, in reading order."""
    match condition:
        case Not(operand):
            yield from fields_of(operand)
        case All(operands) | AnyOf(operands):
            for operand in operands:
                yield from fields_of(operand)
        case Truth(field) | Compare(field) | OneOf(field) | Contains(field):
            yield field


def holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    """Decides `condition` over nested `values`. A condition that mentions an absent (or null) field does not hold."""
    if any(value_at(values, field.path) is None for field in fields_of(condition)):
        return False
    return _holds(condition, values)


def value_at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Returns the value at `path`, or None."""
    found: Any = values
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found  # pyright: ignore[reportUnknownVariableType]


def _holds(condition: Condition, values: Mapping[str, Any]) -> bool:
    match condition:
        case Not(operand):
            return not _holds(operand, values)
        case All(operands):
            return all(_holds(operand, values) for operand in operands)
        case AnyOf(operands):
            return any(_holds(operand, values) for operand in operands)
        case Truth(field):
            return value_at(values, field.path) is True
        case Compare(field, operator, literal):
            return _compare(value_at(values, field.path), operator, literal)
        case OneOf(field, literals):
            return any(_compare(value_at(values, field.path), "==", literal) for literal in literals)
        case Contains(field, literal):
            items = value_at(values, field.path)
            return isinstance(items, list) and any(_compare(item, "==", literal) for item in cast("list[Any]", items))


def _compare(value: Any, operator: Operator, literal: Scalar) -> bool:
    if isinstance(value, bool) != isinstance(literal, bool):
        return False
    if isinstance(value, float):
        value = Decimal(str(value))
    if isinstance(value, str) != isinstance(literal, str) or not isinstance(value, str | int | Decimal):
        return False
    if isinstance(value, str) and isinstance(literal, str) and operator not in ("==", "!="):
        return _compare_moments(value, operator, literal)
    return _ordered(value, operator, literal)


def _compare_moments(value: str, operator: Operator, literal: str) -> bool:
    """Only dates and times have an order among texts; `2026-11-01T09:00+01:00` is before `2026-11-01T08:30Z`."""
    moments = [_moment(value), _moment(literal)]
    return None not in moments and _ordered(moments[0], operator, moments[1])


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ordered(value: Any, operator: Operator, literal: Any) -> bool:
    match operator:
        case "==":
            return value == literal
        case "!=":
            return value != literal
        case "<":
            return value < literal
        case "<=":
            return value <= literal
        case ">":
            return value > literal
        case ">=":
            return value >= literal


def _condition(node: ast.expr) -> Condition:
    match node:
        case ast.BoolOp(ast.And(), values):
            return All(tuple(_condition(value) for value in values))
        case ast.BoolOp(ast.Or(), values):
            return AnyOf(tuple(_condition(value) for value in values))
        case ast.UnaryOp(ast.Not(), operand):
            return Not(_condition(operand))
        case ast.Compare(left, operators, comparators):
            return _comparison(left, operators, comparators)
        case ast.Name() | ast.Attribute():
            return Truth(_field(node))
        case _:
            raise _not_allowed(node)


def _comparison(left: ast.expr, operators: list[ast.cmpop], comparators: list[ast.expr]) -> Condition:
    if len(operators) > 1:  # 0 < amount <= 50
        sides = [left, *comparators]
        return All(tuple(_comparison(sides[i], [operators[i]], [sides[i + 1]]) for i in range(len(operators))))
    right = comparators[0]
    if isinstance(operators[0], ast.In | ast.NotIn):
        inside = _membership(left, right)
        return Not(inside) if isinstance(operators[0], ast.NotIn) else inside
    operator = _OPERATORS.get(type(operators[0]))
    if operator is None:
        raise InputError("Not allowed in a condition", which=type(operators[0]).__name__.lower())
    if _is_literal(left):
        return Compare(_field(right), _MIRRORED[operator], _literal(left))
    return Compare(_field(left), operator, _literal(right))


def _membership(left: ast.expr, right: ast.expr) -> Condition:
    if isinstance(right, ast.List | ast.Tuple | ast.Set):
        return OneOf(_field(left), tuple(_literal(item) for item in right.elts))
    return Contains(_field(right), _literal(left))


def _field(node: ast.expr) -> Field:
    match node:
        case ast.Name(name):
            return Field((name,))
        case ast.Attribute(value, name):
            return Field((*_field(value).path, name))
        case _:
            raise _not_allowed(node)


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub))


def _literal(node: ast.expr) -> Scalar:
    match node:
        case ast.Constant(bool() | int() | str() as value):
            return value
        case ast.Constant(float()):
            return Decimal(ast.unparse(node))
        case ast.UnaryOp(ast.USub(), ast.Constant() as operand):
            value = _literal(operand)
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                return -value
        case _:
            pass
    raise _not_allowed(node, "A comparison needs a fixed value here")


def _not_allowed(node: ast.expr, why: str = "") -> InputError:
    return InputError(
        f"{type(node).__name__} is not allowed in a condition",
        which=ast.unparse(node),
        why=why,
        hint="Use and, or, not, comparisons with fixed values, in, field names and facts.NAME",
    )
