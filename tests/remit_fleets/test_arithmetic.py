"""The `calculate` tool: exact, small, and closed to everything that is not arithmetic."""

import pytest

from remit_fleets.retail.arithmetic import calculate
from remit_fleets.retail.errors import ShopError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("54.04", "54.04"),
        ("(269.16 - 272.33) + (249.01 - 262.47)", "-16.63"),
        ("2 * (3 + 4) / 7", "2.0"),
        ("1 / 3", "0.33"),
        ("0.1 + 0.2 - 0.3", "0.0"),
        ("-(2 - 5)", "3.0"),
        (" .5 + 5. ", "5.5"),
    ],
)
def test_a_sum_is_calculated_exactly_and_rounded_to_two_places(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    ["", " ", "1 +", "2 ** 9", "7 // 2", "1 / 0", "1e3", "abs(1)", "1, 2", "(1", "01", "1\n2", "(" * 900, "9" * 1_001],
)
def test_what_is_no_sum_is_refused(expression: str) -> None:
    with pytest.raises(ShopError) as refusal:
        calculate(expression)
    assert refusal.value.kind == "bad_expression"


def test_a_number_too_large_to_write_is_refused() -> None:
    with pytest.raises(ShopError):
        calculate("9" * 400 + ".0 * 10")
