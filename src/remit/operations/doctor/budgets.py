"""Error budgets: what agents have promised and do not keep."""

from collections.abc import Iterator

from remit.contracts import Slo
from remit.kpis import BudgetState, ErrorBudget, Kpis
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.operations.promises import budget_in_words, promises
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
    """Returns what is promised by the versions that were approved last: as long as one of them holds, a newer one waits."""
    registry = Registry(patient.store, patient.clock)
    kept = promises(registry, patient.releases, registry.versions())
    return {agent: promise.slo for agent, promise in kept.items() if not promise.is_retired}


def _is_urgent(budget: ErrorBudget) -> bool:
    return budget.state in (BudgetState.EXHAUSTED, BudgetState.BURNING)


def _told(agent: str, budget: ErrorBudget) -> Diagnosis:
    if budget.state is BudgetState.EXHAUSTED:
        what, why = "is used up", "as long as it is, no version of it is approved without a reason"
    else:
        what, why = "is burning", "it will be used up before the window is over, if that goes on"
    return Diagnosis(
        health=Health.WARNING,
        what=f"The error budget of {agent} {what}: {budget_in_words(budget)}",
        why=why,
        mend="Look at what fails, and mend it in a new version, or with the text of the version before: with `--because`",
        command=f"remit slo {agent}",
    )
