"""Properties of money, for whatever amounts the machine thinks of."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from remit.core import MICRO, InputError, Money
from remit.core.money import LARGEST

MICROS = st.integers(-LARGEST, LARGEST)
AMOUNTS = MICROS.map(lambda micros: Money(micros, "EUR"))


@given(AMOUNTS)
def test_what_is_written_is_read_back_exactly(amount: Money) -> None:
    assert Money.parse(str(amount)) == amount


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_sums_do_not_depend_on_the_order(one: Money, two: Money, three: Money) -> None:
    assert (one + two) + three == three + (two + one)
    assert one + two - two == one


@given(AMOUNTS, AMOUNTS)
def test_amounts_are_ordered_as_their_numbers(one: Money, two: Money) -> None:
    assert (one < two) == (one.micros < two.micros)
    assert (one <= two) == (not two < one)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_number_becomes_money_exactly_or_not_at_all(number: Decimal) -> None:
    try:
        micros = Money.of(number, "EUR").micros
    except InputError:
        return
    assert Decimal(micros).scaleb(-6) == number
    assert abs(micros) <= LARGEST


@given(st.text() | st.text("0123456789.-eE_ EUR", max_size=20))
def test_any_text_is_money_or_refused(text: str) -> None:
    try:
        money = Money.parse(text)
    except InputError:
        return
    assert Decimal(text.split()[0]) * MICRO == money.micros
