"""The policy service: a bundle per agent version, and verdicts on questions."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial
from threading import Lock
from typing import Self

from remit.contracts import Contract, Finding, Fleet, Person
from remit.core import ModelRoute, RemitError, remember
from remit.policy.assembly import Ground, assemble, check, prepare
from remit.policy.bundle import Bundle
from remit.policy.judge import eligible, judge
from remit.policy.known import ANSWERS_KEPT, KnownAnswers
from remit.policy.model import Question, Verdict

BUNDLES_KEPT = 1_000
"""A parsed bundle takes some 200 kB, mostly Cedar's; one that was dropped is compiled again in milliseconds."""
_FLEETS_KEPT = 8


class Policy:
    """Decides how freely an action may be taken. Holds only caches: a verdict follows from bundle and question."""

    def __init__(
        self,
        models: Mapping[str, bool] | None = None,
        *,
        bundles_kept: int = BUNDLES_KEPT,
        answers_kept: int = ANSWERS_KEPT,
    ) -> None:
        """`models` are the cell's model routes, each with whether its text leaves our premises."""
        self._models = dict(models or {})
        self._kept = bundles_kept
        self._known = KnownAnswers(answers_kept)
        self._grounds: OrderedDict[int, Ground] = OrderedDict()
        self._bundles: OrderedDict[tuple[int, str], tuple[Ground, Bundle]] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def of(cls, routes: Mapping[str, ModelRoute]) -> Self:
        """Returns the policy service of a cell with these model routes."""
        return cls({name: route.cloud for name, route in routes.items()})

    def bundle(self, fleet: Fleet, contract: Contract) -> Bundle:
        """Returns what the agent version is judged by under the fleet's org policies.

        A mistake in an org policy or in the contract is an `InputError`: nobody acts under policies that say
        something else than was written. A fleet counts as the same while it is the same object.
        """
        ground = self._ground(fleet)
        key = (id(ground), contract.digest)
        with self._lock:
            if key in self._bundles:
                self._bundles.move_to_end(key)
                return self._bundles[key][1]
        bundle = assemble(ground, contract)
        self._keep(ground, contract, bundle)
        return bundle

    def _keep(self, ground: Ground, contract: Contract, bundle: Bundle) -> None:
        with self._lock:
            # Holding the ground keeps its id from being used again.
            remember(self._bundles, (id(ground), contract.digest), (ground, bundle), self._kept)

    def judge(self, bundle: Bundle, question: Question) -> Verdict:
        """Returns the most autonomous rung at which policy permits the action, with reasons; None is denied."""
        return judge(bundle, question, self._known)

    def eligible(self, bundle: Bundle, question: Question, people: Iterable[Person]) -> list[str]:
        """Returns the ids of those whose approval of this action would count."""
        return eligible(bundle, question, people)

    def check(self, fleet: Fleet, *, compiled: bool = True) -> list[Finding]:
        """Returns every mistake in org policies, and in contracts as far as authority is concerned.

        Unless `compiled`, without those that only show in what they become: `bundle` refuses them, and a process with
        thousands of agents need not make the bundles of all to start.
        """
        try:
            ground = self._ground(fleet)
            return list(check(ground, partial(self._keep, ground) if compiled else None))
        except RemitError as error:
            return [Finding(fleet.folder, 1, "tools", error.text())]

    def _ground(self, fleet: Fleet) -> Ground:
        with self._lock:
            if id(fleet) in self._grounds:
                self._grounds.move_to_end(id(fleet))
                return self._grounds[id(fleet)]
        ground = prepare(fleet, self._models)
        with self._lock:
            remember(self._grounds, id(fleet), ground, _FLEETS_KEPT)  # it holds the fleet, as above
        return ground
