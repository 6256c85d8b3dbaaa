"""Commands about cases: what people did not let stand, listed, shown, and added to a fleet's evaluation set."""

import difflib
import sys
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from remit.app import Cell
from remit.approvals import OverrideCategory
from remit.cli import completion
from remit.cli.completion import AgentArgument
from remit.cli.options import HERE, AsOption, FleetOption, JsonOption, actor, checked_folder, one_of, with_cell
from remit.cli.output import counted, screen, show_json, show_pairs, show_rows
from remit.core import InputError
from remit.evaluation import Case, CaseFile
from remit.operations import ExportedCases, Views

LIST_LIMIT = 1_000


class _NamesAgent(TyperGroup):
    """Takes what is no command of its own for the name of an agent: `remit cases AGENT` lists its cases."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the arguments."""
        is_agent = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().parse_args(ctx, ["--agent", *args] if is_agent else args)


cases_app = typer.Typer(
    cls=_NamesAgent, help="Cases that came of people's overrides: `remit cases AGENT`.", invoke_without_command=True
)


@cases_app.callback()
def cases(
    context: typer.Context,
    agent: Annotated[
        str,
        typer.Option(
            "--agent", help="Only this agent's; the option's name may be left out.", autocompletion=completion.agents
        ),
    ] = "",
    category: Annotated[str, typer.Option(help="Only of this category of override.")] = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List cases, the newest first: what agents proposed and people changed or refused."""
    if context.invoked_subcommand is not None:
        return
    one_of(category, OverrideCategory, name="such category")

    async def work(_: Cell, views: Views) -> list[dict[str, Any]]:
        if agent:
            page = views.overrides.of_agent(agent, category=category, limit=LIST_LIMIT)
        else:
            page = views.overrides.page(category=category, limit=LIST_LIMIT)
        return [row.model_dump() for row in page.rows]

    columns = ("case", "agent", "what", "answer", "category", "reason", "by", "at")
    empty = "No cases yet. One comes of each no or change to what an agent proposes."
    show_rows(with_cell(fleet, work), as_json=as_json, empty=empty, columns=columns)


@cases_app.command()
def show(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case, by its id or the end of it.")],
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show one case: what the agent was given and proposed, what a person decided, and why."""

    async def work(_: Cell, views: Views) -> dict[str, Any]:
        return views.overrides.get(case).model_dump()

    show_pairs(with_cell(fleet, work), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Export:
    """What an export did, or would do."""

    file: str
    added: list[str]
    there: int
    """Cases that stand in the file already."""
    open: int
    erased: int
    diff: str
    written: bool = False


@cases_app.command()
def export(
    agent: AgentArgument,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FILE", help="In the fleet's folder; else what its contract names as its cases."),
    ] = "",
    personal: Annotated[
        bool, typer.Option("--with-personal-data", help="Keep what is marked as personal, or shows that it is.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    who: AsOption = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Add an agent's cases to its file of cases, each once; what stands there is not touched."""

    async def work(cell: Cell, _: Views) -> tuple[str, ExportedCases]:
        views = cell.views(actor(cell, who))
        contract = views.agents.get(agent).contract
        named = contract.evaluation if contract else ""
        return to or named or f"cases/{agent}.yaml", views.overrides.export(agent, personal=personal)

    name, exported = with_cell(fleet, work)
    file = CaseFile.read(checked_folder(fleet), name)
    missing = _missing(file, exported)
    text = file.with_cases(missing) if missing else ""
    added = [case.name for case in missing]
    there = len(exported.cases) - len(added)
    told = _Export(name, added, there, exported.open, exported.erased, _diff(file, text) if added else "")
    if not added or (as_json and not yes):
        _show(told, as_json=as_json)
        return
    if not as_json:
        screen.print(escape(told.diff.rstrip()))
    _ask(told, yes=yes)
    file.write(text)
    _show(replace(told, written=True), as_json=as_json)


def _missing(file: CaseFile, exported: ExportedCases) -> list[Case]:
    """Returns the cases that do not stand in the file, under whatever name."""
    known = [(str(case["name"]), _override_of(case).get("case")) for case in file.cases()]
    names, ids = {name for name, _ in known}, {identifier for _, identifier in known}
    return [
        Case(**case) for case in exported.cases if case["name"] not in names and _override_of(case)["case"] not in ids
    ]


def _override_of(case: Any) -> dict[str, Any]:
    metadata = case.get("metadata")
    told = metadata.get("override") if isinstance(metadata, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  any file
    return told if isinstance(told, dict) else {}  # pyright: ignore[reportUnknownVariableType]  any file


def _diff(file: CaseFile, text: str) -> str:
    old, new = file.text().splitlines(keepends=True), text.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, file.name, file.name))


def _ask(told: _Export, *, yes: bool) -> None:
    """Goes on when somebody says so; a program says it with `--yes`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("Nothing was written", which=told.file, why="nobody can be asked", hint="Write it with --yes")
    screen.print("Read it: what people wrote in their own words may still name somebody.")
    typer.confirm(f"Add {counted(len(told.added), 'case')} to {told.file}?", abort=True)


def _show(told: _Export, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(told))
        return
    if told.written:
        screen.print(f"{counted(len(told.added), 'case')} added to {escape(told.file)}.")
    elif told.there:
        screen.print(f"Nothing to add: {counted(told.there, 'case')} of it in {escape(told.file)} already.")
    else:
        screen.print("Nothing to add: no case is settled yet.")
    if told.open:
        screen.print(f"Not yet: {counted(told.open, 'case')}, whose question still waits for others.")
    if told.erased:
        screen.print(f"Left out: {counted(told.erased, 'case')}, whose content was erased.")
