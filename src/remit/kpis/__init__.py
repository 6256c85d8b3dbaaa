"""Cost per successful outcome, time to resolution and the share of tasks people had to touch."""

from remit.kpis.definitions import DEFINITIONS, Definition, statement
from remit.kpis.kpis import Kpis
from remit.kpis.model import PERIODS, DayFigures, Figures, Period, Spending
from remit.kpis.work import WorkCounts

__all__ = [
    "DEFINITIONS",
    "PERIODS",
    "DayFigures",
    "Definition",
    "Figures",
    "Kpis",
    "Period",
    "Spending",
    "WorkCounts",
    "statement",
]
