"""What agents have promised by the version that takes their work, and whether that freezes their promotion."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from remit.contracts import Slo, as_percent
from remit.gateway import Parts, Releases
from remit.kpis import BudgetState, ErrorBudget, Kpis
from remit.registry import Lifecycle, Registry, Version

_TITLES = {"success": "did not succeed", "in_time": "did not end in time"}


class Promise(NamedTuple):
    """An slo, and the version whose contract has it."""

    version: Version
    slo: Slo

    @property
    def is_retired(self) -> bool:
        """Whether nobody works under it any more; it still says what a new version is measured by."""
        return self.version.lifecycle is Lifecycle.RETIRED


def promises(registry: Registry, releases: Releases, versions: Iterable[Version]) -> dict[str, Promise]:
    """Returns what the agents of all these versions promise: by the one approved last, whatever awaits approval."""
    latest: dict[str, Version] = {}
    for version in versions:
        before = latest.get(version.agent)
        if version.approved_at is not None and (before is None or (before.approved_at or 0) <= version.approved_at):
            latest[version.agent] = version
    found: dict[str, Promise] = {}
    for agent, version in sorted(latest.items()):
        if (slo := _slo_of(registry, releases, version)) is not None:
            found[agent] = Promise(version, slo)
    return found


def _slo_of(registry: Registry, releases: Releases, version: Version) -> Slo | None:
    """Returns what a version promises, also when its contract has left the folder; nothing of it is compiled for that."""
    if there := releases.contract(version.release):
        return there.terms.slo
    body = registry.release_body(version.release)
    if body is None:
        return None
    try:
        told = json.loads(body)["contract"]["terms"].get("slo")
        return Slo.model_validate(told) if told else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # `remit doctor` names what cannot be read any more; a new version must still be had


def exhausted_budget(parts: Parts, kpis: Kpis, agent: str) -> ErrorBudget | None:
    """Returns the error budget of an agent that is used up, if one is."""
    kept = promises(parts.registry, parts.releases, parts.registry.among({agent}))
    promised = {name: promise.slo for name, promise in kept.items()}
    budgets = kpis.error_budgets(promised, parts.clock.now()).get(agent, ())
    return next((budget for budget in budgets if budget.state is BudgetState.EXHAUSTED), None)


def budget_in_words(budget: ErrorBudget) -> str:
    """Returns how a budget stands in a sentence without its end: `7 of 812 tasks of 28 days did not succeed, …`."""
    total = budget.total
    what = _TITLES[budget.objective]
    return (
        f"{total.bad} of {total.tasks} tasks of {len(budget.days)} days {what}; "
        f"at {as_percent(budget.target)}, {amount(float(budget.allowed))} may"
    )


def amount(value: float) -> str:
    """Returns a number of tasks, of which a budget may have a part: `4.06`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
