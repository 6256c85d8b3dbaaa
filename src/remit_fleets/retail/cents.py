"""Money in the shop: whole cents while calculating, numbers with two decimals in its documents."""

from decimal import ROUND_HALF_EVEN, Decimal


def cents(amount: float) -> int:
    """Returns a document's amount as whole cents."""
    return int((Decimal(str(amount)) * 100).to_integral_value(ROUND_HALF_EVEN))


def amount_of(cents: int) -> float:
    """Returns whole cents as the number a document holds: the one closest to two decimals."""
    return cents / 100
