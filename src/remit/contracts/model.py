"""The types of what was promised: contracts, declared tools, people. Frozen, pure, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from remit.core import JsonValue, Money

AGENT_NAME = r"^[a-z][a-z0-9-]{0,47}$"
VERSION = r"^\d+\.\d+\.\d+$"
ROLE_NAME = r"^[a-z][a-z0-9-]{0,47}$"
# <server>__<tool>: the strictest form any model provider takes.
TOOL_NAME = r"^(?=.{3,64}$)[A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*__[A-Za-z0-9][A-Za-z0-9_-]*$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
CODE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


class Level(StrEnum):
    """Delegation of authority, from the least to the most freedom."""

    HUMAN_LED = "human-led"
    HUMAN_IN_THE_LOOP = "human-in-the-loop"
    AUTONOMOUS = "autonomous"


class Risk(StrEnum):
    """How bad a wrong call can be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Part(BaseModel):
    """A part of a contract or tools file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)


class AutonomyRule(Part):
    """One line of an authority table: under `when`, the agent has `level`."""

    level: Level
    when: str = ""
    """A condition over the tool's input, `facts.…` and `confidence`; empty means always."""
    because: str = ""
    by: tuple[str, ...] = ()
    """Roles that answer; empty means the contract's `approvers`. Each role must give `count` votes of its own."""
    count: Annotated[int, Field(ge=1, le=9)] = 1


class GateNames(Part):
    """Names of gate functions declared in the tools files, run before the action is sent and after its result."""

    before: str = ""
    after: str = ""


class ToolUse(Part):
    """One tool an agent may use, and how freely."""

    use: Annotated[str, Field(pattern=TOOL_NAME)]
    autonomy: tuple[AutonomyRule, ...] = ()
    """A union: the most autonomous rule that holds counts. Empty means the level proposed for the tool's risk."""
    gate: GateNames = GateNames()
    intents: tuple[str, ...] = ()
    """Task intents under which the tool may be used; empty means any."""


class Trigger(Part):
    """What starts a task of this agent."""

    on: Literal["task", "event", "schedule", "handoff"]
    name: str = ""
    when: str = ""
    cron: str = ""
    timezone: str = "UTC"
    missed: Literal["skip", "run-once", "run-all"] = "skip"
    """What happens to scheduled times that passed while nothing was running."""
    input: JsonValue = None
    givers: Annotated[tuple[str, ...], Field(alias="from")] = ()
    """Agents a hand-off is taken from."""


class ModelUse(Part):
    """Which models the agent thinks with."""

    density: Literal["auto", "edge", "flash", "pro"] = "auto"
    privacy: Literal["public", "internal", "restricted"] = "internal"
    route: str = ""
    """A model route of remit.toml by name; empty means the first that fits."""
    max_tokens: Annotated[int, Field(gt=0, le=200_000)] = 2_000
    turns: Annotated[int, Field(gt=0, le=200)] = 20
    """Model answers in one `model` step at most."""


class RunLimits(Part):
    """Bounds of one run, and of the agent's day."""

    steps: Annotated[int, Field(gt=0, le=1_000)] = 50
    hops: Annotated[int, Field(ge=0, le=5)] = 5
    minutes: Annotated[int, Field(gt=0, le=1_440)] = 60
    """Working time; parked time does not count."""
    cost_per_run: Money | None = None
    cost_per_day: Money | None = None


class Escalation(Part):
    """Under `when`, what was autonomous is put to a person of role `to`."""

    when: str
    to: str


class Refinement(Part):
    """A check of the agent's answer: sent back with the reason at most `times`, then to a person of role `to`."""

    gates: tuple[str, ...] = ()
    times: Annotated[int, Field(ge=0, le=10)] = 2
    to: str = ""


class Evaluation(Part):
    """Where the agent's cases are, and the people's figures it is held against."""

    cases: str
    baseline: str = ""


class FrontMatter(Part):
    """The enforced half of a contract, as written."""

    agent: Annotated[str, Field(pattern=AGENT_NAME)]
    version: Annotated[str, Field(pattern=VERSION)]
    purpose: Annotated[str, Field(min_length=1, max_length=500)]
    owner: Annotated[str, Field(pattern=EMAIL)]
    experts: Annotated[tuple[Annotated[str, Field(pattern=EMAIL)], ...], Field(min_length=1)]
    unit: Annotated[str, Field(pattern=AGENT_NAME)]
    agent_class: Annotated[str, Field(alias="class", pattern=AGENT_NAME)]
    triggers: tuple[Trigger, ...] = ()
    input: dict[str, Any]
    """A JSON Schema 2020-12, or `{$ref: file}` relative to the fleet's folder; resolved when parsed."""
    output: dict[str, Any]
    success: str = ""
    """A condition over the output; empty means that a valid output is a success."""
    intent: str = ""
    """The field of the input that holds the task's intent."""
    subjects: dict[str, str] = {}
    """Subjects of the task by kind, each a field of the input: `{order: order_id}`."""
    tools: tuple[ToolUse, ...] = ()
    approvers: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    models: ModelUse = ModelUse()
    limits: RunLimits = RunLimits()
    escalate: tuple[Escalation, ...] = ()
    refine: Refinement = Refinement()
    handoffs: tuple[str, ...] = ()
    evaluation: Evaluation | None = None
    code: Annotated[str, Field(pattern=CODE)] | None = None
    """`module:function` of a code agent; without it Remit runs the steps of the body."""


