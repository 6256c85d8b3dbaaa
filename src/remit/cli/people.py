"""Commands about who gets in: people, their passwords and login links; API tokens."""

import sys
from getpass import getpass
from typing import Annotated, Any

import typer

from remit.app import Cell
from remit.cli.options import HERE, AsOption, FleetOption, JsonOption, actor, checked_folder, person, with_cell
from remit.cli.output import errors, screen, show_json, show_pairs, show_rows
from remit.contracts import Person, read_fleet
from remit.core import InputError, iso
from remit.identity import LONGEST_PASSWORD, Passwords, Token
from remit.operations import TOKEN_DAYS, Views

people_app = typer.Typer(help="Who there is, and how they log in.", invoke_without_command=True)
tokens_app = typer.Typer(help="API tokens of people and programs.", invoke_without_command=True)


@people_app.callback()
def people(context: typer.Context, fleet: FleetOption = HERE, as_json: JsonOption = False) -> None:
    """List everybody of people.yaml: roles, units, whether a password is set, and in how many places they are logged in."""
    if context.invoked_subcommand is not None:
        return
    passwords = Passwords()

    async def work(cell: Cell, views: Views) -> list[dict[str, Any]]:
        return [
            {
                "id": one.id,
                "name": one.name,
                "roles": list(one.roles),
                "units": list(one.units),
                "password": one.has_password,
                "renew": passwords.needs_rehash(cell.parts.people.person(one.id).password),
                "sessions": cell.access.session_count(one.id),
            }
            for one in views.people.listing()
        ]

    rows = with_cell(fleet, work)
    if as_json:
        show_json(rows)
        return
    shown = [
        {
            **row,
            "roles": ", ".join(row["roles"]) or "-",
            "units": ", ".join(row["units"]) or "all",
            "password": "set, renew it" if row["renew"] else "set" if row["password"] else "-",
        }
        for row in rows
    ]
    columns = ("id", "name", "roles", "units", "password", "sessions")
    show_rows(shown, as_json=False, empty="Nobody yet. Write people.yaml.", columns=columns)


@people_app.command()
def password(
    who: Annotated[str, typer.Argument(metavar="[PERSON]", help="Whose it is; their names make a weak password.")] = "",
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, one line.")] = False,
    fleet: FleetOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Hash a password, asked for twice, and print the line for people.yaml. Nothing is changed or kept."""
    known = _known(fleet, who) if who else None
    hashed = Passwords().hash_password(_typed(stdin=stdin), known)
    if as_json:
        show_json({"person": who, "password": hashed})
        return
    errors.print("Put this line under the person in people.yaml; it holds from the next start of `remit up`.")
    sys.stdout.write(f'password: "{hashed}"\n')


@people_app.command()
def link(
    who: Annotated[str, typer.Argument(metavar="PERSON", help="Whom it lets in.")],
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where `remit up` listens, if it was started with another port.")
    ] = 0,
    fleet: FleetOption = HERE,
    by: AsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print a link that logs a person in once. Whoever has it is that person: hand it over safely."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        secret = await cell.access.issue_link(who, by=actor(cell, by))
        http = cell.settings.http
        return {"person": who, "link": f"{http.origin(port)}/login/{secret}", "minutes": http.link_minutes}

    made = with_cell(fleet, work)
    if as_json:
        show_json(made)
        return
    errors.print(f"It opens once, within {made['minutes']:g} minutes, while `remit up` is at work.")
    sys.stdout.write(f"{made['link']}\n")


@tokens_app.callback()
def tokens(context: typer.Context, fleet: FleetOption = HERE, who: AsOption = "", as_json: JsonOption = False) -> None:
    """List API tokens, the newest first; with --as only that person's, unless they manage access."""
    if context.invoked_subcommand is not None:
        return

    async def work(cell: Cell, _: Views) -> list[dict[str, Any]]:
        now = cell.parts.clock.now()
        return [_row(token, now) for token in cell.access.tokens(actor(cell, who))]

    rows = with_cell(fleet, work)
    columns = ("id", "name", "as", "owner", "state", "expires", "used")
    empty = "No tokens yet. `remit tokens create NAME --as PERSON` makes one."
    show_rows(rows, as_json=as_json, empty=empty, columns=columns)


@tokens_app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, so that it is known later.")],
    days: Annotated[int, typer.Option(help="How long it lives.")] = TOKEN_DAYS,
    permission: Annotated[
        list[str] | None,
        typer.Option(help="What it may, such as fleet:runs:read; as often as needed. Without one, all."),
    ] = None,
    program: Annotated[str, typer.Option(help="Acts under this name instead of yours.", metavar="NAME")] = "",
    fleet: FleetOption = HERE,
    who: AsOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make an API token that holds no more than you do. It is shown this once: only its hash is kept."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        acting = actor(cell, person(who))
        made, text = await cell.access.create_token(
            acting, name=name, permissions=permission or None, program=program, days=days
        )
        return {**_row(made, cell.parts.clock.now()), "token": text}

    made = with_cell(fleet, work)
    if as_json:
        show_json(made)
        return
    told = {"as": made["as"], "may": ", ".join(made["permissions"]), "expires": made["expires"]}
    show_pairs({**told, "token": made["token"]}, as_json=False)
    errors.print("Copy it now; it is not shown again.")


@tokens_app.command()
def revoke(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `remit tokens` lists it.")],
    fleet: FleetOption = HERE,
    who: AsOption = "",
    as_json: JsonOption = False,
) -> None:
    """End a token for good, from this moment on."""

    async def work(cell: Cell, _: Views) -> dict[str, Any]:
        return _row(await cell.access.revoke_token(actor(cell, who), identifier), cell.parts.clock.now())

    ended = with_cell(fleet, work)
    if as_json:
        show_json(ended)
        return
    screen.print(f"{ended['id']} is revoked.")


def _known(fleet: FleetOption, who: str) -> Person:
    """Returns a person of people.yaml; other files of the fleet may have mistakes."""
    known = read_fleet(checked_folder(fleet))[0].people
    if who not in known:
        raise InputError("No such person", which=who, why=f"people.yaml has: {', '.join(sorted(known)) or 'nobody'}")
    return known[who]


def _typed(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to ask at", hint="Give the password on standard input, with --stdin")
    first = getpass("Password: ")  # it stops the echo before it asks
    if getpass("The same again: ") != first:
        raise InputError("The two were not the same", hint="Try again")
    return first


def _row(token: Token, now: int) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "as": token.actor,
        "owner": token.owner,
        "state": token.state(now),
        "permissions": list(token.permissions),
        "created": iso(token.created_at),
        "expires": iso(token.expires_at),
        "used": iso(token.used_at) if token.used_at is not None else "never",
        "revoked_by": token.revoked_by,
    }
