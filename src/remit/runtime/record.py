"""The record of one run: its steps and decisions, each content checked against its name, each verdict made again."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from remit.audit import Log, LogEntry
from remit.core import IntegrityError, JsonValue, NotFoundError, canonical_bytes
from remit.gateway import Check, Parts
from remit.journal import Payload, Run, StepRow, StepState
from remit.policy import Bundle, Question, Verdict, read_question, unpack, verdict_record
from remit.runtime.replayed import Divergence, ReplayedStep

# Other entries about a decision repeat what was decided before.
_VERDICTS = frozenset({"permit", "wait", "deny", "played-back"})


class Record:
    """What journal and log have of a run. `divergences` and `missing` grow as it is looked through."""

    def __init__(self, parts: Parts, log: Log, run: Run) -> None:
        self._parts = parts
        self._bundle = lru_cache(self._read_bundle)
        self.run = run
        self.task = parts.journal.task(run.task)
        self.rows = {row.step: row for row in parts.journal.steps(run.id)}
        self._entries = [*_copied_entries(parts, log, run, self.rows.values()), *log.entries(run.id)]
        self._decisions = [each for each in self._entries if each.kind == "decision" and _is_verdict(each)]
        self.unusable: dict[int, str] = {}
        """Why a step's result cannot be played back, by step."""
        self.divergences: list[Divergence] = []
        self.missing: list[str] = []

    def named(self, value: JsonValue) -> str:
        """Returns the name `value` goes by in this task."""
        return Payload.of(value, task=self.task.id, salt=self.task.salt).digest

    def content(self, digest: str) -> JsonValue:
        """Returns the content of that name: `NotFoundError` when it was erased, `IntegrityError` when it was changed."""
        try:
            value = self._parts.journal.content(digest)
            is_it = bool(self.task.salt) and self.named(value) == digest
        except (ValueError, RecursionError):
            value, is_it = None, False
        if not self.task.salt:
            raise NotFoundError("This content cannot be checked", which=digest, why="the salt of its task was erased")
        if not is_it:
            raise IntegrityError("This content was changed", which=digest, why="its name is that of other content")
        return value

    # --- what is there

    def check_contents(self) -> None:
        """Looks for every result, and whether journal and log speak of the same ones."""
        self._try(0, "its input", self.run.input or self.task.input)
        first = self._parts.journal.first(self.run)
        if given := self._parts.journal.step(first.parent_run or "", first.parent_step or 0):
            self._try(0, "what it was handed", given.judged)
        decided = {entry.ref: entry for entry in self._decisions}
        results = {each.ref: each.fields.get("result") for each in self._entries if each.kind == "outcome"}
        for row in self.rows.values():
            if row.decision:
                self._check_logged(row, decided.get(row.decision), results.get(row.decision))
            if row.result:
                self._try(row.step, f"the result of {row.name}", row.result)

    def _check_logged(self, row: StepRow, entry: LogEntry | None, result: Any) -> None:
        if entry is None:
            self._diverge(row.step, "log", "nothing in the log", f"decision {row.decision} in the journal")
            return
        asked, is_played_back = entry.fields.get("asked"), entry.fields["verdict"] == "played-back"
        if _is_of_agent(entry) and asked != row.asked:
            self._diverge(row.step, "log", f"asked {asked} in the log", f"{row.asked} in the journal")
        if row.state is StepState.DONE and not is_played_back and result != row.result:
            self._diverge(row.step, "log", f"result {result} in the log", f"{row.result} in the journal")

    def _try(self, step: int, name: str, digest: str) -> None:
        try:
            self.content(digest)
        except NotFoundError as gone:
            self.unusable[step] = f"{name} is not here any more"
            self.missing.append(f"step {step}: {name}: {gone.why}" if step else f"{name}: {gone.why}")
        except IntegrityError:
            self.unusable[step] = f"{name} was changed"
            self._diverge(step, "content", digest, f"{name} was changed")

    def _diverge(self, step: int, what: Any, expected: str, found: str) -> None:
        self.divergences.append(Divergence(step, what, expected, found))

    # --- verdicts

    def judged_again(self, instead: Bundle | None = None) -> tuple[ReplayedStep, ...]:
        """Puts every recorded question to its recorded bundle again, or to another one, which is a what-if."""
        values = [ReplayedStep(row.step, row.kind, row.name) for row in self.rows.values() if not row.decision]
        decided = [self._judged_again(entry, instead) for entry in self._decisions]
        return tuple(sorted([*values, *decided], key=lambda step: step.step))

    def _judged_again(self, entry: LogEntry, instead: Bundle | None) -> ReplayedStep:
        fields, action = entry.fields, _action(entry)
        decided = str(fields["verdict"])
        if refused_at := fields.get("refused_at"):
            decided += f" at {Check(int(str(refused_at))).name.lower()}"
        told: dict[str, Any] = {**action, "decision": entry.ref, "decided": decided}
        if "rungs" not in fields:
            return ReplayedStep(**told)
        told["recorded"] = _rung(fields.get("rung"))
        if fields.get("withheld"):
            return ReplayedStep(**told, replayed="withheld")
        try:
            bundle, question = instead or self._bundle(str(fields["bundle"])), self._question(fields)
        except (NotFoundError, KeyError, TypeError) as gone:
            why = gone.text() if isinstance(gone, NotFoundError) else "it is of another form than this Remit knows"
            self.missing.append(f"step {action['step']}: the question of {entry.ref}: {why}")
            return ReplayedStep(**told)
        except IntegrityError as changed:
            self._diverge(action["step"], "content", f"what {entry.ref} was judged by", changed.text())
            return ReplayedStep(**told, replayed="not judged", same=None if instead else False)
        verdict = self._parts.policy.judge(bundle, question)
        same = self._compare(action["step"], fields, verdict, what_if=instead is not None)
        return ReplayedStep(**told, replayed=_rung(verdict.rung), same=same, why=_why(verdict))

    def _question(self, fields: Mapping[str, Any]) -> Question:
        if not fields.get("question"):
            raise NotFoundError("No question was kept", why="it was recorded by an earlier Remit")
        kept = self.content(fields["question"])
        arguments = kept["arguments"] if "arguments" in kept else self.content(fields["judged"])["arguments"]
        return read_question(kept, arguments)

    def _compare(self, step: int, fields: Mapping[str, Any], verdict: Verdict, *, what_if: bool) -> bool:
        """Whether a verdict is the recorded one to the byte; in a what-if, whether as much is permitted by as many."""
        again = verdict_record(verdict)
        if what_if:
            again.pop("rungs")
        before = canonical_bytes({name: fields.get(name) for name in again})
        now = canonical_bytes(again)
        if before != now and not what_if:
            self._diverge(step, "verdict", before.decode(), now.decode())
        return before == now

    def _read_bundle(self, digest: str) -> Bundle:
        packed = self._parts.registry.bundle(digest)
        if packed is None:
            raise NotFoundError("The policy bundle is not here", which=digest, why="it was never kept")
        bundle = unpack(packed)
        if bundle.digest != digest:
            raise IntegrityError("The policy bundle was changed", which=digest, why=f"it is {bundle.digest} now")
        return bundle

    # --- one step on the way

    def expected(self, step: int) -> str:
        """Returns what the record has at `step`, in words."""
        row = self.rows.get(step)
        return described(row.kind, row.name, row.asked) if row else "nothing"


