"""Settings: `remit.toml`, each overridable by `REMIT_…`."""

import ipaddress
import os
import tomllib
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from remit.core.errors import InputError
from remit.core.money import Money

URL_FILE = "REMIT_DATABASE_URL_FILE"
"""Names the file with the database's URL, where that holds a password."""


class ModelRoute(BaseModel):
    """How one named model is reached: `[models.NAME]` in remit.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: Literal["openai", "anthropic", "recorded", "simulated"]
    """Which format it speaks, or that a recording or the fleet's own code stands in for it."""
    model: str = ""
    """The provider's name of the model."""
    base_url: str = ""
    """Where the endpoint answers, up to and without `/chat/completions` or `/v1/messages`; Anthropic's own if empty."""
    key: str = ""
    """The NAME of the environment variable that holds the key; never the key itself."""
    code: str = ""
    """`module:function` of a simulated model."""
    recording: str = ""
    """The file a recorded model plays back, relative to the fleet."""
    cloud: bool = True
    """Whether text sent there leaves our premises."""
    input_price: Decimal | None = None
    """Price per million input tokens in the cell's currency, when the public price table does not know the model."""
    output_price: Decimal | None = None
    """Price per million output tokens, likewise."""
    max_tokens: Annotated[int, Field(gt=0, le=200_000)] = 2_000
    """Tokens of one answer at most."""
    timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds until a call is given up, with all its tries."""
    stream: bool = True
    """Whether answers are asked for word by word, so that an endpoint that has died is noticed early."""
    idle_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Seconds of silence until a streamed answer is given up."""
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 100
    """Calls under way at once, of one process; who finds no place is parked and comes back."""


class Webhook(BaseModel):
    """One named source of events that sign what they send: `[webhooks.NAME]` in remit.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    secret: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """The NAME of the environment variable that holds the secret, or two of them while they rotate; never a secret."""
    on_behalf_of: Annotated[str, Field(min_length=1, max_length=254)]
    """The person for whom the agents work that its events start."""
    events: tuple[str, ...] = ()
    """The events it may send; empty means any."""
    tolerance_seconds: Annotated[int, Field(gt=0, le=3_600)] = 300
    """How far the sender's clock may be from ours, before and after."""


class Http(BaseModel):
    """Where `remit up` listens, and how people log in there: `[http]` in remit.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    """This machine only, unless somebody says otherwise."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8321
    """0 takes a free one."""
    tls_cert: str = ""
    """The file with the certificate chain, relative to the fleet's folder; without it, no TLS."""
    tls_key: str = ""
    """The file with its private key."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-…` headers are believed; nobody else's are."""
    public_url: str = ""
    """The origin people write into their browser, such as `https://remit.example`, when a proxy stands before it."""
    leave_seconds: Annotated[float, Field(ge=0, le=600)] = 0.0  # nobody stands before it, unless somebody says so
    """Seconds that `/readyz` says 503, and all else is still answered, between a signal to stop and the end of listening."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0  # a working day, and never longer than a month
    """How long a session lasts at most, whatever is done in it."""
    link_minutes: Annotated[float, Field(gt=0, le=1_440)] = 15.0  # it is used at once, or it went to the wrong place
    """How long a login link can be used."""
    login_tries: Annotated[int, Field(ge=1, le=100)] = 5  # people mistype three times, programs do not stop
    """Failures of one person, or from one address, that lock it."""
    requests: Annotated[int, Field(ge=1, le=100_000)] = 256  # what one process answers at once without falling behind
    """Requests under way at once; one more is told 503. Logging in, stopping and health are always let in."""
    lockout_minutes: Annotated[float, Field(gt=0, le=1_440)] = 15.0  # five guesses in a quarter of an hour find nothing
    """Within how long so many failures lock, and for how long."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy, strict=False)
        return proxies

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        known = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
        if url and (not known or url not in (origin, f"{origin}/")):
            raise ValueError("Not an origin such as https://remit.example, without path")
        return origin if url else ""

    @model_validator(mode="after")
    def _has_both_files(self) -> "Http":
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key go together")
        return self

    def origin(self, port: int = 0) -> str:
        """Returns what people write into their browser; `port` is the one it listens on, where a free one was taken."""
        if self.public_url:
            return self.public_url
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - every address, so also ours
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls_cert else 'http'}://{shown}:{port or self.port}"


