"""Views of what people are asked: the queue, the riskiest first, and one question with its whole context."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from remit.approvals import Approval, ApprovalState, passed_on
from remit.contracts import Level, Risk
from remit.gateway import Release
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.agents import AuthorityShown, authority_rows
from remit.operations.views.answering import AnswererShown, Answering
from remit.operations.views.decisions import RungShown, level_of, rungs_of
from remit.operations.views.history import BY_CONTRACT
from remit.operations.views.model import (
    LATEST,
    MOST_ROWS,
    NOT_SHOWN,
    PAGE_SIZE,
    Page,
    Shown,
    Source,
    Viewing,
    moment,
    page_of,
)
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
# Hex digits that tell two contents of one question apart.
FINGERPRINT = 12
_RANK = {risk.value: rank for rank, risk in enumerate((Risk.CRITICAL, Risk.HIGH, Risk.MEDIUM, Risk.LOW))}
# Questions that are not about one tool's risk: something may have happened, or a run cannot go on without a person.
_RANK_OF_KIND = {"unknown": 0, "stuck": 1, "answer": 2}


class ApprovalRow(Shown):
    """One question in the queue."""

    approval: str
    kind: str
    """action (may it?), proposal (a person does it), unknown (did it happen?), answer (may it stand?), stuck (may the
    run go on?)."""
    state: str
    agent: str
    unit: str
    run: str
    step: int
    task: str
    what: str
    proposed: Any
    """What is asked for; null when it is not shown to your role."""
    currencies: Mapping[str, str] = {}
    """Of what is asked for, the fields that are money, each with its currency."""
    content: bool
    fingerprint: str
    """Of what is asked for: give it with an answer, so that nobody says yes to what was changed meanwhile."""
    because: str
    roles: str
    needs: str
    """How many of whom, in words."""
    on_behalf_of: str
    risk: str
    effect: str
    asked: str
    expires: str
    seconds_left: float | None
    edited: bool
    mine: bool
    """Whether whoever looks may answer it."""
    why_not: str
    """Why they may not."""
    simulated: bool
    """Whether a recorded or simulated model answered in the run: what is proposed may be made up."""


class QueueSummary(Shown):
    """How much people are asked."""

    asked: int
    """Questions that are open."""
    mine: int
    """Of the soonest to expire, those that whoever looks may answer."""
    stuck: int
    """Of these, questions about runs that cannot go on, or about what may have happened."""
    first: tuple[ApprovalRow, ...]


class VoteShown(Shown):
    """One answer somebody gave."""

    person: str
    answer: str
    category: str
    """Of an override: why it is not what the agent proposed."""
    roles: tuple[str, ...]
    reason: str
    at: str
    counts: bool
    """Whether it was given to what is asked now."""


class OptionShown(Shown):
    """What else the agent considered."""

    option: str
    consequence: str


class ApprovalShown(ApprovalRow):
    """One question with its whole context."""

    reason: str
    """What was said when it was decided."""
    schema_: Mapping[str, Any] = {}
    """JSON Schema of the arguments, or of the answer: what an edit must fit."""
    votes: tuple[VoteShown, ...]
    missing: str
    """Whose yes is still needed, in words; empty once it is answered."""
    options: tuple[OptionShown, ...]
    answerers: tuple[AnswererShown, ...]
    level: str
    confidence: str
    facts: Mapping[str, Any]
    constraints: tuple[str, ...]
    reasoning: Any
    rungs: tuple[RungShown, ...]
    rules: tuple[AuthorityShown, ...]
    """What the contract says of this tool."""
    decision: str
    log_index: int | None
    passes: tuple[str, ...]
    """To whom it can be passed on: roles, or people by name."""
    purpose: str
    input: Any = None
    """What the run was given."""
    undoes: str = ""
    """The run whose changes are to be undone, when a rollback asks."""


class QuestionViews(Viewing):
    """Reads questions to people."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._answering = Answering(source)

    @view(Permission.FLEET_APPROVALS_READ)
    def queue(self, *, mine: bool = False, limit: int = PAGE_SIZE, after: str = "") -> Page[ApprovalRow]:
        """Returns what is open, the riskiest first and then the soonest to expire; `mine` what one may answer."""
        ranked = self._ranked()
        return self._queued(self._mine(ranked) if mine else ranked, limit, after)

    @view(Permission.FLEET_APPROVALS_READ)
    def queue_and_summary(self, *, mine: bool = False, after: str = "") -> tuple[Page[ApprovalRow], QueueSummary]:
        """Returns the queue and how much is open, read once for a page that shows both."""
        ranked = self._ranked()
        answerable = self._mine(ranked)
        page = self._queued(answerable if mine else ranked, PAGE_SIZE, after)
        return page, self._summary(ranked, answerable, 0)

    @view(Permission.FLEET_APPROVALS_READ)
    def page(self, *, state: str = "", limit: int = PAGE_SIZE, after: str = "") -> Page[ApprovalRow]:
        """Returns questions in some state, the newest first."""
        limit = min(limit, MOST_ROWS)
        found = self._read("approvals", {"state": state, "after": after, "limit": limit + 1})
        return page_of([self._row(Approval.of(row)) for row in found], limit, "approval", {"state": self._states()})

    @view(Permission.FLEET_APPROVALS_READ)
    def listing(self, *, state: str = "pending") -> list[ApprovalRow]:
        """Returns questions, newest first."""
        return [self._row(approval) for approval in self._parts.approvals.listing(state=state)]

    @view(Permission.FLEET_APPROVALS_READ)
    def of_run(self, run: str) -> list[ApprovalRow]:
        """Returns the questions of one run in the order they were asked."""
        return [self._row(approval) for approval in self._parts.approvals.of_run(run)]

    @view(Permission.FLEET_APPROVALS_READ)
    def summary(self, *, first: int = 0) -> QueueSummary:
        """Returns how much is open, with the `first` of the queue: what one may answer before what others may."""
        ranked = self._ranked()
        return self._summary(ranked, self._mine(ranked), first)

    @view(Permission.FLEET_APPROVALS_READ)
    def riskiest(self, *, among: int) -> ApprovalRow | None:
        """Returns the riskiest of those soonest to expire, one that whoever looks may answer before any other."""
        ranked = self._ranked(among)
        mine = next((asked for asked in ranked if not self._answering.why_not(asked)), None)
        chosen = mine or next(iter(ranked), None)
        return self._row(chosen) if chosen else None

    @view(Permission.FLEET_APPROVALS_READ)
    def get(self, identifier: str) -> ApprovalShown:
        """Returns one question with the whole context on one screen."""
        asked = self._parts.approvals.get(identifier)
        run = self._parts.journal.run(asked.run)
        row = self._row(asked)
        step = self._parts.journal.step(asked.run, asked.step)
        entry = self._source.log.entry_by_ref(step.decision) if step and step.decision else None
        fields: Mapping[str, Any] = entry.fields if entry else {}
        release = self._parts.releases.get(run.release)
        reasoning = str(fields.get("reasoning", ""))
        given = run.input or self._parts.journal.task(run.task).input
        return ApprovalShown(
            **row.model_dump(),
            reason=asked.reason if row.content else "",
            schema_=self._schema(asked, release),
            votes=tuple(self._votes(asked, content=row.content)),
            missing=self._missing(asked),
            options=tuple(_options(asked.options)) if row.content else (),
            answerers=tuple(self._answering.answerers(asked)),
            level=level_of(entry) or (Level.HUMAN_LED.value if asked.kind == "proposal" else ""),
            confidence=str(fields.get("confidence") or ""),
            facts=fields.get("facts", {}),
            constraints=tuple(fields.get("constraints", ())),
            reasoning=self._source.content(reasoning) if row.content else None,
            rungs=tuple(rungs_of(entry, release)),
            rules=tuple(self._rules(asked)),
            decision=step.decision if step else "",
            log_index=entry.index if entry else None,
            passes=_passes(asked),
            purpose=release.contract.terms.purpose if release else "",
            input=self._source.content(given) if row.content else None,
            undoes=run.undoes or "",
        )

    # --- parts

    def _ranked(self, most: int = MOST_ROWS) -> list[Approval]:
        rows = self._read("pending", {"limit": most})
        self._answering.comes_with(rows)
        pending = [Approval.of(row) for row in rows]
        ranks = {named: self._rank(*named) for named in {(asked.kind, asked.name) for asked in pending}}
        return sorted(pending, key=lambda asked: (ranks[asked.kind, asked.name], asked.expires_at, asked.id))

    def _mine(self, ranked: Sequence[Approval]) -> list[Approval]:
        return [asked for asked in ranked if not self._answering.why_not(asked)]

    def _queued(self, ranked: Sequence[Approval], limit: int, after: str) -> Page[ApprovalRow]:
        ids = [approval.id for approval in ranked]
        start = ids.index(after) + 1 if after in ids else 0
        rows = [self._row(approval) for approval in ranked[start : start + limit + 1]]
        return page_of(rows, limit, "approval", {"state": self._states()})

    def _summary(self, ranked: Sequence[Approval], mine: Sequence[Approval], first: int) -> QueueSummary:
        held = {asked.id for asked in mine}
        others = [asked for asked in ranked if asked.id not in held]
        return QueueSummary(
            asked=self._states()[ApprovalState.PENDING.value],
            mine=len(mine),
            stuck=sum(asked.kind in ("unknown", "stuck") for asked in ranked),
            first=tuple(self._row(asked) for asked in [*mine, *others][:first]),
        )

    def _read(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)

    def _states(self) -> dict[str, int]:
        counts = self._source.kpis.approvals_by_state()
        return {state.value: counts.get(state.value, 0) for state in ApprovalState}

    def _rank(self, kind: str, name: str) -> int:
        tool = self._source.fleet.tools.get(name)
        by_kind = _RANK_OF_KIND.get(kind, len(_RANK))
        return min(by_kind, _RANK[tool.risk.value]) if tool else by_kind

    def _row(self, asked: Approval) -> ApprovalRow:
        tool = self._source.fleet.tools.get(asked.name)
        content = self._source.shows_content(asked.agent, asked.version)
        proposed = _arguments(self._source.content(asked.proposed)) if content else None
        why = self._answering.why_not(asked)
        now, is_open = self._parts.clock.now(), asked.state is ApprovalState.PENDING
        return ApprovalRow(
            approval=asked.id,
            kind=asked.kind,
            state=asked.state.value,
            agent=f"{asked.agent}@{asked.version}",
            unit=self._source.unit(asked.agent, asked.version),
            run=asked.run,
            step=asked.step,
            task=asked.task,
            what=asked.name,
            proposed=proposed,
            currencies=self._source.currencies(asked.name, proposed),
            content=content,
            fingerprint=asked.digest.partition(":")[2][:FINGERPRINT],
            because=asked.because if content or asked.kind in BY_CONTRACT else NOT_SHOWN,
            roles=", ".join(asked.roles),
            needs=_needs(asked),
            on_behalf_of=asked.on_behalf_of,
            risk=tool.risk.value if tool else "",
            effect=tool.effect if tool else "",
            asked=moment(asked.asked_at),
            expires=moment(asked.expires_at) if asked.expires_at < LATEST else "",
            seconds_left=(asked.expires_at - now) / 1_000_000 if is_open and asked.expires_at < LATEST else None,
            edited=asked.revision > 0 and self._is_edited(asked),
            mine=not why,
            why_not=why,
            simulated=bool(self._read("answered_not_live", {"run": asked.run})),
        )

    def _is_edited(self, asked: Approval) -> bool:
        return any(vote.answer == "edit" for vote in self._parts.approvals.votes(asked.id))

    def _schema(self, asked: Approval, release: Release | None) -> Mapping[str, Any]:
        if asked.kind == "answer" and release:
            return release.contract.terms.output
        tool = self._source.fleet.tools.get(asked.name)
        return tool.input if tool and asked.kind in ("action", "proposal") else {}

    def _votes(self, asked: Approval, *, content: bool) -> list[VoteShown]:
        return [
            VoteShown(
                person=vote.person,
                answer=vote.answer,
                category=vote.category,
                roles=vote.roles,
                reason=vote.reason if content else "",
                at=moment(vote.at),
                counts=vote.digest == asked.digest,
            )
            for vote in self._parts.approvals.votes(asked.id)
        ]

    def _missing(self, asked: Approval) -> str:
        if asked.state is not ApprovalState.PENDING:
            return ""
        votes = self._parts.approvals.votes(asked.id)
        yes = [vote.roles for vote in votes if vote.answer != "reject" and vote.digest == asked.digest]
        left = ([(role, n - sum(role in held for held in yes)) for role, n in each] for each in asked.needs)
        return _told_needs([[(role, max(n, 0)) for role, n in each] for each in left])

    def _rules(self, asked: Approval) -> list[AuthorityShown]:
        contract = self._source.fleet.contracts.get(asked.agent)
        if contract is None or contract.tool_use(asked.name) is None:
            return []
        return authority_rows(contract, self._source.fleet.tools, [asked.name])


def _arguments(proposed: Any) -> Any:
    return proposed.get("arguments", proposed) if isinstance(proposed, Mapping) else proposed  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _options(text: str) -> list[OptionShown]:
    told: list[Mapping[str, Any]] = json.loads(text)
    return [OptionShown(option=str(o.get("option", "")), consequence=str(o.get("consequence", ""))) for o in told]


def _passes(asked: Approval) -> tuple[str, ...]:
    names = [role.removeprefix("person:") for role in asked.roles]
    return tuple(name for name in names if passed_on(asked.needs, name))


def _needs(asked: Approval) -> str:
    return _told_needs(asked.needs)


def _told_needs(needs: Sequence[Sequence[tuple[str, int]]]) -> str:
    ways = (
        " and ".join(role if count == 1 else f"{count} × {role}" for role, count in alternative if count)
        for alternative in needs
    )
    return ", or ".join(filter(None, ways))
