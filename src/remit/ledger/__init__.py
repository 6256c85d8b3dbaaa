"""Can it pay? Budgets, holds, charges and prices."""
