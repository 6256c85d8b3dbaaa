"""`remit database`: bring its tables up to date, look at it, copy it, restore it, make its roles."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from remit.cli.options import HERE, BecauseOption, FleetOption, JsonOption, login, read_text
from remit.cli.output import screen, show_pairs
from remit.core import ConflictError, InputError, SystemClock, load_settings
from remit.journal import Executors
from remit.operations.upkeep import (
    Site,
    Terms,
    apply_roles,
    back_up,
    database_status,
    migration_name,
    pending_migrations,
    roles_sql,
)
from remit.operations.upkeep import restore as put_back
from remit.store import Database, Migration, load_migrations

database_app = typer.Typer(help="The database: tables, copies, roles.", no_args_is_help=True)


def site_of(fleet: Path) -> Site:
    """Returns whose database it is; the fleet's files may be wrong, its settings may not."""
    folder = fleet.resolve()
    return Site(folder, load_settings(folder), SystemClock())


def nobody_at_work(site: Site, database: Database, doing: str) -> None:
    """Refuses while a process drives this cell's runs."""
    working: list[str] = []
    with suppress(Exception):  # a database that cannot be read has nobody at work
        limits = site.settings.limits
        working = Executors(database, site.clock, seconds=limits.executor_seconds).at_work()
    if working:
        raise ConflictError(
            f"Nobody may be at work while {doing}",
            which=", ".join(working[:3]),
            hint="Stop every process of this fleet",
        )


@database_app.command()
def status(fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Say where the database is, its version and size, which migrations it lacks, and how far the log is behind."""
    site = site_of(fleet)
    database = site.open(read_only=True)
    try:
        show_pairs(database_status(database), as_json=as_json)
    finally:
        database.close()


@database_app.command()
def migrate(
    post: Annotated[
        bool,
        typer.Option("--post", help="Also what takes away what only the Remit before used: once none of it works."),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be applied.")] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring the tables to what this Remit knows, while the processes of the one before it go on."""
    site = site_of(fleet)
    done: list[Migration] = []
    if not plan:
        database = site.open()
        try:
            done = database.migrate(post=post)
        finally:
            database.close()
    left = _pending(site)
    if as_json:
        names = {"applied": done, "pending": left}
        show_pairs({name: [migration_name(each) for each in found] for name, found in names.items()}, as_json=True)
        return
    for each in done:
        screen.print(f"applied {migration_name(each)}")
    for each in left:
        screen.print(f"pending {migration_name(each)}{': --post applies it' if each.is_post else ''}")
    if not left:
        screen.print("The tables are those of this Remit.")


def _pending(site: Site) -> list[Migration]:
    """Returns what is not applied; of a database that is not there yet, everything."""
    if site.is_sqlite and not site.path.is_file():
        return load_migrations()
    database = site.open(read_only=True)
    try:
        return pending_migrations(database)
    finally:
        database.close()


@database_app.command()
def backup(target: Path, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """Copy the database into a new folder while work goes on, and verify the copy's log. The log's key is left out."""
    site = site_of(fleet)
    made = back_up(site, target)
    show_pairs({"backup": str(target), **made.as_json()}, as_json=as_json)
    if not as_json:
        screen.print(f"The log's key is no part of it: keep {site.key_file} elsewhere, and not beside the copy.")


@database_app.command()
def restore(
    source: Path,
    because: BecauseOption,
    newest_checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint anybody has, where it is not kept on this machine.")
    ] = None,
    new_log: Annotated[
        bool, typer.Option(help="Begin a new log where the old one would be set back, or nobody knows.")
    ] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put a copy in the database's place, and stop the fleet until somebody has looked. Nobody may be at work."""
    site = site_of(fleet)
    if site.is_sqlite and site.path.exists():
        database = site.open(read_only=True)
        try:
            nobody_at_work(site, database, "a copy is restored")
        finally:
            database.close()
    newest = read_text(newest_checkpoint) if newest_checkpoint else None
    restored = put_back(site, source, Terms(because=because, by=login(), newest=newest, new_log=new_log))
    show_pairs(restored.as_json(), as_json=as_json)
    if not as_json:
        screen.print(
            "The fleet is stopped. Look at what was done outside since the copy was taken; then\n"
            "  remit resume fleet --because …"
        )


@database_app.command()
def roles(
    apply: Annotated[bool, typer.Option("--apply", help="Make them, as the user of the database's URL.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take them from a database of this server that the cell has left.")
    ] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the SQL of PostgreSQL's roles: what decides, what moves entries into the log, who only looks at it."""
    site = site_of(fleet)
    if site.is_sqlite:
        raise InputError(
            "SQLite has no roles", hint="Whoever may write the file may do everything; see docs/security.md"
        )
    if take_over and not apply:
        raise InputError("--take-over goes with --apply", hint="remit database roles --apply --take-over")
    if apply:
        show_pairs({"roles": apply_roles(site, take_over=take_over)}, as_json=as_json)
    else:
        typer.echo(roles_sql(site), nl=False)
