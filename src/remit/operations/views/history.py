"""The history of a task: what was refused or refuted, what people were asked and what they said, as it happened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from remit.approvals import Approval, ApprovalState, Override
from remit.audit import LogEntry
from remit.gateway import Check
from remit.journal import Run, StepState
from remit.operations.permissions import Permission
from remit.operations.views.model import MOST_ROWS, NOT_SHOWN, Shown, Source, moment
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
# Why these are asked, the contract says; why others are, a fault or a gate, in words that may be taken from content.
BY_CONTRACT = ("action", "proposal")


class AnswerGiven(Shown):
    """What one person said to a question, or did about it."""

    person: str
    answer: str
    """approve, edit or reject; act: they did themselves what was proposed."""
    category: str
    """Of an override: why it is not what the agent proposed."""
    reason: str
    """Empty when content is not shown to your role."""
    at: str


class HistoryRow(Shown):
    """One thing of a task that did not simply go its way."""

    at: str
    kind: str
    """refused (an action was not done), refuted (what an agent claimed, or what came back, is not so), failed (a call
    came to a bad end), question (people were asked)."""
    agent: str
    run: str
    step: int
    what: str
    asked: Any
    """The arguments the agent asked for; null when content is not shown to your role."""
    currencies: Mapping[str, str] = {}
    """Of these, the fields that are money, each with its currency."""
    ended: str
    """Of a question its state; of anything else the check that ended it."""
    reason: str
    words: str
    """What a gate found at the source, or what the fault was; empty when content is not shown to your role."""
    answers: tuple[AnswerGiven, ...] = ()
    decided: Any = None
    """What people changed it to; null when they did not, or when content is not shown to your role."""
    approval: str = ""
    log_index: int | None = None
    """The decision's place in the log."""
    content: bool


