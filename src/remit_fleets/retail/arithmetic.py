"""The `calculate` tool: + - * / and parentheses over plain numbers, exactly."""

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from remit_fleets.retail.errors import ShopError

_ALLOWED = re.compile(r"[0-9+\-*/(). ]+")
# A sum over a whole order is a tenth of this; a longer one is not a question about money.
_LONGEST = 1_000

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
}
_UNARY: dict[type[ast.unaryop], Callable[[Fraction], Fraction]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def calculate(expression: str) -> str:
    """Returns the value as text, rounded to two places."""
    if len(expression) > _LONGEST or not _ALLOWED.fullmatch(expression):
        raise ShopError("bad_expression", "only numbers, + - * / ( ) . and spaces are understood")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
        return str(float(round(value, 2)))
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ShopError("bad_expression", f"{expression!r} cannot be calculated") from error


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(int() | float() as number):
            # By its text, so that 0.1 is a tenth.
            return Fraction(str(number))
        case ast.UnaryOp(sign, operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(left, sign, right) if type(sign) in _BINARY:
            return _BINARY[type(sign)](_value(left), _value(right))
        case _:
            raise ValueError(ast.unparse(node))
