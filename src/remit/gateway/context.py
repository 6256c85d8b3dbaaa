"""What is known about one action on its way through the gateway, and the parts the steps use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from remit.approvals import Approval, Approvals, OverrideCategory, Vote
from remit.contracts import Person, Tool
from remit.controls import Controls
from remit.core import Clock, JsonValue, Settings, new_id
from remit.gateway.model import Action
from remit.gateway.models import Models
from remit.gateway.release import Release
from remit.gateway.releases import Releases
from remit.gateway.tools import Tools
from remit.gateway.upstreams import Place, UpstreamBusyError, Upstreams
from remit.guardrails import Guardrails
from remit.identity import Credentials, People
from remit.journal import Executors, Journal, Payload, Run, StepRow, Task
from remit.ledger import Budget, Hold, Ledger
from remit.policy import Policy, Verdict
from remit.registry import Registry, Version
from remit.store import Writer


def nowhere(_point: str) -> None:
    """Passes a named point of the way without doing anything; crash tests stop the process there."""


@dataclass(slots=True)
class Handover:
    """Who takes a hand-off over, and the run that is made for it."""

    version: Version
    child: Run = field(init=False)
    undoes: Run | None = None
    """The run whose changes are to be undone, when a rollback is handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the gateway is made of; built once, in `app`."""

    settings: Settings
    clock: Clock
    writer: Writer
    journal: Journal
    executors: Executors
    registry: Registry
    people: People
    controls: Controls
    ledger: Ledger
    approvals: Approvals
    guardrails: Guardrails
    policy: Policy
    tools: Tools
    models: Models
    releases: Releases
    upstreams: Upstreams
    """What tools and models are reached through."""
    reach: Callable[[str], None] = nowhere
    """Called at the named points between claim, effect and outcome."""

    def release(self, digest: str) -> Release | None:
        """Returns a release to look at, of whatever state, made of what was kept if need be; see `Releases.again`."""
        return self.releases.again(digest, partial(self.registry.release_body, digest))


async def anyone(_run: str, _attempt: int) -> bool:
    """Takes every attempt for one that nobody has taken over."""
    return True


@dataclass(slots=True)
class ActionContext:
    """One action on its way. Each step adds its part.

    A field marked `init=False` exists once its step has passed; reading it earlier is a fault, and faults deny.
    """

    action: Action
    credentials: Credentials | None
    now: int
    decision: str = field(default_factory=lambda: new_id("dec"))
    person: Person | None = None
    """Set when a person acts, with an agent's proposal in hand."""
    otherwise: tuple[OverrideCategory, Payload] | None = None
    """Why, by category and in words, they do it otherwise than it was proposed, if they do."""
    may_send: Callable[[str, int], Awaitable[bool]] = anyone
    """Whether an attempt's call may leave this process: asked before each time."""
    notes: list[str] = field(default_factory=list[str])
    """Active constraints worth telling: limits near, gates asked, concerns found."""

    # 1 identify
    identified: bool = False
    run: Run = field(init=False)
    task: Task = field(init=False)
    version: Version = field(init=False)
    recorded: StepRow | None = None
    before: Sequence[str] = ()
    """Digests of the run's latest actions, newest first."""
    # 3 lifecycle
    release: Release = field(init=False)
    is_route: bool = False
    """Whether the name asked for is a configured model route."""
    # 5 input
    tool: Tool | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    asked: Payload | None = None
    judged: Payload | None = None
    worst: int | None = None
    """What a model's answer can cost at most, to what was asked; None when no price is known."""
    # 6 authority
    subjects: Mapping[str, str] = field(default_factory=dict[str, str])
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reads: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    approval: Approval | None = None
    votes: Sequence[Vote] = ()
    question: Payload | None = None
    """What policy was asked, but for the arguments: kept, so that it can be asked again."""
    verdict: Verdict | None = None
    # 7 guardrails
    labels: frozenset[str] = frozenset()
    withheld: bool = False
    """Whether the content holds a secret that stopped it: then it is not kept."""
    # 8 approval
    moot: bool = False
    """Whether it was put to people and no longer needs them."""
    # 11 perform
    performed: bool = False
    """Whether the effect may have happened: from here on nothing is told as denied."""
    # 9 reserve, 10 lock
    hold: Hold | None = None
    budgets: tuple[Budget, ...] = ()
    locks: tuple[str, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict[str, int])
    """How its locks stood before anything was read to judge by."""
    places: tuple[str, ...] = ()
    """Which of its tool's places over all processes it has."""
    fences: Mapping[str, int] = field(default_factory=dict[str, int])
    # upstreams
    place: Place | None = None
    """Room for its call where it is made, from before the commit until the call has ended."""
    tool_place: Place | None = None
    """Room within what its tool may do at once, where that is bounded over all processes; here, as `place`."""
    busy: UpstreamBusyError | None = None
    """Why something could not be read to judge by, which may be read later."""
    # hand-offs
    handover: Handover | None = None
    # rollbacks
    undone: StepRow | None = None
    """What this step of a rollback undoes."""
    undoing: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The arguments that follow from its record."""

    @property
    def stream(self) -> str:
        """The log's stream: the run, or `cell` for callers without one."""
        return self.run.id if self.identified else "cell"

    @property
    def key(self) -> str:
        """The idempotency key: the same for every try of this action, whatever attempt makes it."""
        return f"{self.run.id}:{self.action.step}"

    @property
    def declared(self) -> bool:
        """Whether the name asked for is one of the fleet's own."""
        if self.is_route or not hasattr(self, "release"):
            return self.is_route
        return self.action.name in (*self.release.tools, *self.release.contract.terms.handoffs)

    @property
    def is_withheld(self) -> bool:
        """Whether it would change the world, in a fork that only looks what would happen."""
        return not self.run.effects and self.tool is not None and self.tool.effect == "write"

    @property
    def agent(self) -> str:
        """`agent@version`."""
        return self.version.id

    @property
    def on_behalf_of(self) -> str:
        """For whom it is done: who asked for the task, or for the rollback."""
        return self.run.asked_by or self.task.on_behalf_of

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every switch that could stop this action."""
        return (*self.version.scopes, f"run:{self.run.id}", f"{self.action.kind}:{self.action.name}")

    @property
    def judged_digest(self) -> str:
        """The digest of what was judged, or nothing when it did not come so far."""
        return self.judged.digest if self.judged else ""

    def payload(self, value: JsonValue) -> Payload:
        """Names a value under the task's salt."""
        return Payload.of(value, task=self.task.id, salt=self.task.salt)
