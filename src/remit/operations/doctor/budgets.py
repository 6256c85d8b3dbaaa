"""Error budgets: what agents have promised and do not keep."""

from collections.abc import Iterator

from remit.contracts import Slo
from remit.kpis import BudgetState, ErrorBudget, Kpis
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.operations.promises import budget_in_words
from remit.registry import Registry

# As many as somebody reads; `remit slo` has the rest.
SHOWN = 10


def error_budgets(patient: Patient) -> Iterator[Diagnosis]:
    """No agent's error budget is used up or burning."""
    kpis = Kpis(patient.store, patient.known_settings())
    budgets = kpis.error_budgets(_promised(patient), patient.clock.now())
    found = [_told(agent, one) for agent, all_of_it in sorted(budgets.items()) for one in all_of_it if _is_urgent(one)]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield Diagnosis(
            health=Health.WARNING, what=f"{len(found) - SHOWN} more error budgets need somebody", mend="See `remit slo`"
        )


def _promised(patient: Patient) -> dict[str, Slo]:
    """Returns what the folder's contracts promise, as far as they have been approved."""
    promising = {name: one.terms for name, one in patient.fleet.contracts.items() if one.terms.slo}
    versions = Registry(patient.store, patient.clock).among(promising)
    approved = {(version.agent, version.version) for version in versions if version.approved_at is not None}
    return {name: terms.slo for name, terms in promising.items() if terms.slo and (name, terms.version) in approved}


def _is_urgent(budget: ErrorBudget) -> bool:
    return budget.state in (BudgetState.EXHAUSTED, BudgetState.BURNING)


def _told(agent: str, budget: ErrorBudget) -> Diagnosis:
    if budget.state is BudgetState.EXHAUSTED:
        what, why = "is used up", "no version of it is approved without a reason until then"
    else:
        what, why = "is burning", "it will be used up before the window is over, if that goes on"
    return Diagnosis(
        health=Health.WARNING,
        what=f"The error budget of {agent} {what}: {budget_in_words(budget)}",
        why=why,
        mend="Look at what fails, and mend it or bring back the version before",
        command=f"remit slo {agent}",
    )
