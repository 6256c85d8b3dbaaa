"""/approvals: the queue, one question with its whole context, and the ways to answer."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core import ConflictError, InputError, RemitError, parse_json
from remit.operations import ApprovalShown
from remit.web.console import Console, Sheet, text
from remit.web.differences import Difference, differences
from remit.web.pages.answering import answer_together, categories, category_of, picks_of
from remit.web.pages.trying import asked_of, nothing_tried, texts, tried
from remit.web.schema_form import LARGEST, SchemaForm, read_form, show_form

PENDING = "pending"
EDITABLE = ("action", "answer", "proposal")
_SENTENCES: dict[str, str] = {
    "action": "{agent} asks to use {what} for {whom}. May it?",
    "proposal": "{agent} proposes {what} for {whom}. It is for a person to do, in their own name.",
    "unknown": "{agent} called {what} for {whom}, and nobody knows what became of it. Did it happen?",
    "answer": "{agent} has an answer for {whom} that did not pass its checks. May it stand?",
    "stuck": "A run of {agent} for {whom} cannot go on by itself. Shall it?",
}
_UNDOING: dict[str, str] = {
    "action": "A rollback, had by {whom}, would undo with {what} what {agent} did. May it?",
    "proposal": "What {agent} did is to be undone with {what}. It is for a person to do, in their own name.",
    "answer": "A rollback of what {agent} did for {whom} has left something. Is it dealt with?",
}
_SAID: Mapping[str, str] = {"approve": "Your yes is on the record.", "reject": "Your no is on the record.",
    "edit": "Your edit is on the record."}  # fmt: skip


def routes(console: Console) -> list[Route]:
    """Returns the routes of questions to people."""
    pages = _ApprovalPages(console)
    return [
        *console.routes("/approvals", pages.listing),
        console.post("/approvals/answers", pages.answer_picked),
        *console.routes("/approvals/{approval}", pages.one),
        console.post("/approvals/{approval}/approve", pages.answering("approve")),
        console.post("/approvals/{approval}/reject", pages.answering("reject")),
        console.post("/approvals/{approval}/edit", pages.edit),
        console.post("/approvals/{approval}/escalate", pages.escalate),
    ]


class _ApprovalPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    # --- the queue

    def listing(self, request: Request) -> Sheet:
        query = asked_of(request, "state", "mine", "after")
        actor = self._console.actor(request)
        views = self._console.views(actor).approvals
        if query["state"] in ("", PENDING):
            page, asked = views.queue_and_summary(mine=bool(query["mine"]), after=query["after"])
        else:
            page, asked = views.page(state=query["state"], after=query["after"]), views.summary()
        context: dict[str, Any] = {
            "page": page,
            "query": query,
            "mine": asked.mine,
            "bar": self._console.bar(actor, asked),
            "categories": categories(),
            "results": (),
            "picked": frozenset[str](),
            **nothing_tried(),
        }
        return Sheet("approvals.html", page, context)

    async def answer_picked(self, request: Request, form: FormData) -> Response:
        """Answers several questions of one kind, each by itself; what became of each is told."""
        typed, actor = texts(form), self._console.actor(request)
        picks = picks_of([each for each in form.getlist("pick") if isinstance(each, str)])
        picked = frozenset(pick.approval for pick in picks)
        try:
            results = await answer_together(
                self._console.verbs(actor),
                self._console.views(actor).approvals,
                picks,
                answer=text(form, "answer"),
                reason=text(form, "because"),
                category=text(form, "category"),
            )
        except RemitError as fault:
            return await tried(self._console, request, self.listing, fault, typed=typed, picked=picked)
        return await tried(self._console, request, self.listing, None, status=200, results=results)

    # --- one question

    def one(self, request: Request) -> Sheet:
        views = self._console.views(self._console.actor(request))
        asked = views.approvals.get(request.path_params["approval"])
        proposed = proposed_of(asked)
        can_edit = asked.mine and asked.content and asked.kind in EDITABLE and isinstance(proposed, Mapping)
        can_edit = can_edit and not asked.undoes  # what a rollback does follows from the record
        seen = request.query_params.get("seen", "")
        practice = self._console.practice
        looked_at = seen or (asked.fingerprint if asked.state == PENDING else "")
        context: dict[str, Any] = {
            "asked": asked,
            # The page asks for itself again, but what is looked at stays until somebody looks again;
            # where nothing can be answered any more, it just goes on.
            "here": f"/approvals/{asked.approval}" + (f"?seen={looked_at}" if looked_at else ""),
            "stale": bool(seen) and (seen != asked.fingerprint or asked.state != PENDING),
            "proposed": proposed,
            "sentence": _sentence(asked),
            "run": views.runs.get(asked.run),
            "left_seconds": practice.look_at(asked.approval) if practice and asked.mine else None,
            "form": show_form(asked.schema_, proposed) if can_edit else None,
            "changes": (),
            "moved": (),
            "categories": categories(),
            **nothing_tried(),
        }
        return Sheet("approval.html", asked, context)

    def answering(self, answer: Any) -> Callable[[Request, FormData], Any]:
        """Returns what handles a yes or a no."""

        async def handle(request: Request, form: FormData) -> Response:
            identifier, actor = request.path_params["approval"], self._console.actor(request)
            try:
                reason, why = text(form, "because"), None
                if answer == "reject":
                    asked = self._console.views(actor).approvals.get(identifier)
                    why = category_of(text(form, "category"), asked.kind, undoes=asked.undoes)
                verbs = self._console.verbs(actor)
                await verbs.answer(identifier, answer, reason=reason, seen=text(form, "seen"), category=why)
            except RemitError as fault:
                return await self._again(request, texts(form), fault, acting=answer)
            return self._console.see(request, f"/approvals/{identifier}", _SAID[answer])

        return handle

    async def edit(self, request: Request, form: FormData) -> Response:
        """Shows what an edit changes, and sends it once that was looked at."""
        identifier, typed, actor = request.path_params["approval"], texts(form), self._console.actor(request)
        asked = self._console.views(actor).approvals.get(identifier)
        proposed = proposed_of(asked)
        value, filled = read_form(asked.schema_, typed, before=proposed)
        if value is None:
            return await self._again(request, typed, None, acting="edit", form=filled)
        changes = differences(proposed, value)
        try:
            if not changes:
                raise InputError(
                    "Nothing is changed", which=asked.what, hint="Approve it as it is, or change something"
                )
            why = category_of(text(form, "category"), asked.kind)
            if typed["step"] != "send" or typed["seen"] != asked.fingerprint:
                return await self._look(request, typed, asked, filled, changes)
            await self._console.verbs(actor).answer(
                identifier,
                "edit",
                reason=text(form, "because"),
                arguments=value,
                seen=text(form, "seen"),
                category=why,
            )
        except RemitError as fault:
            return await self._again(request, typed, fault, acting="edit", form=filled)
        return self._console.see(request, f"/approvals/{identifier}", _SAID["edit"])

    async def escalate(self, request: Request, form: FormData) -> Response:
        """Passes a question on."""
        identifier, verbs = request.path_params["approval"], self._console.verbs(self._console.actor(request))
        try:
            await verbs.escalate(identifier, to=text(form, "to"), reason=text(form, "because"))
        except RemitError as fault:
            return await self._again(request, texts(form), fault, acting="escalate")
        return self._console.see(request, f"/approvals/{identifier}", "It is passed on.")

    # --- parts

    async def _look(
        self,
        request: Request,
        typed: Mapping[str, str],
        asked: ApprovalShown,
        form: SchemaForm,
        changes: list[Difference],
    ) -> Response:
        """Shows what an edit changes; of what was asked otherwise when it was typed, that is said first."""
        fault = None
        if typed["seen"] != asked.fingerprint:
            fault = ConflictError("It is not what you looked at any more", which=asked.approval, hint="Look again")
        more = {"acting": "edit", "form": form, "changes": changes}
        return await self._again(request, typed, fault, **more, status=409 if fault else 200)

    async def _again(
        self, request: Request, typed: Mapping[str, str], fault: RemitError | None, **more: Any
    ) -> Response:
        """Shows the question with all that was typed and, if it is another one by now, what differs."""

        def show(request: Request) -> Sheet:
            sheet = self.one(request)
            asked: ApprovalShown = sheet.model
            moved = _moved(typed, asked) if typed["seen"] != asked.fingerprint else ()
            return sheet._replace(context={**sheet.context, "moved": moved})

        return await tried(self._console, request, show, fault, typed=typed, **more)


def _sentence(asked: ApprovalShown) -> str:
    words = _SENTENCES | _UNDOING if asked.undoes else _SENTENCES
    return words[asked.kind].format(agent=asked.agent, what=asked.what, whom=asked.on_behalf_of)


def proposed_of(asked: ApprovalShown) -> Any:
    """Returns what a yes would let through: the arguments, or the agent's answer."""
    if asked.kind != "answer":
        return asked.proposed
    return cast("Mapping[str, Any]", asked.proposed or {}).get("answer")


def _moved(typed: Mapping[str, str], asked: ApprovalShown) -> list[Difference]:
    """Returns how what is asked differs from what the form says was looked at."""
    try:
        shown = parse_json(typed["shown"].encode(), name="What was shown", largest=LARGEST)
    except InputError:
        return []
    return differences(shown, proposed_of(asked)) if asked.content else []