def _copied_entries(parts: Parts, log: Log, run: Run, rows: Iterable[StepRow]) -> list[LogEntry]:
    """Returns what the log has of the steps a fork began with; it stands with the run they were taken in."""
    if not run.is_fork or not run.parent_run:
        return []
    decisions = {row.decision for row in rows if row.decision and row.step < (run.forked_at or 0)}
    parent = parts.journal.run(run.parent_run)
    before = _copied_entries(parts, log, parent, parts.journal.steps(parent.id))
    return [entry for entry in [*before, *log.entries(parent.id)] if entry.ref in decisions]


def described(kind: str, name: str, digest: str) -> str:
    """Returns an action in words, with enough of its digest to tell it from another one of its name."""
    return f"{kind} {name} ({digest.partition(':')[2][:12]})"


def _is_verdict(entry: LogEntry) -> bool:
    return entry.fields.get("verdict") in _VERDICTS and "action" in entry.fields


def _is_of_agent(entry: LogEntry) -> bool:
    """A person who acts on a proposal asks for their own action; the step is what the agent asked for."""
    principal: Any = entry.fields.get("principal", {})
    return "human" not in principal


def _action(entry: LogEntry) -> dict[str, Any]:
    action: Any = entry.fields["action"]
    return {name: action[name] for name in ("step", "kind", "name")}


def _rung(rung: Any) -> str:
    return str(rung) if rung else "denied"


def _why(verdict: Verdict) -> tuple[str, ...]:
    reasons = [reason for answer in verdict.answers for reason in answer.reasons]
    return tuple(dict.fromkeys(f"{each.because or each.text} ({each.source})" for each in reasons))
