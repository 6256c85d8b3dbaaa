"""The enforcement point. One action travels through numbered steps, in this order:

     1 identify     2 switches    3 lifecycle    4 hops, steps, loops, rates    5 input
     6 authority    7 guardrails  8 approval     9 reserve                     10 lock
    11 commit the decision, then perform   12 check the result   13 commit the outcome

Steps 1 to 10 read and plan; the commit of step 11 re-checks what may have changed. Every exit is logged. A refusal
is a value; a fault in steps 1 to 11 is a refusal too, because what cannot be decided is denied.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from remit.approvals import Approval, OverrideCategory
from remit.core import BusyError, IntegrityError, NotFoundError, RemitError
from remit.gateway import steps
from remit.gateway.answers import check_duties
from remit.gateway.calls import OvertakenError
from remit.gateway.context import ActionContext, Parts, anyone
from remit.gateway.effects import conclude, doubt, perform
from remit.gateway.model import Action, Check, Denied, Done, Outcome, Waiting
from remit.gateway.overrides import override_category, reason_payload
from remit.gateway.placing import come_back, commit_in_place, leave, may_come_back
from remit.gateway.recall import AnotherActionError, play_back, recall, settle_over, settle_told, take_up
from remit.gateway.records import CommitRefusedError, commit_denied, commit_permit, read_done
from remit.gateway.tools import OutcomeUnknownError
from remit.gateway.turns import Turn, Turns
from remit.gateway.upstreams import UpstreamBusyError
from remit.guardrails import UNDECIDED
from remit.identity import Credentials
from remit.journal import StepRow, StepState

_log = logging.getLogger("remit.gateway")

# Of what was left in runs that are over: as many are looked at in one go, a tenth of a second.
SETTLED_AT_ONCE = 200
_BEFORE_REPLAY = (
    (Check.IDENTIFY, steps.identify),
    (Check.SWITCHES, steps.check_switches),
    (Check.LIFECYCLE, steps.check_lifecycle),
)
_JUDGING = (
    (Check.LIMITS, steps.check_limits),
    (Check.INPUT, steps.check_input),
    (Check.AUTHORITY, steps.authorize),
)
_PLANNING = (
    (Check.GUARDRAILS, steps.screen),
    (Check.APPROVAL, steps.require_approval),
    (Check.RESERVE, steps.reserve),
    (Check.LOCK, steps.take_locks),
)


# What others may have changed while a lock was waited for.
_BEFORE_LOCKING = ((Check.AUTHORITY, steps.authorize),)
_OVERTAKEN = Denied(Check.IDENTIFY, "another attempt of the run goes on", "Stop")
_TAKEN = Denied(Check.LOCK, "others wait for it, who came before", "Wait")


class Gateway:
    """Decides every action outside the agent's reasoning, and does what is permitted once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._in_flight: dict[str, asyncio.Task[Outcome]] = {}
        self._turns = Turns()
        self._settled_to = ("", 0)
        """The run and step up to which the latest look at what was left has come."""
        self._may_send: Callable[[str, int], Awaitable[bool]] = anyone

    def ask_before_sending(self, may_send: Callable[[str, int], Awaitable[bool]]) -> None:
        """Has `may_send` asked, with run and attempt, before each call: whether nobody has taken the run over."""
        self._may_send = may_send

    async def act(self, credentials: Credentials | None, action: Action) -> Outcome:
        """Takes an agent's action. Driven again, it returns the recorded outcome without a new effect.

        Raises `AnotherActionError` when the run asks for something else than its journal says at this step.
        """
        now = self._parts.clock.now()
        return await self._through(ActionContext(action.bounded(), credentials, now, may_send=self._may_send))

    async def settle(self, run: str = "") -> None:
        """Waits until nothing that `run`, or any run, was permitted is still being performed here."""
        while tasks := [task for key, task in self._in_flight.items() if not run or key.startswith(f"{run}:")]:
            await asyncio.wait(tasks)

    async def act_as_person(
        self,
        person: str,
        approval: Approval,
        arguments: Mapping[str, Any] | None = None,
        *,
        reason: str = "",
        category: OverrideCategory | None = None,
    ) -> Outcome:
        """Takes a person's action on an agent's proposal: the same steps, with the person as principal.

        With other `arguments` than were proposed it is an override, for `reason` and of `category`. Raises
        `RefusedError` when they may not answer the proposal at all (logged).
        """
        parts = self._parts
        row = parts.journal.step(approval.run, approval.step)
        if row is None or approval.kind != "proposal":
            raise NotFoundError("No proposal to act on", which=approval.id, hint="`remit approvals` lists them")
        proposed = arguments if arguments is not None else parts.journal.content(approval.proposed)["arguments"]
        who = parts.people.person(person)
        await check_duties(parts, approval, who)
        action = Action("tool", approval.name, proposed, approval.step)
        ctx = ActionContext(action, Credentials(approval.run, 0, ""), parts.clock.now())
        ctx.person, ctx.approval = who, approval
        if why := override_category(parts, approval, "approve" if arguments is None else "edit", category):
            ctx.otherwise = why, reason_payload(parts, approval, reason)
        return await self._through(ctx)

    async def settle_doubt(self, approval: Approval) -> Outcome:
        """Closes a step of unknown outcome whose run is over, as a person has told: its hold and locks are freed."""
        parts = self._parts
        row = parts.journal.step(approval.run, approval.step)
        if row is None or row.state is not StepState.UNKNOWN:
            raise NotFoundError("No outcome to settle", which=approval.id)
        try:
            return await self._owned(f"{row.run}:{row.step}", settle_told(parts, row, approval))
        except CommitRefusedError:
            now = parts.journal.step(row.run, row.step)
            if now is None or now.state is not StepState.DONE:
                raise
            return read_done(parts, now)  # another process has settled it by what was told

    async def settle_left(self, own: str = "") -> None:
        """Brings what was decided in runs that are over to an outcome, when nobody performs it any more.

        What executor `own`, this process, has taken up and does not perform here it never will: every commit of an
        attempt of a run that is over is refused. Each call looks at some of them, and the next one at those behind.
        """
        left = self._parts.journal.open_steps(self._settled_to, limit=SETTLED_AT_ONCE)
        self._settled_to = left[-1] if len(left) == SETTLED_AT_ONCE else ("", 0)
        for run, step in left:
            await asyncio.sleep(0)  # what waits for a person may be many, and each is read
            row = self._parts.journal.step(run, step)
            if row is None or f"{run}:{step}" in self._in_flight:
                continue
            try:
                if settling := settle_over(self._parts, row, own):
                    await self._owned(f"{run}:{step}", settling)
            except Exception:  # noqa: BLE001  one that cannot be settled keeps no other from it
                _log.warning("%s:%d of a run that is over could not be settled", run, step, exc_info=True)

    async def _through(self, ctx: ActionContext) -> Outcome:
        try:
            return await self._decide_and_do(ctx)
        except CommitRefusedError as refused:
            if ctx.performed:
                return self._kept_by_another(ctx, refused)
            return await commit_denied(self._parts, ctx, refused.denied)

    def _kept_by_another(self, ctx: ActionContext, refused: CommitRefusedError) -> Done:
        """Returns the outcome another attempt has kept meanwhile: what was done must never read as denied."""
        row = self._parts.journal.step(ctx.run.id, ctx.action.step)
        if row is None or row.state is not StepState.DONE:
            raise IntegrityError("An outcome could not be kept", which=ctx.key, why=str(refused))
        return read_done(self._parts, row)

    async def _decide_and_do(self, ctx: ActionContext) -> Outcome:
        if refusal := await self._pass(ctx, _BEFORE_REPLAY):
            return refusal
        if ctx.key in self._in_flight:
            return await self._join(ctx)
        if ctx.recorded is not None and ctx.person is None:
            if known := recall(self._parts, ctx, ctx.recorded):
                return known
            if ctx.recorded.state is not StepState.WAITING:
                return await self._owned(ctx.key, self._take_up(ctx, ctx.recorded))
        if refusal := await self._pass(ctx, _JUDGING):
            return refusal
        if ctx.is_withheld:
            return await play_back(self._parts, ctx)
        if refusal := await self._pass(ctx, _PLANNING):
            return refusal
        return await self._owned(ctx.key, self._commit_and_do(ctx))

    async def _join(self, ctx: ActionContext) -> Outcome:
        """Waits for what is being performed; a second person does not get the first one's act as their own."""
        if ctx.person is not None:
            denied = Denied(Check.APPROVAL, "somebody is acting on it already", "Look again")
            return await commit_denied(self._parts, ctx, denied)
        return await asyncio.shield(self._in_flight[ctx.key])

    async def _owned(self, key: str, doing: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Does what is permitted in a task of the gateway's own: a caller that gives up does not leave it half done."""
        task = asyncio.create_task(doing, name=f"perform {key}")
        self._in_flight[key] = task
        task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: str, done: "asyncio.Task[Outcome]") -> None:
        if self._in_flight.get(key) is done:
            del self._in_flight[key]
        if not done.cancelled() and (fault := done.exception()):
            _log.warning("the outcome of %s was not kept", key, exc_info=fault)

    async def _take_up(self, ctx: ActionContext, row: StepRow) -> Outcome:
        try:
            return await take_up(self._parts, ctx, row)
        except OvertakenError:
            return await commit_denied(self._parts, ctx, _OVERTAKEN)
        except UpstreamBusyError as busy:
            busy.is_repeat = True
            if ctx.tool and ctx.tool.effect == "write" and not may_come_back(self._parts, ctx, busy.upstream):
                told = f"the attempt that called it ended, and {busy} for too long by now"
                return await doubt(self._parts, ctx, OutcomeUnknownError(told))
            return await come_back(self._parts, ctx, busy)
        finally:
            leave(ctx)
            self._turns.freed(ctx.locks)

    async def _commit_and_do(self, ctx: ActionContext) -> Outcome:
        try:
            if refusal := await self._commit(ctx):
                return refusal
            ctx.performed = True
            if ctx.handover is not None:
                return Waiting("handoff", "", ctx.decision, ctx.handover.child.id)
            return await conclude(self._parts, ctx, perform(self._parts, ctx))
        except OvertakenError:
            return await commit_denied(self._parts, ctx, _OVERTAKEN)
        except UpstreamBusyError as busy:
            return await come_back(self._parts, ctx, busy)
        finally:
            leave(ctx)
            self._turns.freed(ctx.locks)

    async def _pass(self, ctx: ActionContext, checks: Any) -> Denied | Waiting | None:
        for number, check in checks:
            try:
                refusal = await check(self._parts, ctx)
            except (AnotherActionError, CommitRefusedError, BusyError):  # a store that is away is no refusal
                raise
            except UpstreamBusyError as busy:
                refusal, ctx.busy = None, busy
            except Exception as fault:  # noqa: BLE001  whatever it is, it could not be decided
                refusal = _undecided(ctx, number, fault)
            if ctx.busy is not None:
                return await come_back(self._parts, ctx, ctx.busy)
            if isinstance(refusal, Denied):
                return await commit_denied(self._parts, ctx, refusal)
            if refusal is not None:
                return refusal
        return None

    async def _commit(self, ctx: ActionContext) -> Denied | Waiting | None:
        """Commits the permit. A busy lock is waited for, up to the limit; what was judged is judged again after that,
        and when people have said no meanwhile.
        """
        with self._turns.turn(ctx.locks) as turn:
            return await self._commit_in_turn(ctx, turn)

    async def _commit_in_turn(self, ctx: ActionContext, turn: Turn) -> Denied | Waiting | None:
        left = self._parts.settings.limits.lock_seconds
        refused = await self._permitted(ctx) if turn.is_first or left <= 0 else _TAKEN
        while refused is not None and (refused.step is Check.AUTHORITY or (refused.step is Check.LOCK and left > 0)):
            leave(ctx)  # what is waited for is not its upstream
            if refused.step is Check.LOCK:
                left = await turn.wait(left)
                if left > 0 and not (turn.is_first and not self._parts.controls.are_held(ctx.locks)):
                    continue  # the last time it is tried for, whoever is before
            self._parts.approvals.forget_refused(ctx.task.id, ctx.run.id, ctx.run.attempt)
            ctx.reads, ctx.notes = [], []
            if refusal := await self._pass(ctx, (*_BEFORE_LOCKING, *_PLANNING)):
                return refusal
            refused = await self._permitted(ctx)
        return await commit_denied(self._parts, ctx, refused) if refused is not None else None

    async def _permitted(self, ctx: ActionContext) -> Denied | None:
        try:
            return await commit_in_place(self._parts, ctx, commit_permit)
        except (BusyError, UpstreamBusyError):
            raise
        except Exception as fault:  # noqa: BLE001  as above
            return _undecided(ctx, Check.PERFORM, fault)


def _undecided(ctx: ActionContext, number: Check, fault: Exception) -> Denied:
    told = fault.text() if isinstance(fault, RemitError) else type(fault).__name__
    _log.warning("decision %s could not be made at step %d: %s", ctx.decision, number, told, exc_info=fault)
    return Denied(number, f"it {UNDECIDED}: {told}", "Report this; it is a fault, not a rule")
