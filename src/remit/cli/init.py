"""`remit init`: a new fleet that runs at once, without a key, to be made one's own."""

import getpass
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.prompt import Prompt

from remit.app import inspect_fleet
from remit.cli.options import HERE, JsonOption
from remit.cli.output import errors, screen, show_json
from remit.cli.shipped import shipped_fleet
from remit.contracts import Person
from remit.core import InputError

STARTER = "starter"
# Who stands in the starter's files, and becomes whoever makes a fleet of it.
YOU, YOUR_NAME = "you@example.com", "name: You"
STAND_IN = "sam.stand-in@example.com"
# What a new fleet may find in its folder already.
_HARMLESS = frozenset({".git"})
_SHOWN = 5
_GIT_SECONDS = 5.0

# The starter's files in the order they are best read, with what each is.
_FILES: Mapping[str, str] = {
    "agents/supplies-desk.agent.md": "the contract: what the agent may do, and how freely",
    "policies/org.cedar": "what no agent may do, whatever its contract says",
    "people.yaml": "who there is, and who may answer",
    "tools/store.yaml": "the tools: what they take, how risky they are",
    "office_store.py": "their code, an invented store",
    "simulated_model.py": "a simulated model: fixed rules, no key",
    "schemas/request.json": "what the agent is given",
    "schemas/answer.json": "what it ends with",
    "cases/supplies-desk.yaml": "examples of what is right",
    "remit.toml": "settings; every part is explained in it",
}
_IGNORED = "# The database, the log and its key: they belong to this machine.\n.remit/\n__pycache__/\n"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is empty, or not there yet.", file_okay=False)
    ] = HERE,
    name: Annotated[str, typer.Option(help="The fleet's name; without it, the folder's.")] = "",
    owner: Annotated[
        str, typer.Option(metavar="EMAIL", help="Who answers for it; without it you are asked, or git is.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a small fleet that runs at once, without a key, to change into your own."""
    folder = folder.resolve()
    _check_empty(folder)
    name = name or _name_of(folder)
    owner = owner or _ask_owner(as_json)
    texts = _texts(name, owner)
    with tempfile.TemporaryDirectory() as draft:
        _write(Path(draft), texts)
        _check(Path(draft), owner)
    _write(folder, texts)
    told = {"fleet": str(folder), "name": name, "owner": owner, "approver": STAND_IN, "files": list(texts)}
    told["next"] = _next_steps(folder)
    if as_json:
        show_json(told)
    else:
        _show(told)


def _check_empty(folder: Path) -> None:
    """Nothing of anybody's is written over."""
    if not folder.exists():
        return
    there = sorted(path.name for path in folder.iterdir() if path.name not in _HARMLESS)
    if there:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        raise InputError(
            "The folder is not empty",
            which=str(folder),
            why=f"in it are {', '.join(there[:_SHOWN])}{more}",
            hint="Name a new folder: remit init DIR",
        )


def _name_of(folder: Path) -> str:
    """Returns the folder's name as a fleet may be called."""
    return re.sub(r"[^a-z0-9.-]+", "-", folder.name.casefold()).strip("-.")[:63] or "my-fleet"


def _ask_owner(as_json: bool) -> str:
    guess = next((address for address in (_git_address(), getpass.getuser()) if _is_address(address)), YOU)
    if as_json or not sys.stdin.isatty():
        return guess
    return Prompt.ask("Who answers for this fleet? Your e-mail address", default=guess, console=errors)


def _git_address() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        told = subprocess.run(  # noqa: S603  the program found on PATH, with arguments of ours
            [git, "config", "user.email"], capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip()


def _is_address(text: str) -> bool:
    try:
        Person(id=text)
    except ValueError:
        return False
    return True


def _texts(name: str, owner: str) -> dict[str, str]:
    """Returns the new fleet's files: the starter's, with its people and name in them."""
    source = shipped_fleet(STARTER)
    called = re.sub(r"[^\w]+|_", " ", owner.partition("@")[0]).strip().title() or "You"
    texts = {".gitignore": _IGNORED}
    for path in _FILES:
        text = (source / path).read_text(encoding="utf-8").replace(YOU, owner)
        text = text.replace(YOUR_NAME, f"name: {called}") if path == "people.yaml" else text
        texts[path] = text.replace(f'name = "{STARTER}"', f'name = "{name}"') if path == "remit.toml" else text
    return texts


def _check(draft: Path, owner: str) -> None:
    """Refuses a name or an address that a fleet cannot have before anything is written."""
    if not _is_address(owner):
        raise InputError("Not an e-mail address", which=owner, hint="Give yours with --owner")
    if owner == STAND_IN:
        raise InputError("The owner cannot be the second person too", which=owner, hint="Give your own with --owner")
    _, _, findings = inspect_fleet(draft)
    if mistakes := [str(finding) for finding in findings if finding.severity == "error"]:
        why = "; ".join(mistakes[:2])
        raise InputError("A fleet's files cannot have this owner", which=owner, why=why, hint="Name another")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


def _next_steps(folder: Path) -> list[str]:
    steps = [
        """remit run supplies-desk --input '{"request": "3 bags of coffee, please"}'""",
        """remit run supplies-desk --input '{"request": "2 chairs, please"}'""",
        f'remit approvals approve APPROVAL --as {STAND_IN} --because "we need them"',
    ]
    return steps if folder == Path.cwd() else [f"cd {folder}", *steps]


def _show(told: Mapping[str, Any]) -> None:
    screen.print(f"The fleet [bold]{escape(told['name'])}[/bold] is in {escape(told['fleet'])}:\n", soft_wrap=True)
    for path, what in _FILES.items():
        screen.print(f"  {path:<30} [dim]{what}[/dim]", soft_wrap=True)
    screen.print(
        f"\n{escape(told['owner'])} owns its agent and asks it for things. Nobody approves what is done for themselves, "
        f"or by an agent they own:\nthat takes a second person. {STAND_IN} stands in for one, until people.yaml "
        "has a colleague.\n\nNext: an order it places alone, one it asks about, and the answer (`remit approvals` "
        "shows the id):\n",
        soft_wrap=True,
    )
    for step in told["next"]:
        screen.print(f"  {escape(step)}", soft_wrap=True)
    screen.print("\nThen `remit up` keeps it at work, and `remit doctor` says what is amiss.", soft_wrap=True)
