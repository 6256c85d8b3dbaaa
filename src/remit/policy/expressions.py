"""Conditions of contracts as Cedar expressions, in the JSON form: no text is ever put together.

A condition that mentions an absent field does not hold, as in `remit.contracts.holds`: the tests for presence stand
in front of the whole condition, outside any `not`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import reduce

from remit.contracts import (
    All,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Field,
    Not,
    OneOf,
    Scalar,
    Truth,
    fields_of,
)
from remit.core import InputError
from remit.policy.cedar import Est
from remit.policy.fields import Shape
from remit.policy.schema import NAMESPACE

CONFIDENCE = ("confidence",)
LARGEST_LONG = 2**63 - 1
# Cedar's decimal is a 64-bit integer of ten-thousandths.
LARGEST_DECIMAL = Decimal(LARGEST_LONG) / 10_000
_DECIMAL_CALLS = {
    "<": "lessThan",
    "<=": "lessThanOrEqual",
    ">": "greaterThan",
    ">=": "greaterThanOrEqual",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields a condition of one tool may mention."""

    tool: str
    input: Mapping[str, Shape]
    facts: Mapping[str, Shape]

    def knows(self, field: Field) -> bool:
        """Tells whether the field exists for this tool."""
        return self._walk(field) is not None

    def shape(self, field: Field) -> Shape:
        """Returns the field's type; an unknown field is an `InputError` that names the nearest."""
        walked = self._walk(field)
        if walked is None:
            raise self._unknown(field)
        return walked[-1][1]

    def access(self, field: Field) -> Est:
        """Returns the expression that reads the field."""
        return reduce(attribute, _context_path(field), var("context"))

    def presence(self, field: Field) -> list[Est]:
        """Returns one test for each optional part of the field's path."""
        tests: list[Est] = []
        holder = var("context")
        steps = _context_path(field)
        shapes = [*([None] * (len(steps) - len(self._walk(field) or ()))), *(self._walk(field) or ())]
        for name, step in zip(steps, shapes, strict=True):
            if step is not None and not step[1].required:
                tests.append({"has": {"left": holder, "attr": name}})
            holder = attribute(holder, name)
        return tests

    def _walk(self, field: Field) -> list[tuple[str, Shape]] | None:
        if field.path == CONFIDENCE:
            return [("confidence", Shape("decimal", required=False))]
        path = field.path[1:] if field.path[0] == "facts" else field.path
        known = self.facts if field.path[0] == "facts" else self.input
        found: list[tuple[str, Shape]] = []
        for name in path:
            if name not in known:
                return None
            found.append((name, known[name]))
            known = known[name].fields
        return found or None

    def _unknown(self, field: Field) -> InputError:
        names = [*self.input, *(f"facts.{name}" for name in self.facts), "confidence"]
        hint = did_you_mean(str(field), names) or f"Policies can see: {', '.join(sorted(names))}"
        return InputError(
            "Unknown field", which=str(field), why=f"{self.tool} has none that policies can see", hint=hint
        )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Returns a question with the name most like `name`, or nothing."""
    near = get_close_matches(name, list(names), 1)
    return f"Did you mean {near[0]!r}?" if near else ""


def var(name: str) -> Est:
    """Returns a variable: context, principal, action, resource."""
    return {"Var": name}


def value(literal: str | int | bool) -> Est:
    """Returns a literal."""
    return {"Value": literal}


def member(kind: str, name: str) -> Est:
    """Returns a literal entity or a member of an enum."""
    return {"Value": {"__entity": {"type": f"{NAMESPACE}::{kind}", "id": name}}}


def attribute(of: Est, name: str) -> Est:
    """Returns `of.name`."""
    return {".": {"left": of, "attr": name}}


def binary(operator: str, left: Est, right: Est) -> Est:
    """Returns `left operator right`."""
    return {operator: {"left": left, "right": right}}


def negated(operand: Est) -> Est:
    """Returns `!operand`."""
    return {"!": {"arg": operand}}


def one_of(options: Iterable[Est], found: Est) -> Est:
    """Returns `[options].contains(found)`."""
    return binary("contains", {"Set": list(options)}, found)


def all_of(parts: Iterable[Est]) -> Est:
    """Returns the conjunction, evaluated left to right; of nothing, true."""
    return _joined("&&", list(parts)) or value(True)


def any_of(parts: Iterable[Est]) -> Est:
    """Returns the disjunction, evaluated left to right; of nothing, false."""
    return _joined("||", list(parts)) or value(False)


def _joined(operator: str, parts: list[Est]) -> Est | None:
    """Joins in halves: Cedar's JSON reader takes no deep nesting."""
    if len(parts) < 2:
        return parts[0] if parts else None
    left, right = _joined(operator, parts[: len(parts) // 2]), _joined(operator, parts[len(parts) // 2 :])
    return {operator: {"left": left, "right": right}}


def decimal_text(number: Decimal | int, *, of: str) -> str:
    """Returns the number as Cedar's decimal takes it, exactly or not at all."""
    exact = Decimal(number)
    if not exact.is_finite() or abs(exact) > LARGEST_DECIMAL:
        raise InputError("The number is too large for policies", which=of, why=f"the limit is {LARGEST_DECIMAL:f}")
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        shorter = exact.quantize(Decimal("0.0001"))
        if shorter != exact:
            raise InputError("The number has more than 4 decimals", which=of, why="policies compare exactly")
        exact = shorter
    whole, _, decimals = f"{exact:f}".partition(".")
    return f"{whole}.{decimals or '0'}"


def condition_guards(condition: Condition, scope: Scope, *, confidence: bool | None = None) -> list[Est]:
    """Returns the tests that every field mentioned is there; `confidence` picks only that one, or all but that one."""
    fields = dict.fromkeys(fields_of(condition))
    picked = [field for field in fields if confidence is None or (field.path == CONFIDENCE) is confidence]
    tests: list[Est] = []
    for field in picked:
        tests += [test for test in scope.presence(field) if test not in tests]
    return tests


def condition_body(condition: Condition, scope: Scope) -> Est:
    """Returns the condition itself; a comparison that makes no sense is an `InputError`."""
    match condition:
        case Not(operand):
            return negated(condition_body(operand, scope))
        case All(operands):
            return all_of(condition_body(operand, scope) for operand in operands)
        case AnyOf(operands):
            return any_of(condition_body(operand, scope) for operand in operands)
        case Truth(field):
            _demand(scope.shape(field).kind == "bool", field, "is not true or false", "Compare it with a value")
            return scope.access(field)
        case Compare(field, operator, literal):
            return _comparison(scope.access(field), field, scope.shape(field), operator, literal)
        case OneOf(field, literals):
            _demand(bool(literals), field, "is compared with an empty list", "Name at least one value")
            options = [_literal(literal, scope.shape(field), field) for literal in literals]
            return one_of(options, scope.access(field))
        case Contains(field, literal):
            item = scope.shape(field).item
            if item is None:
                raise InputError("Not a list", which=str(field), hint="Only a list can contain something")
            return binary("contains", scope.access(field), _literal(literal, item, field))


def _comparison(found: Est, field: Field, shape: Shape, operator: str, literal: Scalar) -> Est:
    fixed = _literal(literal, shape, field)
    if operator in ("==", "!="):
        return binary(operator, found, fixed)
    ordered = shape.kind in ("long", "decimal", "moment")
    _demand(ordered, field, "has no order", "Compare it with ==, != or in")
    return {_DECIMAL_CALLS[operator]: [found, fixed]} if shape.kind == "decimal" else binary(operator, found, fixed)


def _literal(literal: Scalar, shape: Shape, field: Field) -> Est:
    number = isinstance(literal, int | Decimal) and not isinstance(literal, bool)
    match shape.kind:
        case "bool":
            _demand(isinstance(literal, bool), field, "is true or false", "Write True or False")
            return value(bool(literal))
        case "long":
            whole = isinstance(literal, int | Decimal) and number and literal == int(literal)
            _demand(whole and abs(Decimal(literal)) < LARGEST_LONG, field, "needs a whole number", "Write it so")
            return value(int(literal))
        case "decimal":
            _demand(number, field, "needs a number", "Write it without quotes")
            return {"decimal": [value(decimal_text(Decimal(literal), of=str(literal)))]}
        case "text" | "enum" | "moment":
            _demand(isinstance(literal, str), field, "needs text", "Put it in quotes")
            return _text(str(literal), shape, field)
        case "set" | "record":
            raise InputError("Not a single value", which=str(field), hint="Name a field inside it, or use `in`")


def _text(literal: str, shape: Shape, field: Field) -> Est:
    if shape.kind == "text":
        return value(literal)
    if shape.kind == "moment":
        return {"datetime": [value(moment_text(literal, of=str(field)))]}
    options = did_you_mean(literal, shape.options) or f"It can be: {', '.join(shape.options)}"
    _demand(literal in shape.options, field, f"is never {literal!r}", options)
    return member(shape.enum, literal)


def moment_text(text: str, *, of: str) -> str:
    """Returns a date, or a date and time with an offset, as Cedar's datetime takes it: UTC, milliseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("Not a date", which=of, why=text, hint="Write 2026-11-02 or 2026-11-02T09:00:00Z") from error
    if len(text) == len("2026-11-02"):
        moment = moment.replace(tzinfo=UTC)
    if moment.tzinfo is None or moment.microsecond % 1000:
        raise InputError("Not an exact date for policies", which=of, why="it needs an offset and milliseconds at most")
    try:
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError as error:
        raise InputError("Not a date", which=of, why=text) from error


def _demand(holds: bool, field: Field, problem: str, hint: str) -> None:
    if not holds:
        raise InputError(f"{str(field)!r} {problem}", hint=hint)


def _context_path(field: Field) -> tuple[str, ...]:
    if field.path == CONFIDENCE:
        return ("session", "confidence")
    return field.path if field.path[0] == "facts" else ("input", *field.path)
