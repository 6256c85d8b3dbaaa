"""What people do: every verb once, for the command line, REST and the console alike. Each is on the record."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypedDict

from remit.approvals import Approval, ApprovalState, OverrideCategory, VoteAnswer
from remit.contracts import Fleet
from remit.core import ConflictError, InputError, RefusedError
from remit.gateway import (
    Denied,
    Done,
    Gateway,
    Outcome,
    Parts,
    answer_question,
    answered_first,
    escalate_question,
    given_arguments,
)
from remit.journal import Run, RunState
from remit.kpis import Kpis
from remit.operations.cancelling import MayEnd, anybody, cancel_run
from remit.operations.record import commit_verb, given_reason
from remit.operations.releases import Releases
from remit.operations.scopes import known_scope
from remit.registry import Version
from remit.runtime import Engine, Runtime, Started, begin_rollback, where_it_went_wrong
from remit.store import Statement

# How soon the end of a run that another process drives is seen.
LOOK_SECONDS = 0.1


class Receipt(TypedDict):
    """What became of a switch, and how long it took; times in microseconds."""

    scope: str
    stopped: bool
    because: str
    by: str
    asked_at: int
    in_force_at: int
    micros: int
    running: int
    """Runs that were being driven; each goes no further than the call under way."""


class Operations:
    """The verbs: load, submit, answer, act, stop, resume, cancel, promote."""

    def __init__(
        self, *, parts: Parts, gateway: Gateway, runtime: Runtime, engine: Engine, fleet: Fleet, kpis: Kpis
    ) -> None:
        self._parts = parts
        self._gateway = gateway
        self._runtime = runtime
        self._engine = engine
        self._fleet = fleet
        self._releases = Releases(parts=parts, fleet=fleet, kpis=kpis)

    # --- the fleet

    @property
    def changed(self) -> list[ConflictError]:
        """What `load` did not take as it stands in the folder: each says why, and what to do."""
        return self._releases.changed

    async def load(self, *, by: str = "the fleet's folder") -> list[Version]:
        """Registers every contract of the folder; see `Releases.load`."""
        return await self._releases.load(by=by)

    async def promote(self, agent: str, version: str, *, by: str, because: str = "") -> Version:
        """Approves the registered release of a version; see `Releases.promote`."""
        return await self._releases.promote(agent, version, by=by, because=because)

    async def retire(self, agent: str, version: str, *, because: str, by: str) -> Version:
        """Ends a version's life; see `Releases.retire`."""
        return await self._releases.retire(agent, version, because=because, by=by)

    # --- work

    async def submit(
        self,
        agent: str,
        value: Mapping[str, Any],
        *,
        on_behalf_of: str,
        intent: str = "",
        dedup: str | None = None,
        asked_by: tuple[str, ...] = (),
        priority: int | None = None,
    ) -> Started:
        """Takes a task on; drive its run with `drive`. `asked_by` are those who have it done, if others than it is for.

        They are in the task's chain, and answer nothing it asks. `priority` stands in for the contract's.
        """
        return await self._runtime.start(
            agent, value, on_behalf_of=on_behalf_of, intent=intent, dedup=dedup, asked_by=asked_by, priority=priority
        )

    def dispatch(self, run_id: str) -> bool:
        """Hands a run that can go on now to the engine; returns whether it did."""
        run = self._parts.journal.run(run_id)
        return run.is_ready(self._parts.clock.now()) and self._engine.dispatch(run.id)

    async def drive(self, run: str) -> Run:
        """Drives a run, and whoever it hands work to, until it ends or waits for somebody.

        While another process drives it, that one is waited for; should it die, the run is taken over here.
        """
        driven = await self._engine.drive(run)
        while driven.state in (RunState.QUEUED, RunState.RUNNING):
            await asyncio.sleep(LOOK_SECONDS)
            driven = await self._engine.drive(run)
        return driven

    async def settled(self, run_id: str, seconds: float) -> Run:
        """Returns a run once it is over or waits for somebody, or as it stands after `seconds`; others drive it."""
        run = self._parts.journal.run(run_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while run.state in (RunState.QUEUED, RunState.RUNNING):
                    await asyncio.sleep(LOOK_SECONDS)
                    run = self._parts.journal.run(run_id)
        return run

    async def cancel(self, run_id: str, *, because: str, by: str, may_end: MayEnd = anybody) -> Run:
        """Cancels a run that is not over, and those it handed work to, all or none of them; see `cancel_run`."""
        return await cancel_run(self._parts, run_id, because=because, by=by, may_end=may_end)

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
        category: OverrideCategory | None = None,
    ) -> Approval:
        """Answers a question. A yes to a human-led proposal is that person's own action, through the gateway.

        An edit, or a no to what an agent proposed, has a `category`. `seen` is the fingerprint of what was looked at.
        Given, it must fit; a yes to a question that somebody has edited must give it.
        """
        approval = self._parts.approvals.get(approval_id)
        if answer != "edit" and arguments is not None:
            raise InputError("Only an edit takes arguments", which=approval.id, hint="Answer with edit to change it")
        if answer == "approve" or seen:
            self._check_seen(approval, seen)
        if approval.kind == "proposal" and answer != "reject":
            if answer == "edit":
                given_reason(reason, approval.id, "To edit")
                arguments = given_arguments(approval, arguments)
            await self.act(approval, person=person, arguments=arguments, reason=reason, category=category)
        else:
            await answer_question(
                self._parts,
                approval,
                person=person,
                answer=answer,
                reason=reason,
                arguments=arguments,
                category=category,
            )
            if approval.kind == "unknown" and self._parts.journal.run(approval.run).state.is_over:
                await self._gateway.settle_doubt(self._parts.approvals.get(approval.id))
        return self._parts.approvals.get(approval.id)

    async def escalate(self, approval_id: str, *, person: str, to: str, reason: str) -> Approval:
        """Passes a question on to a role, or a person asked by name, that policy lets answer it too."""
        approval = self._parts.approvals.get(approval_id)
        return await escalate_question(self._parts, approval, person=person, to=to, reason=reason)

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

    async def act(
        self,
        approval: Approval,
        *,
        person: str,
        arguments: Mapping[str, Any] | None = None,
        reason: str = "",
        category: OverrideCategory | None = None,
    ) -> Outcome:
        """Carries out a proposal as `person`; refused like any action when policy does not let them.

        With other `arguments` they do it otherwise than was proposed, for `reason` and of `category`.
        """
        if approval.state is not ApprovalState.PENDING:
            raise ConflictError(
                "Nothing to act on",
                which=approval.id,
                why=answered_first(self._parts, approval) or f"it is {approval.state} already",
            )
        outcome = await self._gateway.act_as_person(person, approval, arguments, reason=reason, category=category)
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

    async def fork(
        self, run_id: str, step: int, *, by: str, effects: bool = False, current: bool = False, because: str = ""
    ) -> Run:
        """Begins a new run with the steps of another before `step`; see `Runtime.fork`."""
        return await self._runtime.fork(run_id, step, by=by, effects=effects, current=current, because=because)

    async def retry(self, run_id: str, *, because: str, by: str) -> Run:
        """Tries a run that failed or was cancelled again, with effects, from where it went wrong.

        What has an outcome is kept; a model that had the last word is asked again.
        """
        because = given_reason(because, run_id, "To try again")
        run = self._parts.journal.run(run_id)
        if run.state not in (RunState.FAILED, RunState.CANCELLED):
            hint = "`remit fork` begins a new run with its steps"
            raise ConflictError("Only a run that failed or was cancelled is tried again", which=run.id,
                why=f"it is {run.state}", hint=hint)  # fmt: skip
        step = where_it_went_wrong(self._parts.journal.steps(run.id))
        return await self.fork(run.id, step, by=by, effects=True, because=because)

    def runs_to_undo(self, run_id: str) -> list[str]:
        """Returns a run and those it handed work to, whose changes are undone with its own."""
        run = self._parts.journal.run(run_id)
        taken = [child for child in self._parts.journal.children(run.id) if child.is_child]
        return [run.id, *(each for child in taken for each in self.runs_to_undo(child.id))]

    async def rollback(self, run_id: str, *, because: str, by: str, asked_by: str = "") -> Run | None:
        """Begins a rollback of a run; see `begin_rollback`."""
        because, run = given_reason(because, run_id, "A rollback"), self._parts.journal.run(run_id)
        return await begin_rollback(self._parts, run, by=by, because=because, asked_by=asked_by)

    def waiting_runs(self) -> list[Run]:
        """Returns runs that waited and can go on: what they waited for has come, or its time is over."""
        return [run for run in self._ready_runs() if run.state is RunState.WAITING]

    def unfinished_runs(self) -> list[Run]:
        """Returns runs that nobody drives: queued ones, those that can go on, and those whose process may have ended."""
        return [*self._ready_runs(), *self._parts.journal.open_runs()]

    def _ready_runs(self) -> list[Run]:
        return [self._parts.journal.run(identifier) for identifier in self._parts.journal.ready_runs()]

    # --- switches

    async def stop(self, scope: str, *, because: str, by: str) -> Receipt:
        """Pulls a switch and returns the receipt: from this moment no decision in its scope is committed."""
        return await self._switch(scope, stopped=True, because=because, by=by)

    async def resume(self, scope: str, *, because: str, by: str) -> Receipt:
        """Resets a switch; runs that waited for it can go on."""
        return await self._switch(scope, stopped=False, because=because, by=by)

    async def _switch(self, scope: str, *, stopped: bool, because: str, by: str) -> Receipt:
        because = given_reason(because, scope, "A switch")
        scope, asked_at = known_scope(self._parts, self._fleet.tools, scope), self._parts.clock.now()
        fields = {"scope": scope, "stopped": stopped, "because": because, "by": by}
        switch = self._parts.controls.switch(scope, stopped=stopped, because=because, by=by)
        statements = [switch] if stopped else [switch, self._parts.journal.ready_stopped()]
        await self._commit("switch", scope, fields, statements)
        self._parts.controls.forget()
        done_at = self._parts.clock.now()
        return Receipt(
            scope=scope,
            stopped=stopped,
            because=because,
            by=by,
            asked_at=asked_at,
            in_force_at=done_at,
            micros=done_at - asked_at,
            running=self._parts.journal.counts().get(RunState.RUNNING.value, 0),
        )

    async def _commit(
        self, kind: str, ref: str, fields: Mapping[str, Any], statements: list[Statement], *, stream: str = "cell"
    ) -> None:
        await commit_verb(self._parts, kind, ref, fields, statements, stream=stream)
