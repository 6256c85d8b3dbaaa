"""A cell: one fleet with its database, log, gateway and runtime, built once from its settings."""

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from remit.approvals import Approvals
from remit.audit import KeptCheckpoint, Log, load_or_create_key
from remit.contracts import Finding, Fleet, check_fleet, read_fleet
from remit.controls import Controls
from remit.core import BusyError, Clock, InputError, Settings, SystemClock, load_settings
from remit.gateway import Gateway, Models, Parts, Releases, Tools, Upstreams, nowhere
from remit.gateway.providers import KeylessProvider, MissingKeyError, Provider, build_provider
from remit.guardrails import Guardrails
from remit.identity import People
from remit.journal import Claims, Executors, Journal, Places
from remit.kpis import Kpis
from remit.ledger import Ledger
from remit.operations import Access, Actor, Operations, Source, Verbs, Views
from remit.operations.upkeep import Forgetting
from remit.policy import Policy
from remit.registry import Registry
from remit.runtime import (
    BEATS,
    Chore,
    ClaimsEngine,
    EndProcess,
    Engine,
    InlineEngine,
    RemoteEngine,
    Runtime,
    Triggers,
    Worker,
)
from remit.store import ChangeFeed, Commit, CommitRefused, Database, Writer, open_database

_log = logging.getLogger("remit.app")
EngineKind = Literal["inline", "claims", "remote"]
"""Who drives a cell's runs."""
# How late a scheduled task may begin.
SCHEDULE_SECONDS = 1.0
SETTLE_SECONDS = 5.0
# How long calls in flight may take to come to an end once their servers are closed.
LAST_OUTCOMES = 5.0
# How much of the log may be unsigned when somebody takes the machine away.
SIGN_SECONDS = 60.0
# How much newer than the kept checkpoint a copy of the database may be, and be taken for the newest one.
KEEP_SECONDS = 1.0
FORGET_SECONDS = 3_600.0
# Between two commits that erase: they are nobody's haste, and decisions wait behind them.
ERASE_PAUSE = 0.05
# How much of the latest work figures count one by one, when they are asked for.
FIGURES_SECONDS = 5.0


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
        self.log.keep()

    async def close(self) -> None:
        """Signs the log's last entries and closes everything; runs in flight are left to the next start."""
        await self.engine.close()
        await self.parts.tools.close()
        await self.parts.models.close()
        with suppress(TimeoutError):  # what ends now ends in an outcome, an unknown one perhaps, and that is still kept
            async with asyncio.timeout(LAST_OUTCOMES):
                await self.gateway.settle()
        try:
            if ended := self.runtime.end():
                self.parts.writer.commit_now(Commit([ended]))
            self.sign()
        except BusyError as fault:  # others find out by its silence, and whoever comes next signs
            _log.warning("that this process ends could not be kept: %s", fault)
        self.parts.writer.close()
        self.log.close()
        self.changes.close()
        self.database.close()

    def worker(self, *, last_resort: EndProcess | None = None) -> Worker:
        """Returns what keeps this cell at work: runs, schedules, and the log's signed head.

        `last_resort` ends the process where others may have taken over and it cannot end by itself: else it goes on hanging.
        """
        limits = self.settings.limits
        return Worker(
            runtime=self.runtime,
            engine=self.engine,
            executor_seconds=limits.executor_seconds,
            drain_seconds=limits.drain_seconds,
            last_resort=last_resort,
            chores=(
                Chore("fire schedules", SCHEDULE_SECONDS, self._fire_due),
                Chore("settle what was left", SETTLE_SECONDS, lambda: self.gateway.settle_left(self.runtime.executor)),
                Chore("roll figures up", FIGURES_SECONDS, self._roll_up),
                Chore("sign the log", SIGN_SECONDS, self._keep_signed),
                Chore("keep the newest checkpoint", KEEP_SECONDS, self._keep_checkpoint),
                Chore("forget processes of long ago", FORGET_SECONDS, self._forget),
                Chore("erase what is old", FORGET_SECONDS, self._erase),
            ),
        )

    async def _fire_due(self) -> None:
        for started in await self.triggers.fire_due(self.parts.clock.now()):
            self.engine.dispatch(started.run.id)

    async def _forget(self) -> None:
        await self.parts.writer.commit(Commit(self.parts.executors.forget()))

    async def _erase(self) -> None:
        forgetting = Forgetting(self.database, self.parts.clock, self.settings.retention)
        while commit := await asyncio.to_thread(forgetting.next_commit):
            if isinstance(await self.parts.writer.commit(commit), CommitRefused):
                break  # another process does the same, or a task goes on after all
            await asyncio.sleep(ERASE_PAUSE)

    async def _roll_up(self) -> None:
        # In a thread: it waits for the log, and reads for some time; meanwhile runs go on.
        if await asyncio.to_thread(self.kpis.others_count):
            return
        while commit := await asyncio.to_thread(self.kpis.roll_up):
            if isinstance(await self.parts.writer.commit(commit), CommitRefused):
                break  # another process counts on
        await asyncio.to_thread(self.kpis.others_count)

    async def _keep_checkpoint(self) -> None:
        await asyncio.to_thread(self.log.keep)

    async def _keep_signed(self) -> None:
        if commit := await asyncio.to_thread(self.log.checkpoint_commit):
            await self.parts.writer.commit(commit)


