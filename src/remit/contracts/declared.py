"""What the platform team declares: tools and the servers that have them, people, org policies."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator

from remit.contracts.texts import MoneyText, Names

AGENT_NAME = r"^[a-z][a-z0-9-]{0,47}$"
VERSION = r"^\d+\.\d+\.\d+$"
ROLE_NAME = r"^[a-z][a-z0-9-]{0,47}$"
SERVER_NAME = r"^[A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*$"
SHORT_TOOL_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
# <server>__<tool>: the strictest form any model provider takes.
TOOL_NAME = r"^[A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*__[A-Za-z0-9][A-Za-z0-9_-]*$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
CODE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"

# Upper case only: what stands here is written down for everybody, and hardly any secret looks like this.
ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
# These belong to HTTP and to the protocol.
RESERVED_HEADERS = ("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "te",
                    "last-event-id", "transfer-encoding", "upgrade")  # fmt: skip

# As argon2 writes it: version, costs, salt, hash; nothing that somebody would type looks like this.
PASSWORD_HASH = re.compile(
    r"\$argon2id\$v=19\$m=[1-9]\d{0,6},t=[1-9]\d{0,3},p=[1-9]\d{0,2}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)

RATE = re.compile(r"(?P<calls>\d{1,9}) per (?P<unit>second|minute|hour|day)")
RATE_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}

LONGEST_TOOL_NAME = 64
ToolName = Annotated[str, Field(pattern=TOOL_NAME, max_length=LONGEST_TOOL_NAME)]
# Together with the two underscores between them at most 64 characters.
ServerName = Annotated[str, Field(pattern=SERVER_NAME, max_length=24)]
ShortToolName = Annotated[str, Field(pattern=SHORT_TOOL_NAME, max_length=38)]
Code = Annotated[str, Field(pattern=CODE)]


def is_loopback(url: str) -> bool:
    """Returns whether an address is on this machine."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def _environment_name(name: str) -> str:
    # The text is not repeated: whoever writes something else here may have written the secret itself.
    if not ENVIRONMENT_NAME.fullmatch(name):
        raise ValueError("Not the NAME of an environment variable, such as SHOP_TOKEN; the value itself is never here")
    return name


def _header_name(name: str) -> str:
    plain = name.lower()
    if not HEADER_NAME.fullmatch(name) or plain in RESERVED_HEADERS or plain.startswith("mcp-"):
        raise ValueError(f"{name!r} is no header one may set; write one such as Authorization")
    return name


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        known = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        known = False
        parts = urlsplit("")
    if not known or parts.scheme not in ("http", "https") or parts.fragment:
        raise ValueError("Not an address such as https://shop.example/mcp")
    if parts.username is not None:
        raise ValueError("An address holds no credentials; name the header and its variable under headers")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("http is for this machine only; write https")
    return url


def _password_hash(value: Any) -> Any:
    # Before anything else looks at it: an error that repeats a wrong value could repeat a password.
    if value != "" and not (isinstance(value, str) and PASSWORD_HASH.fullmatch(value)):
        raise ValueError("Not an argon2id hash; write what `remit people password` prints, never the password itself")
    return value


EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Address = Annotated[str, AfterValidator(_address)]


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


def is_tool_name(text: str) -> bool:
    """Whether a tool might be called `text`."""
    return len(text) <= LONGEST_TOOL_NAME and re.fullmatch(TOOL_NAME, text) is not None


class Part(BaseModel):
    """A part of a contract or tools file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)


class GateNames(Part):
    """Names of gate functions declared in the tools files, run before the action is sent and after its result."""

    before: str = ""
    after: str = ""


class Rate(Part):
    """At most `calls` in each window of `seconds`; written `60 per minute`."""

    calls: Annotated[int, Field(gt=0)]
    seconds: Annotated[int, Field(gt=0)]

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        written = RATE.fullmatch(value)
        if written is None:
            raise ValueError("Not a rate. Write it as '60 per minute' (second, minute, hour or day)")
        return {"calls": int(written["calls"]), "seconds": RATE_SECONDS[written["unit"]]}


class Amount(Part):
    """Where a tool's input says how much money it moves."""

    field: str
    currency: str
    """An ISO 4217 code, or the name of the input field that holds it."""


class Facts(Part):
    """What a Python function finds out about a call, for policies to judge by."""

    code: Code
    """`module:function`; see `remit.gateway` for its signature."""
    gives: dict[str, dict[str, Any]]
    """Fact name → JSON Schema of its value (boolean, integer, number, string, string enum). Null means not known."""


# Where an argument of a compensation comes from: the call it undoes, its result, or a text in quotation marks.
TAKEN_FROM = r"^(arguments(\.[^.\s']+)+|result(\.[^.\s']+)*|'[^']*')$"
TakenFrom = Annotated[str, Field(pattern=TAKEN_FROM, max_length=500)]


