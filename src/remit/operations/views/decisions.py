"""Views of decisions: why one came out as it did, and one step with all that belongs to it."""

from collections.abc import Mapping
from typing import Any

from remit.audit import LogEntry
from remit.contracts import Level
from remit.core import NotFoundError
from remit.gateway import Release
from remit.journal import Run, StepRow
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import NOT_SHOWN, Shown, Viewing, moment
from remit.policy import Note

_LEVELS = {
    "autonomous": Level.AUTONOMOUS,
    "ask": Level.HUMAN_IN_THE_LOOP,
    "approved": Level.HUMAN_IN_THE_LOOP,
    "suggest": Level.HUMAN_LED,
}


class RuleShown(Shown):
    """One policy that counted for a rung."""

    policy: str
    effect: str = ""
    because: str = ""
    source: str = ""
    """`file:line`."""


class RungShown(Shown):
    """What policy said to one rung."""

    rung: str
    allowed: bool
    policies: tuple[RuleShown, ...]


class StepContent(Shown):
    """One step with all that belongs to it."""

    run: str
    step: int
    kind: str
    name: str
    state: str
    agent: str
    content: bool
    """Whether what was said is shown to whoever asked."""
    arguments: Any = None
    """As it was judged."""
    asked: Any = None
    """As it came, when it differs from what was judged."""
    result: Any = None
    reasoning: Any = None
    """What the agent said about it, and which alternatives it saw."""
    digests: Mapping[str, str]
    verdict: str
    reason: str
    rungs: tuple[RungShown, ...]
    facts: Mapping[str, Any]
    constraints: tuple[str, ...]
    override: tuple[str, ...]
    """Who could say otherwise, each a way in words; empty where nobody was to be asked."""
    confidence: str
    labels: tuple[str, ...]
    approval: str
    decision: str
    at: str
    log_index: int | None


class DecisionViews(Viewing):
    """Reads decisions."""

    @view(Permission.FLEET_RUNS_READ)
    def explain(self, decision: str) -> dict[str, Any]:
        """Returns why a decision came out as it did: the record, and each rule that counted, in words and with its place."""
        entry = self._source.log.entry_by_ref(decision)
        if entry is None or entry.kind != "decision":
            raise NotFoundError(
                "No such decision", which=decision, hint="`remit show RUN` lists the decisions of a run"
            )
        run = self._parts.journal.find_run(str(entry.fields.get("run", "")))
        rungs = [rung.model_dump(exclude_defaults=True) for rung in rungs_of(entry, self._release(run))]
        told: dict[str, Any] = {**entry.fields, "at": moment(entry.at), "log_index": entry.index, "rungs": rungs}
        sees = run is not None and self._source.shows_content(run.agent, run.version)
        question = str(entry.fields.get("question", ""))
        considered: Any = self._source.content(question) if sees else NOT_SHOWN
        return {**told, "considered": {} if considered is None else considered}

    @view(Permission.FLEET_RUNS_READ)
    def step(self, run_id: str, number: int) -> StepContent:
        """Returns one step with arguments, result, the policies that decided, and its place in the log."""
        run = self._parts.journal.run(run_id)
        row = self._parts.journal.step(run.id, number)
        if row is None:
            raise NotFoundError("The run has no such step", which=f"{run.id} step {number}")
        entry = self._source.log.entry_by_ref(row.decision) if row.decision else None
        fields: Mapping[str, Any] = entry.fields if entry else {}
        release = self._release(run)
        return StepContent(
            run=run.id,
            step=row.step,
            kind=row.kind,
            name=row.name,
            state=row.state.value,
            agent=f"{run.agent}@{run.version}",
            **self._content(run, row, str(fields.get("reasoning", ""))),
            digests={"asked": row.asked, "judged": row.judged, "sent": row.sent, "result": row.result},
            verdict=str(fields.get("verdict", "")),
            reason=reason_of(entry, release),
            rungs=tuple(rungs_of(entry, release)),
            facts=fields.get("facts", {}),
            constraints=tuple(fields.get("constraints", ())),
            override=tuple(_way(each) for each in fields.get("override", ())),
            confidence=str(fields.get("confidence") or ""),
            labels=tuple(fields.get("labels", ())),
            approval=row.approval,
            decision=row.decision,
            at=moment(row.at),
            log_index=entry.index if entry else None,
        )

    def _content(self, run: Run, row: StepRow, reasoning: str) -> dict[str, Any]:
        if not self._source.shows_content(run.agent, run.version):
            return {"content": False}
        read = self._source.content
        return {
            "content": True,
            "arguments": read(row.judged or row.asked) if row.kind != "value" else None,
            "asked": read(row.asked) if row.judged and row.asked != row.judged else None,
            "result": read(row.result),
            "reasoning": read(reasoning),
        }

    def _release(self, run: Run | None) -> Release | None:
        return self._parts.releases.get(run.release) if run else None


def level_of(entry: LogEntry | None, person: str = "") -> str:
    """Returns the level at which a decision was made; what a person did with an agent's help is human-led."""
    if person:
        return Level.HUMAN_LED.value
    rung = entry.fields.get("rung") if entry else None
    return _LEVELS[str(rung)].value if rung else ""


def reason_of(entry: LogEntry | None, release: Release | None) -> str:
    """Returns in words why a decision came out as it did."""
    if entry is None:
        return ""
    if entry.fields.get("verdict") == "deny":
        return str(entry.fields.get("reason", ""))
    rungs = rungs_of(entry, release)
    deciding = next((rung for rung in rungs if rung.rung == entry.fields.get("rung")), None)
    told = [rule.because or rule.policy for rule in deciding.policies] if deciding else []
    return "; ".join(dict.fromkeys(told))


def rungs_of(entry: LogEntry | None, release: Release | None) -> list[RungShown]:
    """Returns each rung that was asked, with the rules that counted, in words as far as their release is here."""
    rungs: Any = entry.fields.get("rungs", []) if entry else []
    notes: Mapping[str, Note] = release.bundle.notes if release else {}
    return [
        RungShown(
            rung=rung["rung"],
            allowed=rung["allowed"],
            policies=tuple(_rule(notes.get(policy), policy) for policy in rung["policies"]),
        )
        for rung in rungs
    ]


def _way(needs: Any) -> str:
    return " and ".join(one["role"] if one["count"] == 1 else f"{one['count']} × {one['role']}" for one in needs)


def _rule(note: Note | None, policy: str) -> RuleShown:
    if note is None:
        return RuleShown(policy=policy)
    return RuleShown(policy=policy, effect=note.effect, because=note.because, source=note.source)
