"""Every verb a person or program has, for one actor: checked by permission, done by `Operations`, on the record."""

from collections.abc import Mapping, Sequence
from typing import Any

from remit.approvals import Approval, OverrideCategory, VoteAnswer
from remit.audit import Report, make_entry
from remit.core import InputError, RefusedError, new_id
from remit.gateway import Parts, carrier
from remit.journal import Run, RunState
from remit.operations.actors import Actor, verb
from remit.operations.feedback import FeedbackSent, Said, send_feedback
from remit.operations.operations import Operations, Receipt
from remit.operations.permissions import Permission
from remit.operations.practice import KILL, Practice
from remit.operations.record import VERIFIED, commit_verb, given_reason
from remit.registry import Version
from remit.runtime import Event, Received, Started, Triggers
from remit.store import Commit


class Verbs:
    """What one actor may do. A refused attempt is on the record like what was done."""

    def __init__(self, *, operations: Operations, triggers: Triggers, parts: Parts, actor: Actor) -> None:
        self._operations = operations
        self._triggers = triggers
        self._parts = parts
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self._actor

    async def refused(self, permission: Permission, fault: RefusedError) -> None:
        """Puts a refused attempt on the record."""
        fields = {"by": self.actor.id, "face": self.actor.face, "permission": permission.value, "why": fault.why}
        entry = make_entry("cell", "access.refused", self.actor.id, self._parts.clock.now(), fields)
        await self._parts.writer.commit(Commit([], [entry]))

    async def _within(self, permission: Permission, unit: str) -> None:
        """Refuses what is of a unit the actor does not work for."""
        try:
            self.actor.check(permission, unit)
        except RefusedError as fault:
            await self.refused(permission, fault)
            raise

    # --- work

    @verb(Permission.FLEET_RUNS_START)
    async def start(
        self,
        agent: str,
        value: Mapping[str, Any],
        *,
        on_behalf_of: str = "",
        intent: str = "",
        key: str | None = None,
        priority: int | None = None,
    ) -> Started:
        """Gives an agent a task; its first run is queued. On whose behalf: one's own, unless one may delegate.

        As urgent as its contract says, unless one may say another `priority`, from 0 to 9.
        """
        unit = self._parts.registry.current(agent).unit
        await self._within(Permission.FLEET_RUNS_START, unit)
        if on_behalf_of not in ("", self.actor.id):
            await self._within(Permission.FLEET_TASKS_DELEGATE, unit)
        if priority is not None:
            await self._within(Permission.FLEET_TASKS_PRIORITIZE, unit)
        person = on_behalf_of or self.actor.id
        started = await self._operations.submit(
            agent, value, on_behalf_of=person, intent=intent, dedup=key, asked_by=self.actor.behind, priority=priority
        )
        if started.is_new:
            self._operations.dispatch(started.run.id)
        return started

    @verb(Permission.FLEET_EVENTS_SEND)
    async def send(
        self, name: str, data: Mapping[str, Any], *, identifier: str = "", source: str = "local"
    ) -> Received:
        """Hands an event in; every agent that takes it starts on it, once for each id."""
        if self.actor.units:
            await self._within(Permission.FLEET_EVENTS_SEND, "")
        at = self._parts.clock.now()
        received = await self._triggers.receive(
            Event(source, identifier or new_id("event"), name, dict(data), at, self.actor.id)
        )
        for started in received.tasks:
            if started.run.state is RunState.QUEUED:
                self._operations.dispatch(started.run.id)
        return received

    @verb(Permission.FLEET_FEEDBACK_SEND)
    async def feedback(
        self, task: str, *, kind: str, score: int | None = None, words: str = "", key: str | None = None
    ) -> FeedbackSent:
        """Hands in what somebody served says of a task: satisfaction (1 to 5), an appeal, or that they want a person."""
        said, known = Said.of(kind, score, words), self._parts.journal.task(task)
        first = self._parts.journal.runs_of(known.id)[0]
        await self._within(Permission.FLEET_FEEDBACK_SEND, self._unit(first.agent, first.version))
        return await send_feedback(self._parts, known, said, by=self.actor.id, key=key or "")

    @verb(Permission.FLEET_RUNS_CANCEL)
    async def cancel(self, run_id: str, *, because: str) -> Run:
        """Ends a run that is not over, and those it handed work to; what was done stays done.

        It takes the permission for every one of them; else none is ended.
        """
        await self._of_run(Permission.FLEET_RUNS_CANCEL, run_id)
        return await self._operations.cancel(run_id, because=because, by=self.actor.id, may_end=self._may_end)

    async def _may_end(self, ending: Sequence[Run]) -> None:
        permission = Permission.FLEET_RUNS_CANCEL
        units = {run.id: self._unit(run.agent, run.version) for run in ending}
        others = [run for run in ending if not self.actor.may(permission, units[run.id])]
        if others:
            fault = RefusedError(
                f"{self.actor.id} may not end all that this run would take along",
                which=ending[-1].id,
                why=", ".join(f"{run.id} of {run.agent} is of unit {units[run.id]}" for run in others),
                hint=f"Somebody with {permission} there cancels that first; `remit stop run:{ending[-1].id}` pauses this",
            )
            await self.refused(permission, fault)
            raise fault

    @verb(Permission.FLEET_RUNS_FORK)
    async def fork(
        self, run_id: str, step: int, *, effects: bool = False, current: bool = False, because: str = ""
    ) -> Run:
        """Begins a new run with the steps of another before `step`; one with effects takes a reason."""
        await self._of_run(Permission.FLEET_RUNS_FORK, run_id)
        if current:  # another release may be of another unit
            agent = self._parts.journal.run(run_id).agent
            await self._within(Permission.FLEET_RUNS_FORK, self._parts.registry.current(agent).unit)
        if effects:  # it may do again, under new keys, what was done
            because = given_reason(because, run_id, "A fork with effects")
        forked = await self._operations.fork(
            run_id, step, by=self.actor.id, effects=effects, current=current, because=because
        )
        self._operations.dispatch(forked.id)
        return forked

    @verb(Permission.FLEET_RUNS_FORK)
    async def retry(self, run_id: str, *, because: str) -> Run:
        """Has a run that failed or was cancelled tried again from where it went wrong, with effects."""
        await self._of_run(Permission.FLEET_RUNS_FORK, run_id)
        again = await self._operations.retry(run_id, because=because, by=self.actor.id)
        self._operations.dispatch(again.id)
        return again

    @verb(Permission.FLEET_RUNS_ROLLBACK)
    async def rollback(self, run_id: str, *, because: str, cancel: bool = False) -> Run | None:
        """Has undone what a run did, and what those did it handed work to; None when there is nothing to undo.

        With `cancel`, a run that is not over is cancelled first.
        """
        await self._may_roll_back(run_id)
        if cancel and not self._parts.journal.run(run_id).state.is_over:
            await self.cancel(run_id, because=because)
            await self._may_roll_back(run_id)  # it may have handed work on meanwhile
        begun = await self._operations.rollback(run_id, because=because, by=self.actor.id, asked_by=self.actor.owner)
        if begun is not None:
            self._operations.dispatch(begun.id)
        return begun

    async def _may_roll_back(self, run_id: str) -> None:
        for of in self._operations.runs_to_undo(run_id):  # a taker may be of another unit, and so may who undoes it
            await self._of_run(Permission.FLEET_RUNS_ROLLBACK, of)
            if carried := carrier(self._parts, self._parts.journal.run(of)):
                await self._within(Permission.FLEET_RUNS_ROLLBACK, carried[0].unit)

    # --- people's answers

    @verb(Permission.FLEET_APPROVALS_ANSWER, is_checked_inside=True)
    async def answer(
        self,
        approval_id: str,
        answer: VoteAnswer,
        *,
        reason: str = "",
        arguments: Mapping[str, Any] | None = None,
        seen: str = "",
        category: OverrideCategory | None = None,
    ) -> Approval:
        """Answers a question; a yes to a proposal is one's own action. Who may answer which, the gateway decides.

        An edit, or a no to what an agent proposed, has a category, and becomes a case of the agent's.
        """
        asked = self._parts.approvals.get(approval_id)
        await self._may_answer(asked)
        answered = await self._operations.answer(
            asked.id,
            person=self.actor.id,
            answer=answer,
            reason=reason,
            arguments=arguments,
            seen=seen,
            category=category,
        )
        self._operations.dispatch(answered.run)
        return answered

    @verb(Permission.FLEET_APPROVALS_ANSWER, is_checked_inside=True)
    async def escalate(self, approval_id: str, *, to: str, reason: str) -> Approval:
        """Passes a question one may answer on to others whom policy lets answer it: a role, or a person by name."""
        asked = self._parts.approvals.get(approval_id)
        await self._may_answer(asked)
        return await self._operations.escalate(asked.id, person=self.actor.id, to=to, reason=reason)

    # --- switches

    @verb(Permission.FLEET_SWITCHES_PULL)
    async def stop(self, scope: str, *, because: str) -> Receipt:
        """Pulls a switch: from the receipt on, no decision in its scope is committed."""
        await self._of_scope(Permission.FLEET_SWITCHES_PULL, scope)
        return await self._operations.stop(scope, because=because, by=self.actor.id)

    @verb(Permission.FLEET_SWITCHES_RESET)
    async def resume(self, scope: str, *, because: str) -> Receipt:
        """Resets a switch; runs that waited for it go on."""
        await self._of_scope(Permission.FLEET_SWITCHES_RESET, scope)
        receipt = await self._operations.resume(scope, because=because, by=self.actor.id)
        for run in self._operations.waiting_runs():
            self._operations.dispatch(run.id)
        return receipt

    # --- versions

    @verb(Permission.FLEET_AGENTS_RELEASE, is_checked_inside=True)
    async def promote(self, agent: str, version: str, *, because: str = "") -> Version:
        """Approves the registered release of a version; where the operating model is federated, its owner may too."""
        await self._release(Permission.FLEET_AGENTS_RELEASE, agent, version)
        return await self._operations.promote(agent, version, by=self.actor.id, because=because)

    @verb(Permission.FLEET_AGENTS_RETIRE, is_checked_inside=True)
    async def retire(self, agent: str, version: str, *, because: str) -> Version:
        """Ends a version's life: it takes no new work, and what it has is finished first."""
        await self._release(Permission.FLEET_AGENTS_RETIRE, agent, version)
        return await self._operations.retire(agent, version, because=because, by=self.actor.id)

    # --- a demo's faults, and the log's proof

    @verb(Permission.CELL_FAULTS_CAUSE)
    async def cause(self, practice: Practice, fault: str = "") -> str:
        """Has a fault of a demo's outside world happen, or its worker killed; it is on the record before it happens."""
        if fault and fault not in practice.faults:
            raise InputError("No such fault", which=fault, hint=f"There are: {', '.join(practice.faults) or 'none'}")
        fields = {"by": self.actor.id, "face": self.actor.face, "fault": fault or KILL}
        await commit_verb(self._parts, "practice", fault or KILL, fields, [])
        return await (practice.break_outside(fault) if fault else practice.kill_worker())

    @verb(Permission.FLEET_LOG_READ)
    async def verified(self, report: Report) -> None:
        """Puts on the record that the whole log was verified, and held. One that does not hold is left as it is."""
        if not report.ok:
            raise InputError("The log does not hold", which=report.origin, why="; ".join(report.problems[:3]))
        fields = {"by": self.actor.id, "face": self.actor.face, "entries": report.size}
        await commit_verb(self._parts, "log.verified", VERIFIED, fields, [])

    # --- whose it is

    async def _may_answer(self, asked: Approval) -> None:
        permission = Permission.FLEET_APPROVALS_ANSWER
        if permission in self.actor.permissions:
            await self._within(permission, self._unit(asked.agent, asked.version))
            return
        takes = f"it takes {permission} and one of the roles {', '.join(asked.roles)}"
        held = ", ".join(self.actor.roles) or "none"
        fault = RefusedError(f"{self.actor.id} may not answer", which=asked.id, why=f"{takes}; they hold {held}")
        await self.refused(permission, fault)
        raise fault

    async def _release(self, permission: Permission, agent: str, version: str) -> None:
        known = self._parts.registry.find(agent, version)
        is_federated = self._parts.settings.operating_model == "federated"
        # A token does what it was made for, and none can be made for this: what owners may by that is in person.
        in_person = self.actor.face != "api"
        if known is not None and is_federated and in_person and known.owner == self.actor.id:
            return
        await self._within(permission, known.unit if known else "")

    async def _of_run(self, permission: Permission, run_id: str) -> None:
        run = self._parts.journal.run(run_id)
        await self._within(permission, self._unit(run.agent, run.version))

    async def _of_scope(self, permission: Permission, scope: str) -> None:
        """A switch over a unit's own agents is that unit's; any other is the whole fleet's."""
        kind, _, name = scope.partition(":")
        unit: str = ""
        if kind == "unit":
            unit = name
        elif kind == "run":
            run = self._parts.journal.run(name)
            unit = self._unit(run.agent, run.version)
        elif kind in ("agent", "version"):
            versions = self._parts.registry.versions(name.partition("@")[0])
            units = {version.unit for version in versions}
            unit = units.pop() if len(units) == 1 else ""
        await self._within(permission, unit)

    def _unit(self, agent: str, version: str) -> str:
        known = self._parts.registry.find(agent, version)
        return known.unit if known else ""
