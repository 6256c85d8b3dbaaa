"""The platform team lets people and programs in from the command line, and puts them out again."""

import asyncio
import io
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from journeys.command_line import REPOSITORY, Command, environment, started
from remit.app import build
from remit.core import RefusedError
from remit.identity import Passwords

CARA, PIA = "cara.lead@shop.example", "pia.platform@shop.example"
PASSWORD = "plum engine violet moss"
AS_PIA = ("--as", PIA)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input that holds a password."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))


def test_everybody_is_listed_with_what_they_hold(remit: Command, refunds: Path) -> None:
    at = ("--fleet", refunds)
    rows = {row["id"]: row for row in remit("people", "--json", *at).value}
    assert rows[CARA] == {
        "id": CARA,
        "name": "Cara Lead",
        "roles": ["care-lead"],
        "units": [],
        "password": False,
        "renew": False,
        "sessions": 0,
    }
    shown = remit("people", *at)
    assert shown.code == 0
    assert re.search(rf"^{CARA} +Cara Lead +care-lead +all +- +0", shown.out, re.MULTILINE)


@pytest.mark.usefixtures("typed")
def test_the_printed_line_is_taken_by_people_yaml_and_opens_the_door(remit: Command, refunds: Path) -> None:
    at = ("--fleet", refunds)
    printed = remit("people", "password", CARA, "--stdin", *at)
    assert printed.code == 0
    assert PASSWORD not in printed.out + printed.err
    line = printed.out.strip()
    people = refunds / "people.yaml"
    people.write_text(people.read_text().replace("name: Cara Lead", f"name: Cara Lead, {line}"))

    assert remit("check", refunds).code == 0
    (cara,) = [row for row in remit("people", "--json", *at).value if row["id"] == CARA]
    assert (cara["password"], cara["renew"]) == (True, False)
    assert Passwords().password_matches(PASSWORD, line.partition('"')[2].rstrip('"'))


@pytest.mark.parametrize(("given", "why"), [("short", "fewer than 12"), ("cara.lead2026", "anybody would try first")])
def test_a_weak_password_is_not_hashed(
    remit: Command, refunds: Path, monkeypatch: pytest.MonkeyPatch, given: str, why: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    told = remit("people", "password", CARA, "--stdin", "--fleet", refunds)
    assert (told.code, told.out) == (2, "")
    assert why in told.err
    assert given not in told.err


@pytest.mark.usefixtures("typed")
def test_a_password_can_be_hashed_without_a_fleet_but_not_for_somebody_unknown(remit: Command, refunds: Path) -> None:
    assert remit("people", "password", "--stdin", "--json").value["password"].startswith("$argon2id$")
    told = remit("people", "password", "eve@shop.example", "--stdin", "--fleet", refunds)
    assert told.code == 2
    assert CARA in told.err


def asked(*answers: str) -> tuple[int, str, str]:
    """Answers at a terminal of its own; returns the exit code, what was on the terminal, and standard output."""
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "remit.cli", "people", "password"]
    seen = ""
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment(),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    ) as asking:
        for prompt, answer in zip(("Password:", "The same again:"), answers, strict=True):
            while prompt not in seen:
                assert select.select([master], [], [], 30)[0], seen
                seen += os.read(master, 1_000).decode()
            os.write(master, f"{answer}\n".encode())
        out = asking.communicate(timeout=60)[0].decode()
    while select.select([master], [], [], 0)[0]:
        seen += os.read(master, 1_000).decode()
    os.close(terminal)
    os.close(master)
    return asking.returncode, seen, out


def test_a_password_is_asked_for_twice_and_never_shown() -> None:
    code, seen, out = asked(PASSWORD, PASSWORD)
    assert code == 0
    assert out.startswith('password: "$argon2id$')
    assert PASSWORD not in seen + out


def test_two_that_differ_are_no_password() -> None:
    code, seen, out = asked(PASSWORD, f"{PASSWORD}es")
    assert (code, out) == (2, "")
    assert "not the same" in seen
    assert PASSWORD not in seen


def test_without_a_terminal_nothing_is_asked() -> None:
    told = started("people", "password")
    assert told.code == 2
    assert "--stdin" in told.err


