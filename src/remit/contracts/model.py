"""The types of what was promised: contracts and the fleet they make. Frozen, pure, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from remit.contracts.baselines import Baseline
from remit.contracts.declared import (
    AGENT_NAME,
    EMAIL,
    VERSION,
    Code,
    GateNames,
    Level,
    OrgPolicy,
    Part,
    Person,
    Server,
    Tool,
    ToolName,
)
from remit.contracts.slo import Slo
from remit.contracts.texts import ConditionText, CronText, MoneyText, Names, ZoneText
from remit.core import JsonValue


class AutonomyRule(Part):
    """One line of an authority table: under `when`, the agent has `level`."""

    level: Level
    when: ConditionText = ""
    """A condition over the tool's input, `facts.…` and `confidence`; empty means always."""
    because: str = ""
    by: Names = ()
    """Roles that answer; empty means the contract's `approvers`. Each role must give `count` votes of its own."""
    count: Annotated[int, Field(ge=1, le=9)] = 1


class ToolUse(Part):
    """One tool an agent may use, and how freely."""

    use: ToolName
    autonomy: tuple[AutonomyRule, ...] = ()
    """A union: the most autonomous rule that holds counts. Empty means the level proposed for the tool's risk."""
    gate: GateNames = GateNames()
    intents: Names = ()
    """Task intents under which the tool may be used; empty means any."""


TriggerKind = Literal["task", "event", "schedule", "handoff"]


class Trigger(Part):
    """What starts a task of this agent."""

    on: TriggerKind
    name: str = ""
    when: ConditionText = ""
    cron: CronText = ""
    timezone: ZoneText = "UTC"
    missed: Literal["skip", "run-once", "run-all"] = "skip"
    """What happens to scheduled times that passed while nothing was running."""
    input: JsonValue = None
    givers: Annotated[Names, Field(alias="from")] = ()
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
    concurrent: Annotated[int, Field(gt=0, le=10_000)] | None = None
    """Runs of the agent under way at once, over all workers."""
    cost_per_run: MoneyText | None = None
    cost_per_day: MoneyText | None = None


class Escalation(Part):
    """Under `when`, what was autonomous is put to a person of role `to`."""

    when: ConditionText
    to: str


class Refinement(Part):
    """What goes back to the model with the reason, at most `times` in a run, and then to a person of role `to`."""

    gates: Names = ()
    """Of the run's answer."""
    times: Annotated[int, Field(ge=0, le=10)] = 2
    to: str = ""
    steps: bool = False
    """Whether a step that is refused or fails goes back, too; else it fails the run."""


class Evaluation(Part):
    """Where the agent's cases are, and the people's figures it is held against."""

    cases: str
    baseline: str = ""
    """The name of `baselines/NAME.yaml`."""


class FrontMatter(Part):
    """The enforced half of a contract, as written."""

    agent: Annotated[str, Field(pattern=AGENT_NAME)]
    version: Annotated[str, Field(pattern=VERSION)]
    purpose: Annotated[str, Field(min_length=1, max_length=500)]
    owner: Annotated[str, Field(pattern=EMAIL)]
    experts: Annotated[tuple[Annotated[str, Field(pattern=EMAIL)], ...], Field(min_length=1)]
    unit: Annotated[str, Field(pattern=AGENT_NAME)]
    agent_class: Annotated[str, Field(alias="class", pattern=AGENT_NAME)]
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    """How urgent its work is beside other agents', 9 the most: taken up before less urgent work, and refused after it."""
    triggers: tuple[Trigger, ...] = ()
    input: dict[str, Any]
    """A JSON Schema 2020-12, or `{$ref: file}` relative to the fleet's folder; resolved when parsed."""
    output: dict[str, Any]
    success: ConditionText = ""
    """A condition over the output; empty means that a valid output is a success."""
    intent: str = ""
    """The field of the input that holds the task's intent."""
    subjects: Mapping[str, str] = {}
    """Subjects of the task by kind, each a field of the input: `{order: order_id}`."""
    tools: tuple[ToolUse, ...] = ()
    approvers: Names = ()
    never: Names = ()
    models: ModelUse = ModelUse()
    limits: RunLimits = RunLimits()
    escalate: tuple[Escalation, ...] = ()
    refine: Refinement = Refinement()
    handoffs: Names = ()
    on_failure: Literal["keep", "rollback"] = "keep"
    """What becomes of the changes of a run that fails: `rollback` undoes at once what can be undone."""
    evaluation: Evaluation | None = None
    slo: Slo | None = None
    """What it promises over some weeks; while its error budget is used up, no version is approved without a reason."""
    code: Code | None = None
    """`module:function` of a code agent; without it Remit runs the steps of the body."""


class Step(Part):
    """One item of the body's `## Steps`: a tool by name, `model`, or `handoff` to an agent."""

    number: int
    tool: str = ""
    """The tool's name; empty for any other step."""
    agent: str = ""
    """Whom the work is handed to; empty for any other step."""
    inputs: Mapping[str, str] = {}
    """Argument → path (`input.x`, `steps.2.y`), where the same name in the latest result or the input is not meant."""
    when: ConditionText = ""
    """A condition over the values known so far; a step whose condition does not hold is skipped."""
    text: str = ""
    line: int = 0

    @property
    def is_model(self) -> bool:
        """Whether the step is reasoned by a model."""
        return not self.tool and not self.agent


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
    baselines: Mapping[str, Baseline] = field(default_factory=dict[str, Baseline])
    """By the name of their file."""
    unread: frozenset[str] = frozenset()
    """Files with mistakes, which are left out: naming what they declare is not another mistake."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every declared tool by its full name."""
        return {tool.name: tool for server in self.servers.values() for tool in server.tools}

    @property
    def roles(self) -> frozenset[str]:
        """Every role somebody holds."""
        return frozenset(role for person in self.people.values() for role in person.roles)
