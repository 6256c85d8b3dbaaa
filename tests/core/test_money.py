"""Money is exact, or it is refused."""

from decimal import Decimal

import pytest

from remit.core import InputError, Money


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0.40 EUR", 400_000),
        ("0.000001 USD", 1),
        ("1.500000 EUR", 1_500_000),
        ("-2 EUR", -2_000_000),
        ("  12.5 EUR ", 12_500_000),
        ("0 EUR", 0),
        ("9223372.036854 EUR", 9_223_372_036_854),
    ],
)
def test_an_amount_is_read_exactly(text: str, micros: int) -> None:
    assert Money.parse(text).micros == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10 eur",
        "10 EURO",
        "EUR 10",
        "10EUR",
        "10  EUR",
        "10 000 EUR",
        "10,5 EUR",
        "1_000 EUR",
        "1e3 EUR",
        "0x10 EUR",
        "+1 EUR",
        ".5 EUR",
        "5. EUR",
        "١ EUR",
        "NaN EUR",
        "Infinity EUR",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"Write it as '0\.40 EUR'"):
        Money.parse(text)


@pytest.mark.parametrize("text", ["0.0000001 EUR", f"1.{'0' * 40}1 EUR", f"0.{'0' * 2000}1 EUR"])
def test_more_than_six_decimals_are_refused_not_rounded(text: str) -> None:
    with pytest.raises(InputError, match="at most six decimals"):
        Money.parse(text)


@pytest.mark.parametrize("text", ["9223372.036855 EUR", "-9223372.036855 EUR", f"{'9' * 5000} EUR"])
def test_a_huge_amount_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="too large"):
        Money.parse(text)


@pytest.mark.parametrize("amount", ["1e999999", "-1e999999", Decimal("1e30"), 10**40])
def test_a_huge_number_is_refused_however_it_is_written(amount: str | int | Decimal) -> None:
    with pytest.raises(InputError, match="too large"):
        Money.of(amount, "EUR")


@pytest.mark.parametrize("amount", ["", "ten", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_refused(amount: str) -> None:
    with pytest.raises(InputError, match="Not a number"):
        Money.of(amount, "EUR")


def test_amounts_of_one_currency_add_subtract_and_compare() -> None:
    one, two = Money.parse("0.10 EUR"), Money.parse("0.20 EUR")
    assert one + two == Money.parse("0.30 EUR")
    assert one - two == Money.parse("-0.10 EUR")
    assert one < two
    assert one <= two
    assert not two <= one


def test_two_currencies_do_not_mix() -> None:
    euro, dollar = Money.parse("1 EUR"), Money.parse("1 USD")
    assert euro != dollar
    for mix in (euro.__add__, euro.__sub__, euro.__lt__, euro.__le__):
        with pytest.raises(InputError, match="EUR, USD"):
            mix(dollar)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (400_000, "0.40 EUR"),
        (1, "0.000001 EUR"),
        (1_234_500, "1.2345 EUR"),
        (2_000_000, "2.00 EUR"),
        (-10_000, "-0.01 EUR"),
        (0, "0.00 EUR"),
    ],
)
def test_an_amount_is_written_with_two_decimals_or_as_many_as_it_has(micros: int, text: str) -> None:
    assert str(Money(micros, "EUR")) == text
