"""Can it pay? Budgets, holds, charges and prices."""

from remit.ledger.ledger import Hold, Ledger
from remit.ledger.model import Budget, Charge, ChargeKind, Source, day_budget, run_budget

__all__ = ["Budget", "Charge", "ChargeKind", "Hold", "Ledger", "Source", "day_budget", "run_budget"]
