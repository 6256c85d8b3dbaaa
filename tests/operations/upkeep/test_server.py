"""PostgreSQL: its roles refuse what is forbidden, its own programs copy it, and no password is shown."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import quote

import psycopg
import pytest
from psycopg import errors
from tests.gateway.desk import REFUNDS

from journeys.command_line import Ended, started, typed
from remit.app import inspect_fleet, probe_of
from remit.audit import verify_log
from remit.core import SECOND, ConflictError, NotFoundError, RemitError, Settings, SystemClock, load_settings
from remit.endpoints import load_sources
from remit.operations.doctor import CHECKS, Diagnosis, Health, Patient, diagnose
from remit.operations.doctor import server as server_checks
from remit.operations.upkeep import Site, Terms, apply_roles, back_up, database_status, restore
from remit.operations.upkeep.server_tools import command_line, without_password
from remit.testing import PostgresServer, SettableClock, open_fleet

SECRET = "s3cret/&word"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_server: PostgresServer) -> Path:
    """A fleet's folder; PostgreSQL's own programs are on PATH."""
    monkeypatch.setenv("PATH", f"{postgresql_server.binaries}:/usr/bin:/bin")
    return tmp_path / "fleet"


def on(url: str) -> Callable[[Settings], Settings]:
    return lambda settings: settings.model_copy(update={"database_url": url})


def site(folder: Path, url: str) -> Site:
    return Site(folder, on(url)(load_settings(folder)), SystemClock())


def login(server: PostgresServer, url: str, name: str, *roles: str) -> str:
    """Makes a login that is a member of `roles`, and returns its URL of the same database."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(cast("LiteralString", f"drop role if exists {name}"))
        connection.execute(cast("LiteralString", f"create role {name} login in role {', '.join(roles)}"))
    return url.replace("postgres@", f"{name}@")


FORBIDDEN = {
    "app": (
        "update log set kind = 'other'",
        "delete from log",
        "truncate log",
        "insert into log select * from log",
        "update log_head set size = 0",
        "insert into log_checkpoints (size, at, note) values (99, 0, '')",
        "delete from log_checkpoints",
        "update log_tiles set root = ''",
        "delete from log_pending",
        "update log_pending set kind = 'other'",
        "create table mine (a int)",
        "drop table runs",
        "update migrations set digest = ''",
    ),
    "sequencer": (
        "update log set kind = 'other'",
        "delete from log",
        "truncate log",
        "insert into log_pending (stream, seq, kind, ref, at, body) values ('a', 1, 'b', 'c', 1, '')",
        "select * from payloads",
        "select * from sessions",
        "update runs set state = 'done'",
    ),
    "auditor": (
        "select * from payloads",
        "select * from tasks",
        "select * from sessions",
        "select * from log_pending",
        "insert into log_checkpoints (size, at, note) values (99, 0, '')",
        "delete from log",
    ),
}


