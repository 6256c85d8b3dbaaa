"""Money: integer micro-units of a currency, because one model call costs fractions of a cent."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from remit.core.errors import InputError

MICRO = 1_000_000
# A sum must stay inside a signed 64-bit column with room for a million such amounts.
LARGEST = 2**63 // 1_000_000
_MOST = Decimal(LARGEST) / MICRO
_SMALLEST = Decimal("0.000001")
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount: `micros` millionths of one unit of `currency` (ISO 4217)."""

    micros: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Reads `0.40 EUR`; more than six decimals, another form or a huge amount is an `InputError`."""
        amount, _, currency = text.strip().partition(" ")
        if not (_AMOUNT.fullmatch(amount) and _CURRENCY.fullmatch(currency)):
            raise InputError("Not an amount of money", which=text, hint="Write it as '0.40 EUR'")
        return cls.of(amount, currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> "Money":
        """Returns `amount` units of `currency`, exactly or not at all."""
        try:
            units = Decimal(amount)
        except InvalidOperation as error:
            raise InputError("Not a number", which=str(amount), hint="Write it as '0.40 EUR'") from error
        if not units.is_finite():
            raise InputError("Not a number", which=str(amount), hint="Write it as '0.40 EUR'")
        # Constructing and comparing are exact; arithmetic rounds to 28 digits, so it comes after both checks.
        if units.copy_abs() > _MOST:
            raise InputError("The amount of money is too large", which=str(amount))
        exact = units.quantize(_SMALLEST)
        if exact != units:
            raise InputError("An amount of money has at most six decimals", which=str(amount))
        return cls(int(exact * MICRO), currency)

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.micros + other.micros, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.micros - other.micros, self.currency)

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.micros <= other.micros

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.micros < other.micros

    def __str__(self) -> str:
        return format_micros(self.micros, self.currency)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise InputError(
                "Two currencies do not add", which=f"{self.currency}, {other.currency}", hint="Convert one first"
            )


def format_micros(micros: int, currency: str) -> str:
    """Returns `0.40 EUR`: at least two decimals, and as many as the amount has."""
    amount = Decimal(micros) / MICRO
    text = f"{amount.quantize(Decimal('0.000001'), ROUND_HALF_EVEN):f}"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.rstrip('0').ljust(2, '0')} {currency}"