class Step(Part):
    """One item of the body's `## Steps`: a tool by name, or `model`."""

    number: int
    tool: str = ""
    """The tool's name; empty for a model step."""
    inputs: dict[str, str] = {}
    """Argument → path (`input.x`, `steps.2.y`), where the same name in the latest result or the input is not meant."""
    when: str = ""
    """A condition over the values known so far; a step whose condition does not hold is skipped."""
    text: str = ""
    line: int = 0

    @property
    def is_model(self) -> bool:
        """Whether the step is reasoned by a model."""
        return not self.tool


class EdgeCase(Part):
    """One row of the body's `## Edge cases`."""

    id: str
    when: str
    then: str
    case: str = ""
    line: int = 0


class Contract(Part):
    """One immutable contract text, understood."""

    terms: FrontMatter
    instructions: str
    """The whole body, as the model reads it."""
    steps: tuple[Step, ...] = ()
    edge_cases: tuple[EdgeCase, ...] = ()
    digest: str
    """Of the file's bytes and of every schema it refers to."""
    path: str
    """Relative to the fleet's folder."""
    lines: Mapping[str, int] = {}
    """Line of each field, by path such as `tools[1].autonomy[0].when`."""

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.terms.agent

    @property
    def id(self) -> str:
        """`agent@version`."""
        return f"{self.terms.agent}@{self.terms.version}"

    def tool_use(self, tool: str) -> ToolUse | None:
        """Returns how the contract grants `tool`, or None."""
        return next((use for use in self.terms.tools if use.use == tool), None)


class Rate(Part):
    """At most `calls` in each window of `seconds`."""

    calls: Annotated[int, Field(gt=0)]
    seconds: Annotated[int, Field(gt=0)]


class Amount(Part):
    """Where a tool's input says how much money it moves."""

    field: str
    currency: str
    """An ISO 4217 code, or the name of the input field that holds it."""


class Facts(Part):
    """What a Python function finds out about a call, for policies to judge by."""

    code: Annotated[str, Field(pattern=CODE)]
    """`module:function`; see `remit.gateway` for its signature."""
    gives: dict[str, dict[str, Any]]
    """Fact name → JSON Schema of its value (boolean, integer, number, string, string enum). Null means not known."""


class Tool(Part):
    """One declared tool: what it takes and gives, and how much harm it can do."""

    name: Annotated[str, Field(pattern=TOOL_NAME)]
    server: str
    description: str
    input: dict[str, Any]
    output: dict[str, Any] = {}
    effect: Literal["read", "write"] = "write"
    risk: Risk = Risk.MEDIUM
    reversible: bool = False
    regulated: tuple[str, ...] = ()
    environment: str = "production"
    groups: tuple[str, ...] = ()
    """Policy groups besides the given ones, such as `money_movement`."""
    compensation: str = ""
    idempotent: bool = False
    """Whether a second call with the same idempotency key has no second effect."""
    lookup: str = ""
    """`module:function` that finds out what became of a call whose outcome is unknown."""
    rate: Rate | None = None
    price: Money | None = None
    subjects: dict[str, str] = {}
    """Subject kind → input field or `facts.…` that names whom the call touches."""
    binds: dict[str, str] = {}
    """Subject kind → path in the result (`$` the whole) that binds the task's subject when it has none yet."""
    amount: Amount | None = None
    facts: Facts | None = None
    gate: GateNames = GateNames()
    locks: tuple[str, ...] = ()
    """Input fields whose values name resources held while the call runs."""
    seconds: Annotated[float, Field(gt=0, le=600)] | None = None
    digest: str = ""
    """Of everything above: a changed definition is another tool."""

    @property
    def proposed_level(self) -> Level:
        """The level its risk, reversibility and regulation propose; more freedom needs a `because` (A4)."""
        if self.effect == "read" and self.risk in (Risk.LOW, Risk.MEDIUM) and not self.regulated:
            return Level.AUTONOMOUS
        if self.risk is Risk.LOW and self.reversible and not self.regulated:
            return Level.AUTONOMOUS
        if self.risk is Risk.CRITICAL or (self.risk is Risk.HIGH and not self.reversible and self.regulated):
            return Level.HUMAN_LED
        return Level.HUMAN_IN_THE_LOOP


class Server(Part):
    """One tools file: how its tools are reached, and the gate functions it declares."""

    name: str
    python: Annotated[str, Field(pattern=CODE)]
    """`module:factory`: called once with the fleet's folder, returns an object with one async method per tool."""
    owner: str = ""
    gates: dict[str, str] = {}
    """Gate name → `module:function`."""
    tools: tuple[Tool, ...] = ()
    path: str = ""


class Person(Part):
    """Somebody who may answer, act or steer."""

    id: Annotated[str, Field(pattern=EMAIL)]
    name: str = ""
    roles: tuple[Annotated[str, Field(pattern=ROLE_NAME)], ...] = ()
    password: str = ""
    """A scrypt hash; never the password."""


class OrgPolicy(Part):
    """One file of forbids by the platform team."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a fleet: where it is, what is wrong, and what to write instead."""

    file: str
    line: int
    field: str
    problem: str
    suggestion: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" + (f" {self.field}" if self.field else "")
        return f"{place}: {self.problem}" + (f" ({self.suggestion})" if self.suggestion else "")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything a fleet's folder promises."""

    folder: str
    contracts: Mapping[str, Contract] = field(default_factory=dict[str, Contract])
    """By agent name."""
    servers: Mapping[str, Server] = field(default_factory=dict[str, Server])
    people: Mapping[str, Person] = field(default_factory=dict[str, Person])
    policies: tuple[OrgPolicy, ...] = ()

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every declared tool by its full name."""
        return {tool.name: tool for server in self.servers.values() for tool in server.tools}

    @property
    def roles(self) -> frozenset[str]:
        """Every role somebody holds."""
        return frozenset(role for person in self.people.values() for role in person.roles)
