"""Views of cases: what people did not let stand of what agents proposed, for whom it is shown, and to be exported."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from remit.approvals import MEANINGS, ApprovalState, Override
from remit.core import NotFoundError, RefusedError, short_id
from remit.evaluation import Case
from remit.gateway import Release, personal_fields
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import MOST_ROWS, PAGE_SIZE, Page, Shown, Viewing, moment, page_of

ERASED = "erased"
# A file of cases with more is no longer read by anybody.
MOST_EXPORTED = 500
_SETTLED = (ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.USED)


class CaseRow(Shown):
    """One case that came of an override."""

    case: str
    approval: str
    """The question that was answered."""
    state: str
    """Where that question stands: an edit may still wait for others' yes."""
    agent: str
    unit: str
    run: str
    step: int
    task: str
    kind: str
    """action, proposal or answer."""
    what: str
    answer: str
    """edit: it was changed; reject: it must not be."""
    category: str
    by: str
    at: str
    content: bool
    """Whether what was proposed, decided and said is shown to your role."""
    proposed: Any = None
    decided: Any = None
    """What it was changed to; null when it must not be, or is not shown."""
    reason: str = ""


class CaseShown(CaseRow):
    """One case with what the agent was given."""

    meaning: str
    """What its category says."""
    input: Any = None


class ExportedCases(Shown):
    """Cases as they stand in a file, oldest first, and those that cannot."""

    cases: tuple[Mapping[str, Any], ...]
    open: int
    """Not yet: their questions still wait for others."""
    erased: int
    """Their content is gone."""


