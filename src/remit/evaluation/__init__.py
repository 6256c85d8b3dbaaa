"""Cases of evaluation sets. Baseline, shadow, canary and drift are filled later."""

from remit.evaluation.case_file import Case, CaseFile

__all__ = ["Case", "CaseFile"]
