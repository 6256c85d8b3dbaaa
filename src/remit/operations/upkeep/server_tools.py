"""PostgreSQL's own programs: found on PATH, started without a password on their command line."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from remit.core import NotFoundError, RemitError

# As much of what a program says as somebody reads.
_LONGEST = 2_000


def without_password(url: str) -> tuple[str, str]:
    """Returns the URL without its password, which everybody on the machine could read in the list of processes, and it."""
    parts = urlsplit(url)
    found = [*parse_qsl(parts.query, keep_blank_values=True)]
    password = next((value for name, value in found if name == "password"), "") or unquote(parts.password or "")
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}{at}{host}"
    query = urlencode([(name, value) for name, value in found if name != "password"], safe="/")
    return f"{parts.scheme}://{netloc}{parts.path}{'?' if query else ''}{query}", password


def command_line(program: str, arguments: Sequence[str], url: str) -> str:
    """Returns what somebody would type."""
    return " ".join([program, *arguments, f"--dbname='{without_password(url)[0]}'"])


def run_tool(program: str, arguments: Sequence[str], url: str) -> None:
    """Runs `program` on the database at `url`; where it is not there, `NotFoundError` says what to type elsewhere."""
    found = shutil.which(program)
    if found is None:
        raise NotFoundError(
            f"{program} is not on PATH",
            why="PostgreSQL's own programs copy its databases",
            hint=f"Install PostgreSQL's client programs, or run where they are: {command_line(program, arguments, url)}",
        )
    bare, password = without_password(url)
    secret = {"PGPASSWORD": password} if password else {}
    told = subprocess.run(  # noqa: S603  the program found on PATH, with arguments of ours
        [found, *arguments, f"--dbname={bare}"],
        env={**os.environ, **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        said = " ".join(told.stderr.split())[:_LONGEST]
        may_not = "privilege" in said or "permission denied" in said
        raise RemitError(
            f"{program} failed",
            why=said.replace(password, "…") if password else said,
            hint="Do it as the tables' owner: REMIT_DATABASE_URL" if may_not else "",
        )
