"""A cell: one fleet with its database, log, gateway and runtime, built once from its settings."""

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from remit.approvals import Approvals
from remit.audit import Log, load_or_create_key
from remit.contracts import Finding, Fleet, check_fleet, read_fleet
from remit.controls import Controls
from remit.core import Clock, InputError, Settings, SystemClock, load_settings
from remit.gateway import Gateway, Models, Parts, Release, Tools, compile_release, nowhere
from remit.gateway.providers import KeylessProvider, MissingKeyError, Provider, build_provider
from remit.guardrails import Guardrails, load_function
from remit.identity import People
from remit.journal import Executors, Journal
from remit.kpis import Kpis
from remit.ledger import Ledger
from remit.operations import Access, Actor, Operations, Source, Verbs, Views
from remit.policy import Policy
from remit.registry import Registry
from remit.runtime import Chore, Engine, InlineEngine, RemoteEngine, Runtime, Triggers, Worker
from remit.store import ChangeFeed, Commit, CommitRefused, Database, Writer, migrate

_log = logging.getLogger("remit.app")
EngineKind = Literal["inline", "durable", "remote"]
"""Who drives a cell's runs."""
_DBOS = "remit.runtime.dbos_engine:DbosEngine"
# Beside the cell's database: what the durable engine queues in.
QUEUE_FILE = "queue.db"
# How late a scheduled task may begin.
SCHEDULE_SECONDS = 1.0
SETTLE_SECONDS = 5.0
# How long calls in flight may take to come to an end once their servers are closed.
LAST_OUTCOMES = 5.0
# How much of the log may be unsigned when somebody takes the machine away.
SIGN_SECONDS = 60.0
FORGET_SECONDS = 3_600.0
# How much of the latest work figures count one by one, when they are asked for.
FIGURES_SECONDS = 2.0