class TaskHistory:
    """Reads what happened to a task, for whoever may see runs; questions only for whoever may see these."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parts = source.parts

    def of_task(self, task: str, runs: Sequence[Run]) -> list[HistoryRow]:
        """Returns the history of a task with these runs, in the order it happened."""
        rows = [*self._ended_badly(task), *self._refused_without_step(task)]
        if self._source.actor.may(Permission.FLEET_APPROVALS_READ):
            rows += [self._question(asked) for run in runs for asked in self._parts.approvals.of_run(run.id)]
        return sorted(rows, key=lambda row: (row.at, row.run, row.step))

    # --- refused and refuted

    def _ended_badly(self, task: str) -> Iterator[HistoryRow]:
        found = reversed(self._source.database.read(_Q["ended_badly"], {"task": task, "limit": MOST_ROWS}))
        first = {row["decision"]: row for row in found}  # of a fork's copy and the original, the original
        for row in first.values():
            if row["approval"] and row["refused_at"] == Check.APPROVAL:
                continue  # people said no: the question tells it
            yield self._of_step(row)

    def _of_step(self, row: Row) -> HistoryRow:
        entry = self._source.log.entry_by_ref(row["decision"])
        content, is_denied = self._source.shows_content(row["agent"], row["version"]), row["state"] == StepState.DENIED
        words = self._words(row, is_denied=is_denied)
        is_refuted = bool(words) and row["refused_at"] == Check.GUARDRAILS if is_denied else _failed_gate(row)
        kept = self._source.content(row["judged"] or row["asked"]) if content else None
        return HistoryRow(
            at=moment(row["ended_at"]),
            kind="refuted" if is_refuted else "refused" if is_denied else "failed",
            agent=f"{row['agent']}@{row['version']}",
            run=row["run"],
            step=row["step"],
            # The name of what no tool is called may be anybody's words: a step has its digest only.
            what=cast("Mapping[str, str]", kept).get("name", row["name"]) if isinstance(kept, Mapping) else row["name"],
            asked=_arguments(kept),
            currencies=self._source.currencies(row["name"], _arguments(kept)),
            ended=Check(row["refused_at"] or Check.AFTER).name.lower(),
            reason=str(entry.fields.get("reason", "")) if entry and is_denied else "",
            words=words if content else "",
            log_index=entry.index if entry else None,
            content=content,
        )

    def _words(self, row: Row, *, is_denied: bool) -> str:
        told: Any = self._source.content(row["result"])
        if not isinstance(told, Mapping):  # it was erased, or there is none
            return told or ""
        inner: Any = cast("Mapping[str, Any]", told).get("denied" if is_denied else "value")
        said = (
            cast("Mapping[str, Any]", inner).get("words" if is_denied else "error")
            if isinstance(inner, Mapping)
            else ""
        )
        return str(said or "")

    def _refused_without_step(self, task: str) -> Iterator[HistoryRow]:
        for row in self._source.database.read(_Q["decided_without_step"], {"task": task, "limit": MOST_ROWS}):
            entry = LogEntry.read(row["body"], row["ref"])
            if entry.fields.get("verdict") != "deny":
                continue
            action: Any = entry.fields["action"]
            yield HistoryRow(
                at=moment(entry.at),
                kind="refused",
                agent=f"{row['agent']}@{row['version']}",
                run=row["run"],
                step=int(action["step"]),
                what=str(action["name"]),
                asked=None,
                ended=Check(int(str(entry.fields["refused_at"]))).name.lower(),
                reason=str(entry.fields["reason"]),
                words="",
                log_index=entry.index,
                content=self._source.shows_content(row["agent"], row["version"]),
            )

    # --- people

    def _question(self, asked: Approval) -> HistoryRow:
        content = self._source.shows_content(asked.agent, asked.version)
        override = self._parts.approvals.override_of(asked.id)
        proposed = self._source.content(override.proposed if override else asked.proposed) if content else None
        changed = override.decided if override and content else ""
        return HistoryRow(
            at=moment(asked.asked_at),
            kind="question",
            agent=f"{asked.agent}@{asked.version}",
            run=asked.run,
            step=asked.step,
            what=asked.name,
            asked=_arguments(proposed),
            currencies=self._source.currencies(asked.name, _arguments(proposed)),
            ended=asked.state.value,
            reason=asked.because if content or asked.kind in BY_CONTRACT else NOT_SHOWN,
            words="",
            answers=tuple(self._answers(asked, override, content=content)),
            decided=_arguments(self._source.content(changed)),
            approval=asked.id,
            content=content,
        )

    def _answers(self, asked: Approval, override: Override | None, *, content: bool) -> Iterator[AnswerGiven]:
        for vote in self._parts.approvals.votes(asked.id):
            yield AnswerGiven(
                person=vote.person,
                answer=vote.answer,
                category=vote.category,
                reason=vote.reason if content else "",
                at=moment(vote.at),
            )
        if asked.kind == "proposal" and asked.state is ApprovalState.USED:
            yield self._act(asked, override, content=content)

    def _act(self, asked: Approval, override: Override | None, *, content: bool) -> AnswerGiven:
        """Returns what somebody did about a proposal: it is theirs, not an answer to an agent that does it."""
        step = self._parts.journal.step(asked.run, asked.step)
        said: Any = self._source.content(override.reason) if override and content else ""
        return AnswerGiven(
            person=step.person if step else "",
            answer="act",
            category=override.category.value if override else "",
            reason=said if isinstance(said, str) else said["reason"],
            at=moment(asked.used_at),
        )


def _failed_gate(row: Row) -> bool:
    return bool(row["body"]) and LogEntry.read(row["body"], row["decision"]).fields.get("gate") == "does not hold"


def _arguments(content: Any) -> Any:
    """Returns the arguments of an action, or an agent's answer."""
    if not isinstance(content, Mapping):
        return content
    named = cast("Mapping[str, Any]", content)
    return named.get("arguments", named.get("answer", named))