class Limits(BaseModel):
    """Bounds that hold whatever a contract says: `[limits]` in remit.toml. Each has its reason beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    argument_bytes: int = 65_536  # a log entry is at most 64 KiB, and arguments larger than that are documents
    """Bytes of one call's arguments at most."""
    result_bytes: int = 1_048_576  # what a model can still read; a larger result is a file
    """Bytes of one result, or of a task's input, at most."""
    answer_bytes: int = 1_048_576  # as above, for what a model says
    """Bytes of one model answer at most."""
    event_bytes: int = 262_144  # an event says what happened; what is larger is fetched by a tool
    """Bytes of one event at most."""
    steps: int = 1_000  # no run of ours needs more; one that does is running in circles
    """Steps of one run at most."""
    lost_attempts: int = 3  # a run whose process died so often would take down the next one too; then a person is asked
    """Attempts that may be lost with their process."""
    executor_seconds: float = 6.0  # a process not heard of for so long is gone, and its runs are taken over
    """Seconds of silence until a process is taken for gone."""
    concurrent_runs: Annotated[int, Field(ge=1, le=10_000)] = 300  # each waits mostly for tools and models
    """Runs one worker drives at once."""
    concurrent_runs_per_agent: Annotated[int, Field(ge=0)] = (
        0  # what a contract allows, and its budget, bounds it already
    )
    """Runs of one agent under way at once, over all workers; 0 is no limit."""
    concurrent_runs_per_unit: Annotated[int, Field(ge=0)] = 0  # units take turns anyway
    """Runs of one unit under way at once, over all workers; 0 is no limit."""
    drain_seconds: float = 20.0  # what a stopping process gives the calls in flight; orchestrators kill after thirty
    """Seconds a stopping process has for what is under way."""
    hops: int = 5  # past five hand-offs nobody owns the outcome any more
    """Hand-offs in a row at most."""
    tool_seconds: float = 30.0  # longer work is a task of its own
    """Seconds of one tool call, where its tools file says nothing."""
    outage_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0  # a server that is started anew is back by then
    """Seconds a call waits for a server that cannot be reached; 0 tells at once."""
    busy_seconds: Annotated[float, Field(ge=0, le=60)] = 1.0  # a run that is parked holds nothing, and comes back
    """Seconds a call waits for a place at a tool server or model whose places are all taken; then its run is parked."""
    upstream_failures: Annotated[int, Field(ge=1, le=1_000)] = 8  # two seconds of one call's tries: no passing trouble
    """Failures in a row to reach a tool server or model until it is not asked any more, but for one probe at a time."""
    upstream_minutes: Annotated[float, Field(ge=0, le=100_000)] = (
        60.0  # then it is told to the agent, which may know more
    )
    """Minutes a run waits, parked, for a tool server or model that is busy or out of reach."""
    queued_runs: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000  # two hours of work at 50,000 an hour
    """Runs that may wait to go on, of the whole cell; new tasks are refused before, the least urgent first."""
    queued_runs_per_unit: Annotated[int, Field(ge=0, le=100_000_000)] = 0  # units take turns anyway
    """Likewise of one unit, so that its flood does not shut the others out; 0 is no bound."""
    queued_runs_per_agent: Annotated[int, Field(ge=0, le=100_000_000)] = 0  # as above
    """Likewise of one agent; 0 is no bound."""
    compiled_releases: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000  # some 0.3 MB each
    """Releases a process keeps compiled; others are compiled when they are used, in milliseconds."""
    waiting_entries: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000  # of five thousand tasks
    """Entries that may wait for their place in the log, on PostgreSQL; no new task is taken on beyond."""
    lock_seconds: float = 5.0  # then the agent is told to come back
    """Seconds a busy lock is waited for."""
    approval_hours: float = 24.0  # a yes to yesterday's question is not a yes
    """Hours until a question expires."""


class Connections(BaseModel):
    """How PostgreSQL is spoken to, by each process: `[database]` in remit.toml. SQLite heeds none of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    readers: Annotated[int, Field(ge=1, le=100)] = 8  # as many as a process has threads that read
    """Connections that read; one more writes, one listens, one moves entries into the log."""
    connect_seconds: Annotated[float, Field(ge=1, le=60)] = 5.0  # another machine in the same place answers at once
    """Until a server that does not answer is given up, and another try begins."""
    statement_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0  # ours take milliseconds, reports a second
    """Until the server gives a statement up."""
    lock_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0  # as long as a writer of SQLite waits
    """Until the server gives up waiting for a lock."""


class Retention(BaseModel):
    """What is forgotten, and when: `[retention]` in remit.toml. What has no days is kept; the log is never cut."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    content_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """Days after its end until a task's content is erased: it can be neither replayed nor forked then."""
    access_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    """Days after their end until API tokens are dropped, from whose list they then are gone."""