class FleetError(InputError):
    """A fleet with mistakes in it; nothing of it is run. `findings` names every one."""

    def __init__(self, findings: list[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity == "error"]
        self.findings = findings
        super().__init__(
            f"The fleet has {len(errors)} mistake{'s' if len(errors) != 1 else ''}",
            why="; ".join(map(str, errors[:3])),
            hint="`remit check` names all of them",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Everything of one fleet that is alive in this process."""

    folder: Path
    settings: Settings
    fleet: Fleet
    database: Database
    log: Log
    parts: Parts
    gateway: Gateway
    runtime: Runtime
    triggers: Triggers
    engine: Engine
    operations: Operations
    access: Access
    kpis: Kpis
    changes: ChangeFeed

    def verbs(self, actor: Actor) -> Verbs:
        """Returns what `actor` may do here."""
        return Verbs(operations=self.operations, triggers=self.triggers, parts=self.parts, actor=actor)

    def views(self, actor: Actor) -> Views:
        """Returns what `actor` may see here."""
        source = Source(
            parts=self.parts, log=self.log, fleet=self.fleet, database=self.database, kpis=self.kpis, actor=actor
        )
        return Views(source, warnings=self.operations.changed)

    def sign(self) -> None:
        """Signs the log's head as it stands, so that every entry before it can be proved."""
        if commit := self.log.checkpoint_commit():
            self.parts.writer.commit_now(commit)

    async def close(self) -> None:
        """Signs the log's last entries and closes everything; runs in flight are left to the next start."""
        await self.engine.close()
        await self.parts.tools.close()
        await self.parts.models.close()
        with suppress(TimeoutError):  # what ends now ends in an outcome, an unknown one perhaps, and that is still kept
            async with asyncio.timeout(LAST_OUTCOMES):
                await self.gateway.settle()
        if ended := self.runtime.end():
            self.parts.writer.commit_now(Commit([ended]))
        self.sign()
        self.parts.writer.close()
        self.changes.close()
        self.database.close()

    def worker(self) -> Worker:
        """Returns what keeps this cell at work: runs, schedules, and the log's signed head."""
        limits = self.settings.limits
        return Worker(
            runtime=self.runtime,
            engine=self.engine,
            journal=self.parts.journal,
            executor_seconds=limits.executor_seconds,
            drain_seconds=limits.drain_seconds,
            chores=(
                Chore("fire schedules", SCHEDULE_SECONDS, self._fire_due),
                Chore("settle what was left", SETTLE_SECONDS, self.gateway.settle_left),
                Chore("roll figures up", FIGURES_SECONDS, self._roll_up),
                Chore("sign the log", SIGN_SECONDS, self._keep_signed),
                Chore("forget processes of long ago", FORGET_SECONDS, self._forget),
            ),
        )

    async def _fire_due(self) -> None:
        for started in await self.triggers.fire_due(self.parts.clock.now()):
            self.engine.dispatch(started.run.id)

    async def _forget(self) -> None:
        await self.parts.writer.commit(Commit([self.parts.executors.forget()]))

    async def _roll_up(self) -> None:
        while commit := self.kpis.roll_up():
            if isinstance(await self.parts.writer.commit(commit), CommitRefused):
                break  # another process counts on

    async def _keep_signed(self) -> None:
        if commit := self.log.checkpoint_commit():
            await self.parts.writer.commit(commit)


def inspect_fleet(folder: Path) -> tuple[Settings, Fleet, list[Finding]]:
    """Reads a fleet's folder and returns it with every mistake in it, policies included."""
    settings = load_settings(folder)
    fleet, findings = read_fleet(folder)
    findings = [*findings, *check_fleet(fleet)]
    if not any(finding.severity == "error" for finding in findings):
        findings += _policy(settings).check(fleet)
    return settings, fleet, sorted(set(findings), key=lambda f: (f.file, f.line, f.field, f.problem))


def build(
    folder: Path,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    servers: Mapping[str, object] | None = None,
    providers: Mapping[str, Provider] | None = None,
    engine: EngineKind = "inline",
    reach: Callable[[str], None] | None = None,
) -> Cell:
    """Builds the cell of the fleet in `folder`, or raises `FleetError` with everything that is wrong with it.

    `engine` says who drives runs: `inline` this process, as it is asked to; `durable` a queue on DBOS, one such cell a
    process; `remote` other processes. `servers` and `providers` stand in for what the fleet's files name, for tests and
    recorded work; `reach` is called at the named points between claim, effect and outcome, where crash tests stop the process.
    """
    read, fleet, findings = inspect_fleet(folder)
    if any(finding.severity == "error" for finding in findings):
        raise FleetError(findings)
    settings, clock = settings or read, clock or SystemClock()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # where the fleet's own code is
    database = Database(settings.database_url, folder=folder)
    connection = database.connect()
    migrate(connection)
    connection.close()
    log = Log(database, load_or_create_key(folder / settings.key_file, settings.name), clock)
    writer = Writer(database, appender=log, reach=reach)
    outside = _Outside(clock, writer, servers or {}, providers or {}, reach or nowhere)
    parts = _parts(settings, fleet, folder, database, outside)
    return _cell(folder, fleet, database, log, parts, engine)


@dataclass(frozen=True, slots=True)
class _Outside:
    """What a cell is given that its folder does not say."""

    clock: Clock
    writer: Writer
    servers: Mapping[str, object]
    providers: Mapping[str, Provider]
    reach: Callable[[str], None]


def _parts(settings: Settings, fleet: Fleet, folder: Path, database: Database, outside: _Outside) -> Parts:
    clock = outside.clock
    policy = _policy(settings)
    return Parts(
        settings=settings,
        clock=clock,
        writer=outside.writer,
        journal=Journal(database, clock),
        executors=Executors(database, clock, seconds=settings.limits.executor_seconds),
        registry=Registry(database, clock),
        people=People(
            fleet.people, owners={contract.terms.owner for contract in fleet.contracts.values()}, clock=clock
        ),
        controls=Controls(database, clock),
        ledger=Ledger(database),
        approvals=Approvals(database, clock),
        guardrails=Guardrails(),
        policy=policy,
        tools=Tools(
            fleet.servers,
            folder=folder,
            seconds=settings.limits.tool_seconds,
            result_bytes=settings.limits.result_bytes,
            instances=outside.servers,
        ),
        models=Models(settings, _providers(settings, folder, outside.providers)),
        releases=_releases(fleet, settings, policy),
        reach=outside.reach,
    )


def _policy(settings: Settings) -> Policy:
    return Policy({name: route.cloud for name, route in settings.models.items()})


def _providers(settings: Settings, folder: Path, given: Mapping[str, Provider]) -> dict[str, Provider]:
    return {name: given.get(name) or _provider(name, settings, folder) for name in settings.models}


def _provider(name: str, settings: Settings, folder: Path) -> Provider:
    """Returns a route's provider. Without its key, nothing else is kept from working: who asks the model is told."""
    try:
        return build_provider(name, settings.models[name], settings, folder)
    except MissingKeyError as fault:
        _log.warning("%s", fault.text())
        return KeylessProvider(fault)


def _releases(fleet: Fleet, settings: Settings, policy: Policy) -> dict[str, Release]:
    releases = [compile_release(c, fleet, settings, policy.bundle(fleet, c)) for c in fleet.contracts.values()]
    return {release.digest: release for release in releases}


def _cell(folder: Path, fleet: Fleet, database: Database, log: Log, parts: Parts, kind: EngineKind) -> Cell:
    settings, gateway = parts.settings, Gateway(parts)
    runtime = Runtime(parts, gateway)
    engine: Engine
    match kind:
        case "inline":
            engine = InlineEngine(runtime, parts.journal, executor_seconds=settings.limits.executor_seconds)
        case "durable":
            engine = load_function(_DBOS)(runtime, parts.journal, database.path.with_name(QUEUE_FILE))
        case "remote":
            engine = RemoteEngine(parts.journal)
    kpis = Kpis(database, settings)
    return Cell(
        folder=folder,
        settings=settings,
        fleet=fleet,
        database=database,
        log=log,
        parts=parts,
        gateway=gateway,
        runtime=runtime,
        triggers=Triggers(parts=parts, database=database, runtime=runtime),
        engine=engine,
        operations=Operations(parts=parts, gateway=gateway, runtime=runtime, engine=engine, fleet=fleet),
        access=Access(
            people=parts.people, database=database, writer=parts.writer, clock=parts.clock, settings=settings
        ),
        kpis=kpis,
        changes=ChangeFeed(database),
    )
