"""Commands about what agents promise: slo."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from remit.app import Cell
from remit.cli.completion import agents
from remit.cli.options import HERE, FleetOption, JsonOption, with_cell
from remit.cli.output import screen, show_json, show_rows
from remit.operations import BurnShown, SloSheet, Views

_EMPTY = "No agent promises anything. Write `slo: {success: 99.5 %, days: 28}` into a contract, and have it approved."


def slo(
    name: Annotated[str, typer.Argument(metavar="[AGENT]", autocompletion=agents)] = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show how many tasks may fail by what agents promise, how many have, and whether too many do now."""

    async def work(_: Cell, views: Views) -> list[SloSheet]:
        return [views.slo.get(name)] if name else _all(views)

    sheets = with_cell(fleet, work)
    if as_json:
        told = [sheet.model_dump(mode="json") for sheet in sheets]
        show_json(told[0] if name else told)
        return
    show_rows([row for sheet in sheets for row in _rows(sheet)], as_json=False, empty=_EMPTY)
    if name:
        _show_rest(sheets[0])


def _all(views: Views) -> list[SloSheet]:
    page = views.slo.page()
    sheets = list(page.rows)
    while page.next:
        page = views.slo.page(after=page.next)
        sheets += page.rows
    return sheets


def _rows(sheet: SloSheet) -> Iterator[dict[str, Any]]:
    for one in sheet.objectives:
        yield {
            "agent": sheet.agent,
            "objective": f"{one.title.lower()}: {one.target}",
            "state": one.state,
            "days": sheet.days,
            "tasks": one.tasks,
            "bad": one.bad,
            "may be bad": one.allowed_text,
            "budget used": one.used_text,
            "because": one.because,
            "marks": "" if sheet.claimable else "not live",
        }


def _show_rest(sheet: SloSheet) -> None:
    screen.print(f"\n{sheet.agent}@{sheet.version} promises: {sheet.promise}")
    if sheet.note:
        screen.print(f"[yellow]{sheet.note}[/yellow]")
    screen.print()
    show_rows(
        [
            {
                "objective": one.title.lower(),
                "over": each.window,
                "tasks": each.tasks,
                "bad": each.bad,
                "burn rate": _rate(each),
            }
            for one in sheet.objectives
            for each in one.windows
        ],
        as_json=False,
        empty="",
    )


def _rate(burn: BurnShown) -> str:
    return "–" if burn.rate is None else f"{burn.rate:.1f}"