def inspect_fleet(folder: Path) -> tuple[Settings, Fleet, list[Finding]]:
    """Reads a fleet's folder and returns it with every mistake in it, policies included."""
    settings = load_settings(folder)
    return settings, *_checked(folder, Policy.of(settings.models), compiled=True)


def _checked(folder: Path, policy: Policy, *, compiled: bool) -> tuple[Fleet, list[Finding]]:
    fleet, findings = read_fleet(folder)
    findings = [*findings, *check_fleet(fleet)]
    if not any(finding.severity == "error" for finding in findings):
        findings += policy.check(fleet, compiled=compiled)
    return fleet, sorted(set(findings), key=lambda f: (f.file, f.line, f.field, f.problem))


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

    `engine` says who drives runs: `inline` this process, as it is asked to; `claims` this process and any number of others,
    which share them; `remote` other processes. `servers` and `providers` stand in for what the fleet's files name, for tests and
    recorded work; `reach` is called at the named points between claim, effect and outcome, where crash tests stop the process.
    """
    settings, clock = settings or load_settings(folder), clock or SystemClock()
    policy = Policy.of(settings.models)  # the same for check and work: both stand on what was read once
    # Not compiled: what is not registered yet is compiled before it is.
    fleet, findings = _checked(folder, policy, compiled=False)
    if any(finding.severity == "error" for finding in findings):
        raise FleetError(findings)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # where the fleet's own code is
    with ExitStack() as opened:  # closed again if the cell cannot be built
        database = open_database(settings.database_url, folder=folder, limits=settings.database)
        opened.callback(database.close)
        database.migrate()
        key = load_or_create_key(folder / settings.key_file, settings.name)
        log = Log(database, key, clock, kept=KeptCheckpoint(folder / settings.checkpoint_file))
        log.check_owner()
        opened.callback(log.close)
        writer = Writer(database, appender=log, reach=reach)
        opened.callback(writer.close)
        log.moved_by(database.sequencer(log, reach))
        outside = _Outside(clock, writer, policy, servers or {}, providers or {}, reach or nowhere)
        cell = _cell(folder, fleet, database, log, _parts(settings, fleet, folder, database, outside), engine)
        opened.pop_all()
    return cell


@dataclass(frozen=True, slots=True)
class _Outside:
    """What a cell is given that its folder does not say."""

    clock: Clock
    writer: Writer
    policy: Policy
    servers: Mapping[str, object]
    providers: Mapping[str, Provider]
    reach: Callable[[str], None]


def _parts(settings: Settings, fleet: Fleet, folder: Path, database: Database, outside: _Outside) -> Parts:
    clock, upstreams = outside.clock, Upstreams(settings.limits)
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
        policy=outside.policy,
        tools=Tools(
            fleet.servers,
            folder=folder,
            seconds=settings.limits.tool_seconds,
            result_bytes=settings.limits.result_bytes,
            instances=outside.servers,
            upstreams=upstreams,
        ),
        models=Models(settings, _providers(settings, folder, outside.providers), upstreams=upstreams),
        releases=Releases(fleet, settings, outside.policy),
        upstreams=upstreams,
        reach=outside.reach,
    )


def _providers(settings: Settings, folder: Path, given: Mapping[str, Provider]) -> dict[str, Provider]:
    return {name: given.get(name) or _provider(name, settings, folder) for name in settings.models}


def _provider(name: str, settings: Settings, folder: Path) -> Provider:
    """Returns a route's provider. Without its key, nothing else is kept from working: who asks the model is told."""
    try:
        return build_provider(name, settings.models[name], settings, folder)
    except MissingKeyError as fault:
        _log.warning("%s", fault.text())
        return KeylessProvider(fault)


def _claims_engine(runtime: Runtime, parts: Parts, fleet: Fleet) -> ClaimsEngine:
    limits = parts.settings.limits
    contracts = {name: contract.terms.limits.concurrent for name, contract in fleet.contracts.items()}
    places = Places(
        per_agent=limits.concurrent_runs_per_agent or None,
        per_unit=limits.concurrent_runs_per_unit or None,
        of_agents={name: concurrent for name, concurrent in contracts.items() if concurrent},
    )
    return ClaimsEngine(
        runtime=runtime,
        journal=parts.journal,
        writer=parts.writer,
        claims=Claims(parts.clock, executor=runtime.executor, seconds=limits.executor_seconds, places=places),
        releases=parts.releases.keys,
        concurrency=limits.concurrent_runs,
        expire_seconds=limits.executor_seconds / BEATS,
    )


def _cell(folder: Path, fleet: Fleet, database: Database, log: Log, parts: Parts, kind: EngineKind) -> Cell:
    settings, gateway = parts.settings, Gateway(parts)
    # Processes on one file share a clock: when it jumps, it does for all of them.
    runtime = Runtime(parts, gateway, fences=database.dialect == "postgresql")
    engine: Engine
    match kind:
        case "claims":
            engine = _claims_engine(runtime, parts, fleet)
        case "inline":
            engine = InlineEngine(runtime, parts.journal, executor_seconds=settings.limits.executor_seconds)
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
        operations=Operations(parts=parts, gateway=gateway, runtime=runtime, engine=engine, fleet=fleet, kpis=kpis),
        access=Access(
            people=parts.people, database=database, writer=parts.writer, clock=parts.clock, settings=settings
        ),
        kpis=kpis,
        changes=database.changes(),
    )
