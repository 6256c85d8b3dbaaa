"""Is the content sound and the claim true?"""

from remit.guardrails.gates import UNDECIDED, Gate, Read, load_code, load_function, run_gate
from remit.guardrails.guardrails import Guardrails, has_gap
from remit.guardrails.model import Concern, Kind, Label, Rule, Screening, Severity

__all__ = [
    "UNDECIDED",
    "Concern",
    "Gate",
    "Guardrails",
    "Kind",
    "Label",
    "Read",
    "Rule",
    "Screening",
    "Severity",
    "has_gap",
    "load_code",
    "load_function",
    "run_gate",
]