def come_in(folder: Path, link: str) -> str:
    """Returns who comes in by a link, in a process that opens the fleet later."""

    async def come() -> str:
        cell = build(folder)
        try:
            return (await cell.access.redeem(link, client="127.0.0.1")).person
        finally:
            await cell.close()

    return asyncio.run(come())


def test_a_link_is_printed_that_lets_somebody_in_once(remit: Command, refunds: Path) -> None:
    settings = refunds / "remit.toml"
    settings.write_text(settings.read_text() + '\n[http]\npublic_url = "https://remit.example"\n')
    printed = remit("people", "link", CARA, *AS_PIA, "--fleet", refunds)
    assert printed.code == 0
    assert "within 15 minutes" in printed.err
    origin, _, secret = printed.out.strip().partition("/login/")
    assert origin == "https://remit.example"
    assert come_in(refunds, secret) == CARA
    with pytest.raises(RefusedError, match="opens nothing"):
        come_in(refunds, secret)
    (cara,) = [row for row in remit("people", "--json", "--fleet", refunds).value if row["id"] == CARA]
    assert cara["sessions"] == 1


def test_links_are_for_the_platform_team_to_give_or_for_whoever_sits_at_the_machine(
    remit: Command, refunds: Path
) -> None:
    at = ("--fleet", refunds)
    told = remit("people", "link", PIA, "--as", CARA, *at)
    assert (told.code, told.out) == (1, "")
    assert "cell:access:manage" in told.err
    printed = remit("people", "link", PIA, "--json", *at).value
    assert (printed["person"], printed["minutes"]) == (PIA, 15.0)
    assert printed["link"].startswith("http://127.0.0.1:8321/login/")
    elsewhere = remit("people", "link", PIA, "--port", "8400", "--json", *at).value
    assert elsewhere["link"].startswith("http://127.0.0.1:8400/login/")
    assert remit("people", "link", "eve@shop.example", *at).code == 1


def test_a_token_is_shown_once_listed_and_revoked(remit: Command, refunds: Path) -> None:
    at = ("--fleet", refunds)
    may = ("--permission", "fleet:runs:read", "--permission", "fleet:agents:read")
    made = remit("tokens", "create", "my laptop", "--days", "7", *may, "--as", CARA, *at)
    assert made.code == 0
    (text,) = re.findall(r"rmt_[a-z0-9]{12}_[A-Za-z0-9]{43}", made.out)
    assert "not shown again" in made.err

    listed = remit("tokens", "--json", *at)
    assert text not in listed.out
    (row,) = listed.value
    assert (row["name"], row["as"], row["owner"], row["state"]) == ("my laptop", CARA, CARA, "live")
    assert row["permissions"] == ["fleet:agents:read", "fleet:runs:read"]

    assert remit("tokens", "revoke", row["id"], "--as", CARA, *at).code == 0
    assert remit("tokens", "--json", *at).value[0]["state"] == "revoked"
    assert remit("tokens", "revoke", row["id"], *at).code == 1
    exported = remit("log", "export", refunds / "export", *at)
    assert exported.code == 0
    assert not any(text.encode() in file.read_bytes() for file in refunds.rglob("*") if file.is_file())


def test_a_token_for_a_program_is_made_by_who_manages_access(remit: Command, refunds: Path) -> None:
    at = ("--fleet", refunds)
    made = remit("tokens", "create", "nightly", "--program", "nightly", "--json", *AS_PIA, *at).value
    assert (made["as"], made["owner"]) == ("program:nightly", PIA)
    assert made["token"].startswith(f"rmt_{made['id']}_")
    refused = remit("tokens", "create", "nightly", "--program", "nightly", "--as", CARA, *at)
    assert (refused.code, refused.out) == (1, "")
    answers = ("--permission", "fleet:approvals:answer")
    told = remit("tokens", "create", "nightly", "--program", "nightly", *answers, *AS_PIA, *at)
    assert "A program does not answer what people are asked" in told.err


def test_nobody_has_a_token_without_saying_who_they_are(remit: Command, refunds: Path) -> None:
    at = ("--fleet", refunds)
    assert remit("tokens", "create", "laptop", *at).code == 2
    assert "No such person" in remit("tokens", "create", "laptop", "--as", "eve@shop.example", *at).err
    assert remit("tokens", "--json", *at).value == []
    assert "remit tokens create" in remit("tokens", *at).out