class OverrideViews(Viewing):
    """Reads what people did not let stand."""

    @view(Permission.FLEET_APPROVALS_READ)
    def page(self, *, agent: str = "", category: str = "", after: str = "", limit: int = PAGE_SIZE) -> Page[CaseRow]:
        """Returns cases of one agent or of all, the newest first, with counts by category."""
        limit = min(limit, MOST_ROWS)
        found = self._parts.approvals.overrides(agent=agent, category=category, after=after, limit=limit + 1)
        return page_of([self._row(one) for one in found], limit, "case", {"category": self.counts(agent)})

    @view(Permission.FLEET_APPROVALS_READ)
    def of_agent(self, agent: str, *, category: str = "", after: str = "", limit: int = PAGE_SIZE) -> Page[CaseRow]:
        """Returns cases of one agent, the newest first, with counts by category. Raises `NotFoundError`."""
        if not self._parts.registry.versions(agent):
            raise NotFoundError("No such agent", which=agent, hint="`remit agents` lists them")
        return self.page(agent=agent, category=category, after=after, limit=limit)

    @view(Permission.FLEET_APPROVALS_READ)
    def counts(self, agent: str = "") -> dict[str, int]:
        """Returns how many cases are of each category, of one agent or of all."""
        return {category.value: count for category, count in self._parts.approvals.override_counts(agent).items()}

    @view(Permission.FLEET_APPROVALS_READ)
    def of_run(self, run: str) -> list[CaseRow]:
        """Returns the cases that came of one run, step by step."""
        return [self._row(one) for one in self._parts.approvals.overrides_of_run(run)]

    @view(Permission.FLEET_APPROVALS_READ)
    def get(self, identifier: str) -> CaseShown:
        """Returns one case by its id or the end of it, with what the agent was given."""
        found = self._parts.approvals.get_override(identifier)
        row = self._row(found)
        given = self._source.content(found.input) if row.content else None
        return CaseShown(**row.model_dump(), meaning=MEANINGS[found.category], input=given)

    @view(Permission.FLEET_CONTENT_READ)
    def export(self, agent: str, *, personal: bool = False) -> ExportedCases:
        """Returns an agent's cases as they go into a file, for whoever may read all of their content.

        What is marked as personal, or shows by its form that it is, and who decided, is left out unless `personal`.
        """
        found = self._parts.approvals.overrides(agent=agent, limit=MOST_EXPORTED)
        hidden = sorted({one.version for one in found if not self._source.shows_content(agent, one.version)})
        if hidden:
            why = f"what versions {', '.join(hidden)} were given is not shown to your role"
            raise RefusedError("The cases are not exported", which=agent, why=why)
        states = {one.id: self._parts.approvals.get(one.approval).state for one in found}
        settled = [one for one in reversed(found) if states[one.id] in _SETTLED]
        cases = [case for one in settled if (case := self._exported(one, personal=personal))]
        values = tuple(case.as_value() for case in cases)
        return ExportedCases(cases=values, open=len(found) - len(settled), erased=len(settled) - len(cases))

    # --- parts

    def _row(self, one: Override) -> CaseRow:
        content = self._source.shows_content(one.agent, one.version)
        said: Any = self._source.content(one.reason) if content else ""
        return CaseRow(
            case=one.id,
            approval=one.approval,
            state=self._parts.approvals.get(one.approval).state.value,
            agent=f"{one.agent}@{one.version}",
            unit=self._source.unit(one.agent, one.version),
            run=one.run,
            step=one.step,
            task=one.task,
            kind=one.kind,
            what=one.name,
            answer=one.answer,
            category=one.category.value,
            by=one.person,
            at=moment(one.at),
            content=content,
            proposed=self._told(one.proposed) if content else None,
            decided=self._told(one.decided) if content else None,
            reason=said if isinstance(said, str) else said["reason"],  # a text says that it was erased
        )

    def _told(self, digest: str) -> Any:
        """Returns the arguments of an action, or an agent's answer, by the digest of either."""
        content = self._source.content(digest)
        if not isinstance(content, Mapping):
            return content
        named = cast("Mapping[str, Any]", content)
        return named.get("arguments", named.get("answer", named))

    def _exported(self, one: Override, *, personal: bool) -> Case | None:
        row, given = self._row(one), self._source.content(one.input)
        if ERASED in (given, row.proposed, row.decided, row.reason):
            return None
        release = None if personal else self._release(one)
        of_input = personal_fields(release.contract.terms.input) if release else ()
        of_what = _fields_of(release, one) if release else ()
        kinds = ("secret",) if personal else ("secret", "personal")

        def hide(value: Any, fields: Collection[str]) -> Any:
            return without_personal(value, fields, lambda text: self._shown_by_form(text, kinds))

        decided: dict[str, Any] = {"decided": hide(row.decided, of_what)} if one.decided else {"must_not": True}
        told = {
            "case": one.id,
            "version": one.version,
            "question": one.kind,
            "tool": one.name,
            "proposed": hide(row.proposed, of_what),
            **decided,
            "category": one.category.value,
            "reason": hide(row.reason, ()),
            "by": one.person if personal else "[personal: by]",
            "at": row.at,
        }
        expected: dict[str, Any] = decided["decided"] if one.kind == "answer" and one.decided else {}
        name = f"override-{short_id(one.id).partition('_')[2]}"
        return Case(name, hide(given, of_input), {"override": told}, expected)

    def _release(self, one: Override) -> Release:
        """Returns what says which fields are personal; without it nobody knows, and nothing is exported."""
        digest = self._parts.journal.run(one.run).release
        release = self._parts.release(digest)
        if release is None:
            why = "its release was not kept, which says what of it is personal"
            raise NotFoundError("A case cannot be exported", which=one.id, why=why,
                hint="Export with --with-personal-data, and look at what you have")  # fmt: skip
        return release

    def _shown_by_form(self, text: str, kinds: Collection[str]) -> str:
        """Returns as what of `kinds` a text shows itself by its form, or nothing."""
        concerns = self._parts.guardrails.screen_output(text).concerns
        return next((concern.rule for concern in concerns if concern.kind in kinds), "")


def without_personal(value: Any, fields: Collection[str], shows: Callable[[str], str], path: str = "") -> Any:
    """Returns `value` with markers for the fields at these dotted paths, and for texts in which something `shows`.

    Lists are looked through, as they are where the fields were found.
    """
    if path and path in fields:
        return f"[personal: {path}]"
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Any]", value)
        return {
            name: without_personal(child, fields, shows, f"{path}.{name}" if path else name)
            for name, child in inner.items()
        }
    if isinstance(value, list):
        return [without_personal(child, fields, shows, path) for child in cast("list[Any]", value)]
    if isinstance(value, str) and (rule := shows(value)):
        return f"[left out: it holds a {rule}]"
    return value


def _fields_of(release: Release, one: Override) -> tuple[str, ...]:
    if one.kind == "answer":
        return personal_fields(release.contract.terms.output)
    return release.personal.get(one.name, ())
