"""Cost per successful outcome, time to resolution and the share of tasks people had to touch."""

from remit.kpis.definitions import DEFINITIONS, Definition, statement
from remit.kpis.error_budget import ALPHA, BURN_RULES, BudgetState, BurnRule, ErrorBudget, Objective, Outcomes, worst
from remit.kpis.kpis import Kpis
from remit.kpis.model import PERIODS, DayFigures, Figures, Period, Spending
from remit.kpis.work import WorkCounts

__all__ = [
    "ALPHA",
    "BURN_RULES",
    "DEFINITIONS",
    "PERIODS",
    "BudgetState",
    "BurnRule",
    "DayFigures",
    "Definition",
    "ErrorBudget",
    "Figures",
    "Kpis",
    "Objective",
    "Outcomes",
    "Period",
    "Spending",
    "WorkCounts",
    "statement",
    "worst",
]
