"""Commands about evidence: explain, log verify|export|prove|key."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from remit.app import Cell
from remit.audit import PublicKey, verify_export, verify_log, write_export
from remit.cli.database import nobody_at_work, site_of
from remit.cli.options import HERE, BecauseOption, FleetOption, JsonOption, login, read_text, with_cell
from remit.cli.output import DONE, FOUND_WRONG, screen, show_json, show_pairs
from remit.core import InputError
from remit.operations import Views
from remit.operations.upkeep import restart_log

log_app = typer.Typer(help="The tamper-evident log.", no_args_is_help=True)


def explain(decision: str, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Say why a decision came out as it did: each rung asked, and the rules that counted."""

    async def work(_: Cell, views: Views) -> dict[str, Any]:
        return views.decisions.explain(decision)

    told = with_cell(fleet, work)
    if as_json:
        show_json(told)
        return
    action = told["action"]
    screen.print(
        f"[bold]{told['verdict']}[/bold]  {action['kind']} {escape(action['name'])}  {told['at']}  log #{told['log_index']}"
    )
    for rung in told["rungs"]:
        screen.print(f"  {rung['rung']:<11} {'yes' if rung['allowed'] else 'no'}")
        for policy in rung["policies"]:
            words = policy.get("because") or policy["policy"]
            screen.print(
                f"    {policy.get('effect', '')} {escape(words)}  [dim]{escape(policy.get('source', ''))} {escape(policy['policy'])}[/dim]"
            )
    for name in ("reason", "facts", "subjects", "constraints", "override", "approval", "bundle", "considered"):
        if told.get(name):
            screen.print(f"  {name}: {escape(str(told[name]))}")


@log_app.command()
def verify(
    export: Annotated[Path | None, typer.Argument(help="An export; without it, the fleet's own log.")] = None,
    key: Annotated[str, typer.Option("--key", help="The log's public key, or a file that holds it.")] = "",
    since: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint you kept: the log must have grown from it.")
    ] = None,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Check that nothing in the log was changed, dropped or reordered. Exit code 1 when something was."""
    older = [read_text(path) for path in since or []]
    if export is not None and not key:
        raise InputError(
            "An export is verified with the log's public key", hint="Give it with --key; not from the export"
        )
    if export is not None:
        report = verify_export(export, _read_key(key), since=older)
    else:

        async def work(cell: Cell, _: Views) -> Any:
            cell.sign()
            return verify_log(cell.log, since=older)

        report = with_cell(fleet, work)
    if as_json:
        show_json(report.as_json())
    else:
        for problem in report.problems:
            screen.print(f"[red]problem[/red] {escape(problem)}")
        word = "[green]verified[/green]" if report.ok else "[red]NOT VERIFIED[/red]"
        screen.print(f"{word}: {report.size} entries of {report.origin}, root {report.root.hex()[:16]}…")
    raise typer.Exit(DONE if report.ok else FOUND_WRONG)


@log_app.command()
def export(target: Path, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Write the log as files an auditor can take away and verify with the public key alone."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        cell.sign()
        checkpoint = write_export(cell.log, target)
        return {"export": str(target), "entries": checkpoint.size, "key": cell.log.public_key.text()}

    show_pairs(with_cell(fleet, work), as_json=as_json)


@log_app.command()
def prove(index: int, fleet: FleetOption = HERE) -> None:
    """Write the proof that one entry is in the log; anybody can check it with the public key."""

    async def work(cell: Cell, _: Views) -> str:
        cell.sign()
        return cell.log.prove(index).text()

    typer.echo(with_cell(fleet, work), nl=False)


@log_app.command()
def restart(
    because: BecauseOption,
    newest_checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint anybody has, where it is not kept on this machine.")
    ] = None,
    old_key: Annotated[
        str, typer.Option("--old-key", help="The old log's public key, or a file that holds it, where its key is lost.")
    ] = "",
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Begin a new log, with a key of its own, where the old one was set back. Nobody may be at work."""
    site = site_of(fleet)
    database = site.open()
    try:
        nobody_at_work(site, database, "a new log begins")
        restarted = restart_log(
            site,
            database,
            because=because,
            by=login(),
            newest=read_text(newest_checkpoint) if newest_checkpoint else None,
            old_key=_read_key(old_key) if old_key else None,
        )
    finally:
        database.close()
    show_pairs(restarted.as_json(), as_json=as_json)


@log_app.command()
def key(fleet: FleetOption = HERE) -> None:
    """Write the log's public key; hand it to auditors by another way than the export."""

    async def work(cell: Cell, _: Views) -> str:
        return cell.log.public_key.text()

    typer.echo(with_cell(fleet, work))


def _read_key(text: str) -> PublicKey:
    path = Path(text)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # what no path can be may still be a key
        is_file = False
    return PublicKey.parse((read_text(path) if is_file else text).strip())