def worked(fleet: Path, url: str) -> str:
    """Opens the fleet on the database at `url`, has it do a task and pulls a switch; returns the cell's name."""

    async def work() -> str:
        async with open_fleet(REFUNDS, fleet, change=on(url)) as cell:
            await cell.operations.load()
            await cell.operations.resume("fleet", because="to begin", by="ann@shop.example")
            order = {"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}
            started = await cell.operations.submit("refund-desk", order, on_behalf_of="ann@shop.example")
            assert (await cell.operations.drive(started.run.id)).state.is_over
            assert cell.kpis.roll_up() is not None
            assert (await probe_of(cell).look()).ready
            await cell.operations.stop("fleet", because="to see", by="ann@shop.example")
            cell.sign()
            assert verify_log(cell.log).ok
            assert cell.log.entries("cell")[-1].kind == "switch"
            return cell.settings.name

    return asyncio.run(work())


def looked(fleet: Path, url: str, check: str = "", **circumstances: Any) -> list[Diagnosis]:
    """Returns what the doctor says of a fleet with its database there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMIT_DATABASE_URL", url)
        patient = Patient(folder=fleet, inspect=inspect_fleet, read_secrets=load_sources, **circumstances)
        return asyncio.run(diagnose(patient, [each for each in CHECKS if check in ("", each.__name__)]))


def test_each_role_may_do_its_own_and_nothing_else(
    fleet: Path, postgresql_server: PostgresServer, postgresql_url: str
) -> None:
    name = worked(fleet, postgresql_url)
    made = apply_roles(site(fleet, postgresql_url))
    assert made == [f"{name}_app", f"{name}_sequencer", f"{name}_auditor"]
    assert apply_roles(site(fleet, postgresql_url)) == made, "it can be done again"
    for role, statements in FORBIDDEN.items():
        url = login(postgresql_server, postgresql_url, f"only_{role}", f"{name}_{role}")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(cast("LiteralString", statement))
            assert connection.execute("select 1 from log limit 1").fetchone(), "all of them read it"
    auditor = login(postgresql_server, postgresql_url, "only_looks", f"{name}_auditor")
    refused = typed("database", "status", "--fleet", str(fleet), REMIT_DATABASE_URL=auditor)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("remit: The database's server refuses it. permission denied for table migrations.")
    assert "remit database roles --apply" in refused.err
    with pytest.raises(RemitError, match="as the tables' owner"):
        back_up(site(fleet, auditor), fleet.parent / "copy")
    assert not (fleet.parent / "copy").exists(), "the next try has room"
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(login(postgresql_server, postgresql_url, "stranger", "pg_monitor"))


def test_a_restored_cell_takes_its_roles_along_when_that_is_said(
    fleet: Path, postgresql_server: PostgresServer, postgresql_url: str
) -> None:
    name = worked(fleet, postgresql_url)
    apply_roles(site(fleet, postgresql_url))
    restored = postgresql_server.fresh()
    worked(fleet.parent / "again", restored)

    def told(*options: str) -> Ended:
        return typed("database", "roles", *options, "--fleet", str(fleet), REMIT_DATABASE_URL=restored)

    assert (told("--take-over").code, "goes with --apply" in told("--take-over").err) == (2, True)
    refused = told("--apply")
    assert (refused.code, f"The role {name}_app belongs to the database" in refused.err) == (1, True)
    assert "--take-over" in refused.err
    assert told("--apply", "--take-over").code == 0
    assert told("--apply").code == 0
    postgresql_server.drop(restored)


def test_a_cell_works_without_the_right_to_change_its_log(
    fleet: Path, postgresql_server: PostgresServer, postgresql_url: str
) -> None:
    name = worked(fleet, postgresql_url)
    apply_roles(site(fleet, postgresql_url))
    url = login(postgresql_server, postgresql_url, "worker", f"{name}_app", f"{name}_sequencer")
    assert worked(fleet, url) == name
    assert [each.health for each in looked(fleet, url, "database_rights")] == [Health.OK]
    (found,) = looked(fleet, postgresql_url, "database_rights")
    assert (found.health, found.command) == (Health.WARNING, "remit database roles --apply")


def test_the_doctor_looks_at_a_server_and_finds_nothing_amiss(fleet: Path, postgresql_url: str) -> None:
    worked(fleet, postgresql_url)
    found = {each.check: each for each in looked(fleet, postgresql_url)}
    assert {"database server", "database tls", "database clock", "log lag", "workers", "log head"} <= found.keys()
    assert not {"database file", "database lock", "journal size", "network disk"} & found.keys()
    assert [each.what for each in found.values() if each.health is Health.TROUBLE] == []
    assert [each.check for each in found.values() if each.health is Health.SKIPPED] == []


def test_a_server_that_does_not_end_what_a_frozen_process_began_is_told(
    fleet: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(fleet, postgresql_url)
    assert [each.health for each in looked(fleet, postgresql_url, "database_server")] == [Health.OK]
    monkeypatch.setattr(server_checks, "KNOWS_TRANSACTION_TIMEOUT", 990_000)
    (found,) = looked(fleet, postgresql_url, "database_server")
    assert (found.health, "frozen" in found.what, "17" in found.mend) == (Health.WARNING, True, True)


def test_a_server_that_cannot_be_reached_is_told_once_and_soon(fleet: Path, postgresql_url: str) -> None:
    worked(fleet, postgresql_url)
    begun = time.monotonic()
    found = looked(fleet, f"postgresql://app:{quote(SECRET, safe='')}@127.0.0.1:9/remit?connect_timeout=2")
    assert time.monotonic() - begun < 30
    (trouble,) = [each for each in found if each.health is Health.TROUBLE]
    assert (trouble.check, trouble.what) == ("database server", "postgresql://127.0.0.1:9/remit cannot be reached")
    assert "refused" in trouble.why
    told = json.dumps([each.as_json() for each in found])
    assert SECRET not in told
    assert quote(SECRET, safe="") not in told


def test_clocks_that_disagree_are_told(fleet: Path, postgresql_url: str) -> None:
    worked(fleet, postgresql_url)
    ahead = SettableClock(SystemClock().now() + 60 * SECOND)
    (found,) = looked(fleet, postgresql_url, "database_clock", clock=ahead)
    assert found.health is Health.TROUBLE


def test_entries_that_nobody_moves_are_told(fleet: Path, postgresql_url: str) -> None:
    worked(fleet, postgresql_url)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            "insert into log_pending (stream, seq, kind, ref, at, body) values ('cell', 99, 'x', 'y', 1, '{}')"
        )
    (found,) = looked(fleet, postgresql_url, "log_lag")
    assert (found.health, found.what.startswith("1 entries wait")) == (Health.TROUBLE, True)


def test_a_copy_by_the_servers_own_programs_is_put_back_in_an_empty_database(
    fleet: Path, tmp_path: Path, postgresql_server: PostgresServer, postgresql_url: str
) -> None:
    worked(fleet, postgresql_url)
    made = back_up(site(fleet, postgresql_url), tmp_path / "copy")
    assert (made.dialect, made.entries > 0) == ("postgresql", True)
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["about.json", "checkpoint", "remit.dump"]
    terms = Terms(because="the disk broke", by="op")
    with pytest.raises(RemitError, match="pg_restore failed"):
        restore(site(fleet, postgresql_url), tmp_path / "copy", terms)
    other = postgresql_server.fresh()
    restored = restore(site(fleet, other), tmp_path / "copy", terms)
    assert (restored.entries, restored.restarted) == (made.entries, None)
    assert worked(fleet, other)
    with pytest.raises(ConflictError, match="would be set back"):
        restore(site(fleet, postgresql_server.fresh()), tmp_path / "copy", terms)
    third = postgresql_server.fresh()
    again = restore(site(fleet, third), tmp_path / "copy", Terms(because="again", by="op", new_log=True))
    assert again.restarted is not None
    assert again.log.endswith("/2")
    assert worked(fleet, third)


def test_without_the_servers_programs_it_is_said_what_to_type(
    fleet: Path, tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(fleet, postgresql_url)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotFoundError, match="pg_dump --format=custom"):
        back_up(site(fleet, postgresql_url), tmp_path / "copy")
    assert not (tmp_path / "copy" / "about.json").exists(), "a copy that broke off is none"


def test_no_password_is_on_a_command_line() -> None:
    url = f"postgresql://app:{quote(SECRET, safe='')}@db.example:5433/remit?sslmode=verify-full"
    assert without_password(url) == ("postgresql://app@db.example:5433/remit?sslmode=verify-full", SECRET)
    url = f"postgresql:///remit?host=/run/pg&user=app&password={quote(SECRET, safe='')}"
    assert without_password(url) == ("postgresql:///remit?host=/run/pg&user=app", SECRET)
    assert SECRET not in command_line("pg_dump", ["--format=custom"], url)


URLS = [
    "postgresql://app:PASS@127.0.0.1:9/remit",
    "postgresql://app:PASS@127.0.0.1:9/remit?nonsense=1",
    "postgresql://app:PASS%zz@127.0.0.1:9/remit",
    "postgres://app:PASS@127.0.0.1:notaport/remit",
    "mysql://app:PASS@127.0.0.1/remit",
    "sqlite://app:PASS@127.0.0.1/remit",
]
COMMANDS = [("database", "status"), ("runs",), ("doctor",), ("database", "backup", "copy")]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_the_password(
    fleet: Path, url: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns("__pycache__", ".remit"))
    monkeypatch.chdir(fleet)
    no_password_in(typed(*command, REMIT_DATABASE_URL=secret(url), REMIT_DATABASE__CONNECT_SECONDS="1"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_process_of_its_own_shows_it_no_more(fleet: Path, command: tuple[str, ...]) -> None:
    shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns("__pycache__", ".remit"))
    told = {"REMIT_DATABASE_URL": secret(URLS[0]), "REMIT_DATABASE__CONNECT_SECONDS": "1"}
    no_password_in(started(*command, cwd=fleet, seconds=60, **told))


def secret(url: str) -> str:
    return url.replace("PASS", "s3cret")


def no_password_in(ended: Ended) -> None:
    assert ended.code == 1 or ended.code == 2
    assert "Traceback" not in ended.err
    assert "s3cret" not in ended.out + ended.err


def test_the_status_of_a_server_says_what_there_is(fleet: Path, postgresql_url: str) -> None:
    def told() -> dict[str, Any]:
        database = site(fleet, postgresql_url).open(read_only=True)
        try:
            return database_status(database)
        finally:
            database.close()

    shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns(".remit", "*.py"))
    empty = told()
    assert (empty["migrations"], len(empty["pending"]) > 20, empty["entries"]) == (0, True, None)
    worked(fleet, postgresql_url)
    status = told()
    assert (status["dialect"], status["pending"], status["lag"], status["signed"]) == (
        "postgresql",
        [],
        0,
        status["entries"],
    )
    assert "postgres@" not in status["place"]
