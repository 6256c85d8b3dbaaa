"""What people do: every verb once, for the command line, REST and the console alike. Each is on the record."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from remit.approvals import Approval, ApprovalState, VoteAnswer
from remit.audit import Log, make_entry
from remit.contracts import Contract, Fleet
from remit.controls import parse_scope
from remit.core import ConflictError, InputError, IntegrityError, NotFoundError, RefusedError, RemitError
from remit.gateway import (
    Denied,
    Done,
    Gateway,
    Outcome,
    Parts,
    answer_question,
    release_digest,
    release_source,
    restore_release,
)
from remit.journal import Run, RunState
from remit.registry import ReleaseState, Version
from remit.runtime import Engine, Runtime, Started
from remit.store import Commit, CommitRefused, Statement

_log = logging.getLogger("remit.operations")
# How soon the end of a run that another process drives is seen.
LOOK_SECONDS = 0.1


class Operations:
    """The verbs: load, submit, answer, act, stop, resume, cancel, promote."""

    def __init__(
        self, *, parts: Parts, gateway: Gateway, runtime: Runtime, engine: Engine, log: Log, fleet: Fleet
    ) -> None:
        self._parts = parts
        self._gateway = gateway
        self._runtime = runtime
        self._engine = engine
        self._log = log
        self._fleet = fleet
        self.changed: list[ConflictError] = []
        """What `load` found changed since it was approved: each says so, and what to do."""

    # --- the fleet

    async def load(self, *, by: str = "the fleet's folder") -> list[Version]:
        """Registers every contract of the folder; `releases = "on-load"` approves it too. Returns what was approved now.

        An approved version whose text differs from the folder's goes on as it was approved; `changed` then names it.
        """
        loaded = [await self._load(contract, by) for contract in self._fleet.contracts.values()]
        known = [(version, digest) for version, digest, _ in loaded if version.state is not ReleaseState.PENDING]
        self.changed = [_was_changed(version) for version, digest in known if version.release != digest]
        self._restore_releases()
        return [version for version, _, is_new in loaded if is_new]

    async def _load(self, contract: Contract, by: str) -> tuple[Version, str, bool]:
        """Returns a contract's version, the digest of its text in the folder, and whether it was approved just now."""
        digest, terms = release_digest(contract, self._fleet, self._parts.settings), contract.terms
        is_new = False
        for tries_left in (2, 1, 0):
            try:
                is_new = await self._bring_in(contract, digest, by)
            except RemitError:
                # Another process opens the same new fleet: what it has brought in is not brought in again.
                if not tries_left or self._parts.registry.find(terms.agent, terms.version) is None:
                    raise
            else:
                break
        version = self._parts.registry.find(terms.agent, terms.version)
        if version is None:
            raise IntegrityError("A version was not kept", which=contract.id)
        return version, digest, is_new

    async def _bring_in(self, contract: Contract, digest: str, by: str) -> bool:
        terms = contract.terms
        known = self._parts.registry.find(terms.agent, terms.version)
        if known and known.state is not ReleaseState.PENDING:
            return False
        if known is None or known.release != digest:
            fields = {"agent": terms.agent, "version": terms.version, "contract": contract.digest, "release": digest}
            kept = self._parts.registry.keep_release(digest, release_source(contract, self._fleet))
            registered = [*self._parts.registry.register(contract, digest), kept]
            await self._commit("release.registered", digest, fields, registered)
        if self._parts.settings.releases != "on-load":
            return False
        await self._promote(terms.agent, terms.version, by=by, again=False)
        return True

    def _restore_releases(self) -> None:
        """Makes the releases of versions that left the folder but may still have runs to finish."""
        releases, registry = self._parts.releases, self._parts.registry
        for version in registry.versions():
            body = registry.release_body(version.release) if version.may_act else None
            if body is None or version.release in releases:
                continue
            try:
                release = restore_release(body, self._fleet, self._parts.settings, self._parts.policy)
            except (RemitError, ValueError) as fault:
                _log.warning("the release of %s cannot be restored: %s", version.id, fault)
                continue
            if release.digest == version.release:
                releases[release.digest] = release

    async def promote(self, agent: str, version: str, *, by: str) -> Version:
        """Approves the registered release of a version: from now on it takes the agent's work."""
        return await self._promote(agent, version, by=by)

    async def _promote(self, agent: str, version: str, *, by: str, again: bool = True) -> Version:
        known = self._parts.registry.find(agent, version)
        if known is None:
            raise NotFoundError("No such version", which=f"{agent}@{version}", hint="`remit agents` lists them")
        fields = {"agent": agent, "version": version, "release": known.release, "by": by}
        statements = self._parts.registry.approve(agent, version, known.release, by, again=again)
        await self._commit("release.approved", known.release, fields, statements)
        approved = self._parts.registry.find(agent, version)
        return approved or known

    # --- work

    async def submit(
        self, agent: str, value: Mapping[str, Any], *, on_behalf_of: str, intent: str = "", dedup: str | None = None
    ) -> Started:
        """Takes a task on; drive its run with `drive`."""
        return await self._runtime.start(agent, value, on_behalf_of=on_behalf_of, intent=intent, dedup=dedup)

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for somebody.

        While another process drives it, that one is waited for; should it die, the run is taken over here.
        """
        driven = await self._engine.drive(run)
        while driven.state in (RunState.QUEUED, RunState.RUNNING):
            await asyncio.sleep(LOOK_SECONDS)
            driven = await self._engine.drive(run)
        return driven

    async def cancel(self, run_id: str, *, because: str, by: str) -> Run:
        """Cancels a run that is not over, and those it handed work to; their attempts are fenced off at once."""
        if not because.strip():
            raise InputError("To cancel takes a reason", which=run_id, hint="Give one with --because")
        run = self._parts.journal.run(run_id)
        fields = {"run": run.id, "because": because, "by": by}
        closes = self._parts.journal.end_task(run.task, "cancelled", "cancelled")
        cancelled = [
            self._parts.journal.cancel(run.id, because),
            self._parts.journal.stop_attempt(run.id),
            *([self._parts.journal.ready(run.parent_run or "")] if run.is_child else [closes] if run.effects else []),
            *(
                self._parts.approvals.close(asked.id, ApprovalState.WITHDRAWN, because)
                for asked in self._pending(run.id)
                if asked.kind != "unknown"  # what may have happened is still to be told
            ),
        ]
        try:
            await self._commit("run.cancelled", run.id, fields, cancelled, stream=run.id)
        finally:  # after it, when it can hand over nothing more; also to whom a cancel that broke off has not come
            await self._cancel_takers(run, because, by)
        return self._parts.journal.run(run.id)

    async def _cancel_takers(self, run: Run, because: str, by: str) -> None:
        for child in self._parts.journal.children(run.id):
            if child.is_child and self._parts.journal.run(run.id).state.is_over:
                with suppress(ConflictError):  # it has just ended by itself
                    await self.cancel(child.id, because=because, by=by)

    # --- people's answers

    async def answer(
        self,
        approval_id: str,
        *,
        person: str,
        answer: VoteAnswer,
        reason: str = "",
        arguments: Mapping[str, Any] | None = None,
        seen: str = "",
    ) -> Approval:
        """Answers a question. A yes to a human-led proposal is that person's own action, through the gateway.

        `seen` is the fingerprint of what was looked at: once somebody has edited a question, it must be given and fit.
        """
        approval = self._parts.approvals.get(approval_id)
        if answer == "approve":
            self._check_seen(approval, seen)
        if approval.kind == "proposal" and answer != "reject":
            await self.act(approval, person=person, arguments=arguments)
        else:
            await answer_question(
                self._parts, approval, person=person, answer=answer, reason=reason, arguments=arguments
            )
            if approval.kind == "unknown" and self._parts.journal.run(approval.run).state.is_over:
                await self._gateway.settle_doubt(self._parts.approvals.get(approval.id))
        return self._parts.approvals.get(approval.id)

    def _check_seen(self, approval: Approval, seen: str) -> None:
        """Nobody says yes to what somebody else made of it meanwhile."""
        edited = any(vote.answer == "edit" for vote in self._parts.approvals.votes(approval.id))
        if seen and not approval.digest.partition(":")[2].startswith(seen):
            raise ConflictError("It is not what you looked at any more", which=approval.id, hint="Look again")
        if edited and not seen:
            raise ConflictError(
                "It was edited since it was asked",
                which=approval.id,
                hint="Look again and answer with --seen FINGERPRINT",
            )

    async def act(self, approval: Approval, *, person: str, arguments: Mapping[str, Any] | None = None) -> Outcome:
        """Carries out a proposal as `person`; refused like any action when policy does not let them."""
        if approval.state is not ApprovalState.PENDING:
            raise ConflictError("Nothing to act on", which=approval.id, why=f"it is {approval.state} already")
        outcome = await self._gateway.act_as_person(person, approval, arguments)
        if not isinstance(outcome, Done):
            if isinstance(outcome, Denied):
                raise RefusedError(f"{person} could not act", which=approval.id, why=outcome.sentence())
            raise ConflictError(
                "It may have happened",
                which=approval.id,
                why="nobody knows yet",
                hint="Do not repeat it; see `remit approvals`",
            )
        return outcome

    async def fork(self, run_id: str, step: int, *, by: str, effects: bool = False, current: bool = False) -> Run:
        """Begins a new run with the steps of another before `step`; see `Runtime.fork`."""
        return await self._runtime.fork(run_id, step, by=by, effects=effects, current=current)

    def waiting_runs(self) -> list[Run]:
        """Returns runs that waited and can go on: what they waited for has come, or its time is over."""
        return [run for run in self._ready_runs() if run.state is RunState.WAITING]

    def unfinished_runs(self) -> list[Run]:
        """Returns runs that nobody drives: queued ones, those that can go on, and those whose process may have ended."""
        return [*self._ready_runs(), *self._parts.journal.open_runs()]

    def _ready_runs(self) -> list[Run]:
        return [self._parts.journal.run(identifier) for identifier in self._parts.journal.ready_runs()]

    def _pending(self, run: str) -> list[Approval]:
        return [a for a in self._parts.approvals.of_run(run) if a.state is ApprovalState.PENDING]

    # --- switches

    async def stop(self, scope: str, *, because: str, by: str) -> dict[str, Any]:
        """Pulls a switch and returns the receipt: from this moment no decision in its scope is committed."""
        return await self._switch(scope, stopped=True, because=because, by=by)

    async def resume(self, scope: str, *, because: str, by: str) -> dict[str, Any]:
        """Resets a switch; runs that waited for it can go on."""
        return await self._switch(scope, stopped=False, because=because, by=by)

    async def _switch(self, scope: str, *, stopped: bool, because: str, by: str) -> dict[str, Any]:
        if not because.strip():
            raise InputError("A switch takes a reason", which=scope, hint="Give one with --because")
        scope, asked_at = self._known_scope(parse_scope(scope)), self._parts.clock.now()
        fields = {"scope": scope, "stopped": stopped, "because": because, "by": by}
        switch = self._parts.controls.switch(scope, stopped=stopped, because=because, by=by)
        await self._commit(
            "switch", scope, fields, [switch] if stopped else [switch, self._parts.journal.ready_stopped()]
        )
        self._parts.controls.forget()
        done_at = self._parts.clock.now()
        running = len(self._parts.journal.runs(state=RunState.RUNNING.value))
        return {
            **fields,
            "asked_at": asked_at,
            "in_force_at": done_at,
            "micros": done_at - asked_at,
            "running": running,
        }

    def _known_scope(self, scope: str) -> str:
        """Returns the scope when something is in it: a stop that stops nothing must not look like one."""
        kind, _, name = scope.partition(":")
        versions = self._parts.registry.versions()
        known: dict[str, set[str]] = {
            "fleet": {""},
            "unit": {version.unit for version in versions},
            "class": {version.agent_class for version in versions},
            "agent": {version.agent for version in versions},
            "version": {version.id for version in versions},
            "tool": set(self._fleet.tools),
            "model": set(self._parts.models.names()),
        }
        if kind == "run":
            return f"run:{self._parts.journal.run(name).id}"
        if name not in known[kind]:
            there = ", ".join(sorted(known[kind])) or "none"
            raise InputError(f"There is no such {kind}", which=name, why=f"there are: {there}")
        return scope

    async def _commit(
        self, kind: str, ref: str, fields: Mapping[str, Any], statements: list[Statement], *, stream: str = "cell"
    ) -> None:
        entry = make_entry(stream, kind, ref, self._parts.clock.now(), dict(fields))
        result = await self._parts.writer.commit(Commit(statements, [entry], ref))
        if isinstance(result, CommitRefused):
            raise ConflictError("This could not be done", which=ref, why=result.refusal)


def _was_changed(known: Version) -> ConflictError:
    return ConflictError(
        "An approved version was changed",
        which=known.id,
        why="its contract, its tools or its model routes differ from what was approved, which goes on",
        hint="Raise `version` in the contract to have the new text approved",
    )
