"""The command about what those served say: feedback."""

from typing import Annotated, Any

import typer

from remit.app import Cell
from remit.cli.options import HERE, AsOption, FleetOption, JsonOption, verbs, with_cell
from remit.cli.output import show_pairs
from remit.core import InputError
from remit.journal import FeedbackKind
from remit.operations import Views


def feedback(  # noqa: PLR0913  a command's options are its arguments
    task: Annotated[str, typer.Argument(help="The task, by its id or the end of it.")],
    satisfaction: Annotated[int | None, typer.Option(help="How content they are: 1 (worst) to 5 (best).")] = None,
    appeal: Annotated[str | None, typer.Option(help="They do not accept what was decided; in their words.")] = None,
    person: Annotated[bool, typer.Option("--person", help="They asked for a person instead of an agent.")] = False,
    words: Annotated[str, typer.Option(help="What else they said.")] = "",
    key: Annotated[str, typer.Option(help="A key of yours under which it counts only once.")] = "",
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hand in what somebody served says of a task. Words are kept with the task's content, and are in no log."""
    said = {
        FeedbackKind.SATISFACTION: satisfaction is not None,
        FeedbackKind.APPEAL: appeal is not None,
        FeedbackKind.PERSON: person,
    }
    kinds = [kind for kind, is_said in said.items() if is_said]
    if len(kinds) != 1:
        raise InputError("Say one thing at a time", hint="Give --satisfaction 1..5, --appeal 'WORDS' or --person")
    told = "\n".join(filter(None, (appeal, words)))

    async def work(cell: Cell, views: Views) -> dict[str, Any]:
        known = views.tasks.get(task).task
        sent = await verbs(cell, who).feedback(known, kind=kinds[0], score=satisfaction, words=told, key=key or None)
        kept = sent.feedback
        return {"task": kept.task, "kind": kept.kind.value, "score": kept.score, "is_new": sent.is_new}

    shown = with_cell(fleet, work)
    show_pairs(
        shown if as_json else {name: value for name, value in shown.items() if value is not None}, as_json=as_json
    )
