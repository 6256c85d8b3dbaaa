"""Taking tasks on: the input is checked, the release pinned, and a queued run kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from remit.audit import make_entry
from remit.contracts import Contract, TriggerKind, compile_schema, trigger_problem
from remit.core import ConflictError, InputError, RefusedError, RemitError, canonical_bytes, check_depth
from remit.gateway import Parts
from remit.journal import HIGHEST_PRIORITY, LOWEST_PRIORITY, Payload, Run, Task
from remit.registry import Version
from remit.runtime.admission import Admission
from remit.store import Commit, CommitRefused, Statement


@dataclass(frozen=True, slots=True)
class Started:
    """A task that was taken on, and its first run."""

    task: Task
    run: Run
    is_new: bool = True


class Intake:
    """Takes tasks on."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._admission = Admission(parts)

    async def start(  # noqa: PLR0913  each is one thing that is said of a task, and named
        self,
        agent: str,
        value: Mapping[str, Any],
        *,
        on_behalf_of: str,
        intent: str = "",
        dedup: str | None = None,
        by: TriggerKind = "task",
        asked_by: tuple[str, ...] = (),
        priority: int | None = None,
    ) -> Started:
        """Takes a task on. `by` says what asks: a person's or program's task meets the contract's `task` triggers here,
        the other kinds were matched before. `asked_by` are those who had it done, where that is not `on_behalf_of`.
        `priority`, from 0 to 9, stands in for what the contract says of urgency.

        A `dedup` key that was seen before returns the task it started then. Raises `InputError` for an input that does
        not fit, `NotFoundError` without a live version, `RefusedError` when a switch is pulled or no trigger takes it,
        `CrowdedError` when too much waits already.
        """
        if known := self._known(agent, dedup, value):
            return known
        version = self._parts.registry.current(agent)
        contract = self._contract(version)
        self._check_input(contract, value)
        if by == "task" and (problem := trigger_problem(contract, "task", value=value)):
            raise RefusedError(f"{agent} does not take this", why=problem, hint="Add a trigger to its contract")
        terms, urgency = contract.terms, _urgency(contract, priority)
        count_out = self._count_in(by, version, urgency)
        task, statements = self._parts.journal.new_task(
            agent=agent,
            value=dict(value),
            on_behalf_of=on_behalf_of,
            intent=intent or str(value.get(terms.intent, "") if terms.intent else ""),
            subjects=_subjects(contract, value),
            chain=tuple(dict.fromkeys((on_behalf_of, *asked_by))),
            dedup=dedup,
        )
        run, kept = self._parts.journal.new_run(
            task, agent=agent, version=version.version, release=version.release, priority=urgency
        )
        try:
            await self._take_on(version, run, task, [*statements, kept], priority)
        except RemitError:
            count_out()
            # Somebody may have started it at the same moment; then the database refused the key to us.
            if known := self._known(agent, dedup, value):
                return known
            raise
        return Started(task, run)

    def _count_in(self, by: TriggerKind, version: Version, priority: int) -> Callable[[], None]:
        """Counts one more run in, unless the cell asks for it itself, and returns what counts it out again."""
        if by == "schedule":
            return lambda: None
        return self._admission.admit(agent=version.agent, unit=version.unit, priority=priority)

    def _check_input(self, contract: Contract, value: Mapping[str, Any]) -> None:
        check_depth(dict(value), name="The input")
        try:
            size = len(canonical_bytes(dict(value)))
        except (TypeError, ValueError) as error:
            raise InputError("The input is not JSON", why=str(error)) from error
        if size > (most := self._parts.settings.limits.result_bytes):
            raise InputError("The input is too large", why=f"{size} bytes, the limit is {most}")
        if problems := compile_schema(contract.terms.input).problems(dict(value)):
            raise InputError(f"The input does not fit the contract of {contract.name}", why="; ".join(problems))

    def _known(self, agent: str, dedup: str | None, value: Mapping[str, Any]) -> Started | None:
        """Returns the task this key has started before; the same key for other work is a mistake."""
        task = self._parts.journal.task_by_dedup(agent, dedup) if dedup else None
        if task is None:
            return None
        if Payload.of(dict(value), task=task.id, salt=task.salt).digest != task.input:
            raise ConflictError("This key was used for other input", which=dedup or "", hint="Use a key of its own")
        return Started(task, self._parts.journal.runs_of(task.id)[0], is_new=False)

    async def _take_on(
        self, version: Version, run: Run, task: Task, statements: list[Statement], priority: int | None
    ) -> None:
        fields = {"task": task.id, "agent": version.agent, "version": version.version, "release": run.release}
        fields |= {"contract": version.contract, "on_behalf_of": task.on_behalf_of, "input": task.input}
        fields |= {"asked_by": task.chain[1:]} if task.chain[1:] else {}
        fields |= {"priority": priority} if priority is not None else {}
        entry = make_entry(run.id, "run.queued", run.id, run.created_at, fields)
        guards = [
            self._parts.controls.guard(version.scopes),
            self._parts.registry.guard(version.agent, version.version, run.release),
        ]
        result = await self._parts.writer.commit(Commit([*guards, *statements], [entry], task.id))
        if isinstance(result, CommitRefused):
            switch = self._parts.controls.stopped(version.scopes)
            why = f"{switch.scope} is stopped: {switch.because}" if switch else result.refusal
            raise RefusedError(f"{version.agent} takes no work now", why=why, hint="`remit resume SCOPE` lets it go on")

    def _contract(self, version: Version) -> Contract:
        contract = self._parts.releases.contract(version.release)
        if contract is None:
            raise ConflictError(
                f"{version.id} is approved with another text than the fleet's folder has",
                hint="Raise the version in the contract, or restore the approved text",
            )
        return contract


def _subjects(contract: Contract, value: Mapping[str, Any]) -> dict[str, str]:
    """Returns whom and what a task is about, by kind, as far as its input says."""
    fields = contract.terms.subjects.items()
    return {kind: str(value[field]) for kind, field in fields if value.get(field) is not None}


def _urgency(contract: Contract, priority: int | None) -> int:
    """Returns how urgent a task is: as it is said of this one, or else as the contract says."""
    if priority is None:
        return contract.terms.priority
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        hint = f"From {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, which is the most urgent"
        raise InputError("No such priority", which=str(priority), hint=hint)
    return priority