class Settings(BaseSettings):
    """Everything configurable, in one frozen value."""

    model_config = SettingsConfigDict(
        env_prefix="REMIT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        nested_model_default_partial_update=True,
    )

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")] = "remit"
    """The cell's name; it is the origin in the log's checkpoints."""
    database_url: Annotated[str, Field(repr=False)] = "sqlite:///.remit/remit.db"  # with a password, perhaps
    """Relative SQLite paths count from the fleet's folder."""
    database: Connections = Connections()
    """How PostgreSQL is spoken to."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """ISO 4217 code of the currency in which the cell counts."""
    exchange: dict[str, Decimal] = {}
    """Units of `currency` for one unit of another, for prices published in it: `USD = "0.92"`."""
    releases: Literal["on-load", "by-person"] = "by-person"
    """Whether a new version in the folder is approved by loading it (development) or by a person."""
    key_file: str = ".remit/log.key"
    """The private key that signs the log's checkpoints; made on first use, readable by its owner only."""
    checkpoint_file: str = ".remit/log.newest"
    """The newest checkpoint, kept outside the database: after a restore it tells that the log was set back."""
    operating_model: Literal["centralized", "federated"] = "centralized"
    """Who approves new versions: the platform team only, or also the owner of each agent."""
    unit_budget_per_day: str = ""
    """A budget for every business unit and day, such as `500 EUR`; empty means none."""
    people_minute: str = ""
    """What a minute of people's time costs, such as `0.80 EUR`; empty means that it is not counted."""
    answer_minutes: Annotated[float, Field(ge=0, le=480)] = 2.0
    """How long an answer of a person is taken to have kept them: an assumption, nobody measures it."""
    demo: str = ""
    """`module:function` that hands `remit demo` the fleet's work."""
    models: dict[str, ModelRoute] = {}
    """Named ways to models."""
    webhooks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")], Webhook] = {}
    """Sources of signed events."""
    http: Http = Http()
    """Where `remit up` listens, and how people log in."""
    limits: Limits = Limits()
    """Bounds that hold whatever a contract says."""
    retention: Retention = Retention()
    """What is forgotten, and when."""

    @field_validator("exchange")
    @classmethod
    def _upper_case(cls, rates: dict[str, Decimal]) -> dict[str, Decimal]:
        """Variables arrive in lower case, which sorts behind remit.toml's upper case and so overrides it."""
        return {code.upper(): rates[code] for code in sorted(rates)}

    @field_validator("unit_budget_per_day", "people_minute")
    @classmethod
    def _is_money(cls, text: str) -> str:
        if text and Money.parse(text).micros < 0:
            raise ValueError("less than nothing")
        return text

    def in_cell(self, money: Money) -> int:
        """Returns micro-units of the cell's currency, rounded up; without an exchange rate it is an `InputError`."""
        rate = Decimal(1) if money.currency == self.currency else self.exchange.get(money.currency)
        if rate is None:
            raise InputError(
                "No exchange rate for the currency",
                which=money.currency,
                hint=f"Set exchange.{money.currency} in remit.toml: units of {self.currency} for one {money.currency}",
            )
        return int((money.micros * rate).to_integral_value(ROUND_CEILING))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Puts the environment above what `load_settings` read from remit.toml."""
        return env_settings, init_settings


def load_settings(folder: Path) -> Settings:
    """Reads `remit.toml` in `folder` (absent means defaults) and the environment; a mistake is an `InputError`."""
    path = folder / "remit.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("Cannot read the settings", which=str(path), why=str(error)) from error
    if url := _url_from_file():
        values["database_url"] = url
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _wrong_setting(path, error) from error
    except SettingsError as error:
        raise InputError("Cannot read a REMIT_ variable", why=str(error), hint="Write tables as JSON") from error


def _url_from_file() -> str:
    """Returns what stands in the file that `REMIT_DATABASE_URL_FILE` names: containers get passwords as files."""
    name = os.environ.get(URL_FILE, "")
    if not name:
        return ""
    if os.environ.get("REMIT_DATABASE_URL"):
        raise InputError(f"{URL_FILE} and REMIT_DATABASE_URL are both set", hint="Unset one of them")
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"Cannot read the file that {URL_FILE} names", which=name, why=why or "") from error


def _wrong_setting(path: Path, error: ValidationError) -> InputError:
    """Says which setting is wrong, and whether the file or a variable said so."""
    first = error.errors()[0]
    names = [str(name) for name in first["loc"]]
    variable = f"REMIT_{'__'.join(names)}".upper()
    return InputError(
        f"Setting {'.'.join(names)!r} is wrong",
        which=variable if variable in os.environ else str(path),
        why="There is no such setting" if first["type"] == "extra_forbidden" else first["msg"],
        hint=f"Settings there are: {', '.join(_beside(names))}",
    )


def _beside(names: list[str]) -> list[str]:
    """Returns the settings of the table in which a wrong one stands."""
    table: type[BaseModel] = Settings
    for name in names[:-1]:
        field = table.model_fields.get(name)  # none where it is the name of a route or a source
        kinds = (field.annotation, *get_args(field.annotation)) if field else ()
        table = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), table)
    return sorted(table.model_fields)
