"""Triggers: events and due times become tasks of the agents whose contracts ask for them, each of them once."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from remit.audit import make_entry
from remit.contracts import Contract, event_names, trigger_problem
from remit.core import BusyError, ConflictError, CrowdedError, JsonValue, RefusedError, RemitError, iso
from remit.gateway import Parts
from remit.runtime.cron import Cron
from remit.runtime.events import Event, NotTaken, Received
from remit.runtime.intake import Started
from remit.runtime.runtime import Runtime
from remit.runtime.schedules import (
    MOST_COUNTED,
    Schedule,
    ScheduleTable,
    Standing,
    schedules_of,
    split_due,
)
from remit.store import Commit, CommitRefused, Database, Statement

_log = logging.getLogger("remit.runtime")
# What one log entry has room for; an event has one taker, hardly ever two.
MOST_TOLD = 100
LONGEST_REASON = 300
# Schedules whose next time is kept in memory, for looks every second.
CACHED = 4_096


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule of a live contract, with the times it was last due and is due next."""

    schedule: Schedule
    last_due: int | None
    next_due: int | None


class Triggers:
    """Starts what events and schedules ask for. The live versions' contracts decide, not the folder's newest text."""

    def __init__(self, *, parts: Parts, database: Database, runtime: Runtime) -> None:
        self._parts = parts
        self._runtime = runtime
        self._table = ScheduleTable(database)
        self._next_due = lru_cache(CACHED)(Cron.next)

    # --- events

    async def receive(self, event: Event) -> Received:
        """Starts one task for each agent that takes the event; the same event again returns the same tasks.

        What one agent cannot take stops no other. Raises `BusyError` when the store is busy, or too much waits of an
        agent that takes it: then hand it in again.
        """
        tasks: list[Started] = []
        refused: list[NotTaken] = []
        crowded: CrowdedError | None = None
        for contract in self._live():
            if event.name not in event_names(contract):
                continue
            if trigger_problem(contract, "event", value=event.data, name=event.name):
                continue
            try:
                tasks.append(await self._take(contract.name, event))
            except CrowdedError as fault:
                crowded = fault
            except BusyError:
                raise
            except RemitError as fault:
                refused.append(NotTaken(contract.name, fault))
        if crowded is not None:  # handed in again, it returns what it has started, and starts the rest
            raise crowded
        received = Received(event, tuple(tasks), tuple(refused))
        await self._record(received)
        return received

    async def _take(self, agent: str, event: Event) -> Started:
        person, key = event.on_behalf_of, event.key
        return await self._runtime.start(agent, event.data, on_behalf_of=person, dedup=key, by="event")

    async def _record(self, received: Received) -> None:
        """Logs what became of an event; its data is personal until somebody says otherwise, and stays out."""
        event = received.event
        tasks = [
            {"agent": one.task.agent, "task": one.task.id, "run": one.run.id, "new": one.is_new}
            for one in received.tasks[:MOST_TOLD]
        ]
        refused = [{"agent": one.agent, "why": one.recorded[:LONGEST_REASON]} for one in received.refused[:MOST_TOLD]]
        fields: dict[str, JsonValue] = {"source": event.source, "id": event.id, "name": event.name}
        fields |= {"on_behalf_of": event.on_behalf_of, "tasks": tasks, "refused": refused}
        await self._commit("event.received", event.key, fields)

    # --- schedules

    async def fire_due(self, now: int | None = None) -> list[Started]:
        """Starts a task for each schedule time that is due, and says so in the log; call it several times a minute.

        One due time starts one task, however many processes look. Times that passed while nothing ran follow the
        schedule's `missed`; while a switch is pulled they count as missed too.
        """
        now = self._parts.clock.now() if now is None else now
        started: list[Started] = []
        for schedule, standing in await self._standings(now):
            try:
                started += await self._fire(schedule, standing, now)
            except RemitError as fault:  # the next look tries again
                _log.warning("schedule %r of %s: %s", schedule.name, schedule.agent, fault)
        return started

    def schedules(self, now: int) -> list[ScheduleState]:
        """Returns every schedule of the live versions."""
        standings = self._table.standings()
        return [
            ScheduleState(
                schedule,
                standing.last_due if (standing := standings.get((schedule.agent, schedule.name))) else None,
                schedule.cron.next(now),
            )
            for contract in self._live()
            for schedule in schedules_of(contract)
        ]

    async def _standings(self, now: int) -> list[tuple[Schedule, Standing]]:
        """Returns the schedules to look at; new ones begin now, and those a contract no longer has end."""
        standings = self._table.standings()
        live = self._live(agent for agent, _ in standings)
        schedules = [schedule for contract in live for schedule in schedules_of(contract)]
        there = {(schedule.agent, schedule.name) for schedule in schedules}
        agents = {contract.name for contract in live}
        new = [self._table.add(s, now) for s in schedules if (s.agent, s.name) not in standings]
        gone = [self._table.remove(*key) for key in standings.keys() - there if key[0] in agents]
        if new or gone:
            await self._parts.writer.commit(Commit([*new, *gone]))
        return [(s, standings[s.agent, s.name]) for s in schedules if (s.agent, s.name) in standings]

    async def _fire(self, schedule: Schedule, standing: Standing, now: int) -> list[Started]:
        after = standing.after
        if (due_next := self._next_due(schedule.cron, after)) is None or due_next > now:
            return []
        passed = schedule.cron.passed(after, now, most=MOST_COUNTED)
        missed, due = split_due(schedule.trigger.missed, passed, now)
        if missed:
            fields: dict[str, JsonValue] = {"rule": schedule.trigger.missed, "count": len(missed)}
            fields |= {"first": iso(missed[0]), "more": len(passed) == MOST_COUNTED}
            if not await self._advance(schedule, after, missed[-1], "schedule.missed", fields):
                return []
            after = missed[-1]
        started: list[Started] = []
        for moment in due:
            found = await self._fire_one(schedule, after, moment)
            if isinstance(found, Started):
                started.append(found)
            elif not found:
                break
            after = moment
        return started

    async def _fire_one(self, schedule: Schedule, after: int, due: int) -> Started | bool:
        """Starts the task of one due time, or returns whether the schedule has moved on without one."""
        agent, owner, key = schedule.agent, schedule.owner, schedule.dedup(due)
        try:
            started = await self._runtime.start(agent, schedule.input, on_behalf_of=owner, dedup=key, by="schedule")
        except BusyError:
            raise
        except RemitError as fault:
            # It may have been fired by a process that broke off, and have been given another input since.
            if not (task := self._parts.journal.task_by_dedup(agent, key)):
                may_pass = isinstance(fault, RefusedError | ConflictError)
                return await self._refuse(schedule, after, due, fault, waits=may_pass)
            started = Started(task, self._parts.journal.runs_of(task.id)[0], is_new=False)
        fields: dict[str, JsonValue] = {"task": started.task.id, "run": started.run.id}
        await self._advance(schedule, after, due, "schedule.fired", fields)
        return started

    async def _refuse(self, schedule: Schedule, after: int, due: int, fault: RemitError, *, waits: bool) -> bool:
        """Logs a refused time once. What may pass, such as a pulled switch, makes it a missed time: its rule decides."""
        fields: dict[str, JsonValue] = {"why": fault.text()[:LONGEST_REASON]}
        if not waits or schedule.trigger.missed == "skip":
            return await self._advance(schedule, after, due, "schedule.refused", fields)
        noted = self._table.note_refusal(schedule, due)
        await self._commit("schedule.refused", schedule.agent, self._told(schedule, due) | fields, noted)
        return False

    async def _advance(
        self, schedule: Schedule, after: int, due: int, kind: str, fields: Mapping[str, JsonValue]
    ) -> bool:
        """Moves the schedule on and logs why; False when another process has done so."""
        moved = self._table.advance(schedule, after, due)
        return await self._commit(kind, schedule.agent, self._told(schedule, due) | dict(fields), moved)

    def _told(self, schedule: Schedule, due: int) -> dict[str, JsonValue]:
        return {
            "agent": schedule.agent,
            "cron": schedule.trigger.cron,
            "timezone": schedule.trigger.timezone,
            "due": iso(due),
        }

    # --- both

    def _live(self, agents: Iterable[str] = ()) -> list[Contract]:
        """Returns the contracts of the versions that take new work, as they were released.

        Only of agents that something triggers, by whichever version that is loaded, and of those named: this is asked each
        second, and most agents of a large fleet are given their work.
        """
        loaded = (contract for _, contract in self._parts.releases.contracts())
        triggered = {contract.name for contract in loaded if schedules_of(contract) or event_names(contract)}
        versions = [each for each in self._parts.registry.among({*triggered, *agents}) if each.may_begin]
        versions.sort(key=lambda each: (each.approved_at or 0, each.agent, each.created_at, each.version))
        newest = {version.agent: version for version in versions}
        contracts = [self._parts.releases.contract(version.release) for version in newest.values()]
        return [contract for contract in contracts if contract]

    async def _commit(self, kind: str, ref: str, fields: Mapping[str, JsonValue], *statements: Statement) -> bool:
        entry = make_entry("cell", kind, ref, self._parts.clock.now(), fields)
        return not isinstance(await self._parts.writer.commit(Commit(statements, [entry])), CommitRefused)