class Compensation(Part):
    """What undoes a call: another tool, and where its arguments come from. `shop__reopen` alone is short for `use`."""

    use: ToolName
    arguments: dict[str, TakenFrom] = {}
    """Argument → `arguments.…` of the call, `result` or `result.…` of what it returned, or a text `'…'`."""
    after: Names = ()
    """Tools whose later calls of the same run must be undone first."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @model_serializer
    def _as_written(self) -> Any:
        told = {"use": self.use, "arguments": self.arguments, "after": list(self.after)}
        return told if self.arguments or self.after else self.use


def _compensation(value: Any) -> Any:
    return None if value == "" else value


class DeclaredTool(Part):
    """A tool as a tools file declares it: what it takes and gives, and how much harm it can do."""

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
    compensation: Annotated[Compensation | None, BeforeValidator(_compensation)] = None
    """What undoes a call of it, for rollbacks."""
    idempotent: bool = False
    """Whether a second call with the same idempotency key has no second effect."""
    lookup: Annotated[str, Field(pattern=f"^$|{CODE}")] = ""
    """`module:function` that finds out what became of a call whose outcome is unknown."""
    rate: Rate | None = None
    cell_concurrency: Annotated[int, Field(ge=1, le=256)] | None = None
    """How many calls of it are under way at most, over all processes. Who finds no place is parked and comes back."""
    price: MoneyText | None = None
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
    annotate: dict[str, dict[str, Any]] = {}
    """Field of a pinned input → what we say of it, such as `x-subject`; the server's own words are in the lock file."""


class Tool(DeclaredTool):
    """One declared tool under its full name."""

    name: ToolName
    server: str
    pinned: str = ""
    """The digest of its definition in the lock file, where its server speaks MCP."""
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


class ServerTerms(Part):
    """How the tools of a server are reached, by exactly one of `python`, `command` and `url`; its gate functions."""

    python: Code | None = None
    """`module:factory`: called once with the fleet's folder, returns an object with one async method per tool."""
    command: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Program and arguments of an MCP server that speaks over stdio; it is run in the fleet's folder."""
    url: Address | None = None
    """Where an MCP server answers over streamable HTTP."""
    env: tuple[EnvironmentName, ...] = ()
    """Environment variables handed to `command`, besides the few every program needs."""
    headers: dict[HeaderName, EnvironmentName] = {}
    """Header sent to `url` → NAME of the environment variable that holds its value."""
    concurrency: Annotated[int, Field(ge=1, le=256)] | None = None
    """How many calls are under way at most, of one process; see `places`. Who finds none is parked and comes back."""
    connect_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    owner: str = ""
    gates: dict[str, Code] = {}
    """Gate name → `module:function`."""

    @property
    def reached(self) -> str:
        """Returns how it is reached, in a word or two: `python …`, `stdio …` or the address."""
        return f"python {self.python}" if self.python else self.url or f"stdio {' '.join(self.command)}"

    @property
    def places(self) -> int:
        """How many calls are under way at most: fewer where another process has to do the work, unless it was said."""
        return self.concurrency or (64 if self.python else 16)

    @property
    def is_pinned(self) -> bool:
        """Whether its tools are defined by an MCP server, and so by its lock file."""
        return self.python is None

    @model_validator(mode="after")
    def _is_reached_one_way(self) -> "ServerTerms":
        if sum(map(bool, (self.python, self.command, self.url))) != 1:
            raise ValueError("A server is reached by exactly one of python, command and url")
        return self


class ServerHead(ServerTerms):
    """A tools file without its tools: all it takes to reach the server."""

    server: ServerName


class ToolsFile(ServerHead):
    """One `tools/<server>.yaml`, as written, the definitions of its lock file put in."""

    tools: dict[ShortToolName, DeclaredTool]


class Server(ServerTerms):
    """One tools file, understood."""

    name: str
    tools: tuple[Tool, ...] = ()
    path: str = ""
    """Relative to the fleet's folder."""
    lines: Mapping[str, int] = {}
    """Line of each field, by path such as `tools.issue_refund.risk`."""


def _dates(text: str) -> str:
    """Returns two days, the first not after the last."""
    first, _, last = text.partition("..")
    try:
        in_order = not text or date.fromisoformat(first) <= date.fromisoformat(last)
    except ValueError:
        in_order = False
    if not in_order or (text and len(text) != len("2026-12-21..2027-01-06")):
        raise ValueError("Not two days. Write the first and the last, as '2026-12-21..2027-01-06'")
    return text


OWN_ROLES = frozenset(("viewer", "operator", "platform", "auditor"))
"""Roles that Remit gives a meaning itself; any other is one that contracts name as approvers."""


class Person(Part):
    """Somebody who may answer, act or steer."""

    id: Annotated[str, Field(pattern=EMAIL)]
    name: str = ""
    roles: tuple[Annotated[str, Field(pattern=ROLE_NAME)], ...] = ()
    password: Annotated[str, BeforeValidator(_password_hash)] = ""
    """An argon2id hash, as `remit people password` prints it; never the password."""
    units: tuple[Annotated[str, Field(pattern=AGENT_NAME)], ...] = ()
    """The business units they work for; empty means the whole fleet."""
    away: Annotated[str, AfterValidator(_dates)] = ""
    """When they are not there: the first and the last day in UTC, `2026-12-21..2027-01-06`."""
    stand_in: Annotated[str, Field(pattern=f"^$|{EMAIL}")] = ""
    """Who holds their roles as an approver while they are away."""

    def is_away(self, day: str) -> bool:
        """Whether they are not there on a UTC day, `YYYY-MM-DD`."""
        first, _, last = self.away.partition("..")
        return bool(self.away) and first <= day <= last


class OrgPolicy(Part):
    """One file of forbids by the platform team."""

    path: str
    text: str


class PeopleFile(Part):
    """`people.yaml`, as written."""

    people: tuple[Person, ...]
