"""/comparison: two runs side by side, step by step."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from remit.core import RemitError
from remit.operations import Comparison, Views
from remit.web.console import Console, Sheet
from remit.web.differences import Difference, differences
from remit.web.pages.steps import arguments_of, result_of
from remit.web.pages.trying import asked_of
from remit.web.pages.window import Window, window_of
from remit.web.timeline import attempts_of, axis_of

# Steps whose content is shown field by field, fields of one, and characters of a field; each step leads to the rest.
MOST_DETAILS, MOST_FIELDS, MOST_CHARACTERS = 5, 12, 300


def routes(console: Console) -> list[Route]:
    """Returns the routes of the comparison."""

    def show(request: Request) -> Sheet:
        query = asked_of(request, "left", "right")
        context: dict[str, Any] = {"query": query, "comparison": None, "fault": None}
        if not all(query.values()):
            return Sheet("comparison.html", None, context)
        views = console.views(console.actor(request))
        try:
            compared = views.comparison.get(query["left"], query["right"])
        except RemitError as fault:
            if request.url.path.endswith(".json"):
                raise
            return Sheet("comparison.html", None, {**context, "fault": fault})
        axis, window = axis_of(compared.left, compared.right), window_of(request, len(compared.steps))
        context |= {
            "window": window,
            "comparison": compared,
            "axis": axis,
            "spans": [attempts_of(axis, run) for run in (compared.left, compared.right)],
            "details": _details(views, compared, window),
        }
        return Sheet("comparison.html", compared, context)

    return console.routes("/comparison", show)


def _details(views: Views, compared: Comparison, window: Window) -> dict[int, dict[str, list[Difference]]]:
    """Returns for the first steps shown that differ in content which fields do."""
    if not (compared.left.content and compared.right.content):
        return {}
    told = [pair.step for pair in compared.steps if {"arguments", "result"} & set(pair.differs) and pair.step in window]
    return {step: _fields(views, compared, step) for step in told[:MOST_DETAILS]}


def _fields(views: Views, compared: Comparison, step: int) -> dict[str, list[Difference]]:
    left, right = (views.decisions.step(run.run, step) for run in (compared.left, compared.right))
    found = {
        "arguments": differences(arguments_of(left.arguments), arguments_of(right.arguments)),
        "result": differences(result_of(left.result), result_of(right.result)),
    }
    return {name: [_short(each) for each in rows[:MOST_FIELDS]] for name, rows in found.items() if rows}


def _short(field: Difference) -> Difference:
    before, after = (
        text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…" for text in (field.before, field.after)
    )
    return Difference(field.path, field.kind, before, after)
