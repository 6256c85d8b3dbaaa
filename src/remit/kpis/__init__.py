"""Cost per successful outcome, time to resolution and the share of runs people had to touch."""

from remit.kpis.kpis import Kpis
from remit.kpis.model import Figures

__all__ = ["Figures", "Kpis"]
