"""Operating a fleet: copies taken while it works, restored without a forgery, and what is said on the way."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journeys.command_line import REPOSITORY, Command
from journeys.shell import Reader, blocks, repository_copy
from remit.audit import PublicKey, verify_export
from remit.core import SystemClock
from remit.testing import PostgresServer

ORDER = '{"request": "3 bags of coffee"}'
STARTER = Path(__file__).parents[2] / "src" / "remit_fleets" / "starter"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet of one's own, which is the one that is spoken of."""
    folder = tmp_path / "office"
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "__init__.py"))
    monkeypatch.setenv("REMIT_FLEET", str(folder))
    return folder


def told(remit: Command, *arguments: str) -> Any:
    """Returns what a command says to a program."""
    said = remit(*arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_a_copy_is_taken_and_put_back_and_the_fleet_waits_for_a_look(
    remit: Command, office: Path, tmp_path: Path
) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    copy = told(remit, "database", "backup", str(tmp_path / "copy"))
    assert (copy["verified"], copy["dialect"]) == (True, "sqlite")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["about.json", "checkpoint", "remit.db"]
    assert "PRIVATE" not in "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in (tmp_path / "copy").iterdir()
    )
    (office / ".remit" / "remit.db").unlink()
    restored = told(remit, "database", "restore", str(tmp_path / "copy"), "--because", "the disk broke")
    assert (restored["log"], restored["restarted"], restored["set_aside"]) == ("starter", None, "")
    assert told(remit, "log", "verify")["ok"]
    assert "not on record" in remit("run", "supplies-desk", "--input", ORDER).err
    told(remit, "resume", "fleet", "--because", "nothing was lost")
    told(remit, "run", "supplies-desk", "--input", ORDER)
    assert told(remit, "log", "verify")["ok"]


def test_a_log_that_would_be_set_back_is_not_signed_on(remit: Command, office: Path, tmp_path: Path) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    told(remit, "run", "supplies-desk", "--input", ORDER)
    old = told(remit, "log", "export", str(tmp_path / "old"))
    refused = remit("database", "restore", str(tmp_path / "copy"), "--because", "the disk broke")
    assert refused.code == 1
    assert "The log would be set back" in refused.err

    # Whoever puts the file back by hand gets no further.
    shutil.copy(tmp_path / "copy" / "remit.db", office / ".remit" / "remit.db")
    refused = remit("run", "supplies-desk", "--input", ORDER)
    assert refused.code == 1
    assert "The log was set back" in refused.err
    doctor = json.loads(remit("doctor", "--json").out)
    assert [each["health"] for each in doctor["checks"] if each["check"] == "log head"] == ["trouble"]

    restarted = told(remit, "log", "restart", "--because", "the disk broke")
    assert (restarted["before"], restarted["name"], restarted["before_size"]) == (
        "starter",
        "starter/2",
        old["entries"],
    )
    told(remit, "run", "supplies-desk", "--input", ORDER)
    refused = remit("database", "restore", str(tmp_path / "copy"), "--because", "once more")
    assert "The copy is of another log 'starter'. 'starter/2' is signed here by now" in refused.err
    assert told(remit, "log", "verify")["origin"] == "starter/2"
    new = told(remit, "log", "export", str(tmp_path / "new"))
    assert verify_export(tmp_path / "old", PublicKey.parse(old["key"])).ok
    assert verify_export(tmp_path / "new", PublicKey.parse(new["key"])).ok
    assert not verify_export(tmp_path / "new", PublicKey.parse(old["key"])).ok
    entries = [json.loads(line) for line in (tmp_path / "new" / "entries.jsonl").read_text("utf-8").splitlines()]
    (continued,) = [entry for entry in entries if entry["kind"] == "log.continued"]
    checkpoint = (tmp_path / "old" / "checkpoint").read_text("utf-8").split("\n")
    assert (continued["before"]["origin"], continued["before"]["size"]) == (checkpoint[0], int(checkpoint[1]))


def test_where_nobody_knows_what_was_signed_somebody_has_to_say(
    remit: Command, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "log", "export", str(tmp_path / "auditors"))
    newest = str(tmp_path / "auditors" / "checkpoint")

    other = tmp_path / "another machine"
    shutil.copytree(office, other, ignore=shutil.ignore_patterns(".remit", "__pycache__"))
    monkeypatch.setenv("REMIT_FLEET", str(other))
    restore = ("database", "restore", str(tmp_path / "copy"), "--because", "the machine burnt")
    assert "The log's key is not here" in remit(*restore).err
    (other / ".remit").mkdir()
    shutil.copy(office / ".remit" / "log.key", other / ".remit" / "log.key")
    assert "Nobody knows what was signed" in remit(*restore).err
    assert "would be set back" in remit(*restore, "--newest-checkpoint", newest).err
    assert not (other / ".remit" / "remit.db").exists(), "nothing was touched"
    restored = told(remit, *restore, "--newest-checkpoint", newest, "--new-log")
    assert (restored["log"], restored["restarted"]["before_size"]) == ("starter/2", 24)
    assert told(remit, "log", "verify")["ok"]


def test_without_the_old_key_the_copy_says_which_it_was(remit: Command, office: Path, tmp_path: Path) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    shutil.rmtree(office / ".remit")
    restored = told(remit, "database", "restore", str(tmp_path / "copy"), "--because", "all gone", "--new-log")
    assert restored["log"] == "starter/2"
    assert told(remit, "log", "verify")["ok"]


def test_a_copy_that_was_altered_is_not_put_back(remit: Command, office: Path, tmp_path: Path) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    before = (office / ".remit" / "remit.db").read_bytes()
    altered = sqlite3.connect(tmp_path / "copy" / "remit.db")
    altered.execute("drop trigger log_no_update")
    altered.execute(
        "update log set body = cast(replace(cast(body as text), '\"at\":1', '\"at\":2') as blob) where leaf_index = 3"
    )
    altered.commit()
    altered.close()
    refused = remit("database", "restore", str(tmp_path / "copy"), "--because", "to see")
    assert refused.code == 1
    assert "not verify" in refused.err or "not the one that was signed" in refused.err
    assert (office / ".remit" / "remit.db").read_bytes()[100:] == before[100:]  # what comes first says how it is opened


def test_a_copy_of_another_cell_and_one_that_broke_off_are_refused(
    remit: Command, office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    assert "there already" in remit("database", "backup", str(tmp_path / "copy")).err
    monkeypatch.setenv("REMIT_NAME", "another")
    assert "of another cell" in remit("database", "restore", str(tmp_path / "copy"), "--because", "to see").err
    monkeypatch.delenv("REMIT_NAME")
    (tmp_path / "copy" / "about.json").unlink()
    assert "There is no copy" in remit("database", "restore", str(tmp_path / "copy"), "--because", "to see").err


def test_a_database_that_somebody_has_open_is_not_replaced(remit: Command, office: Path, tmp_path: Path) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    told(remit, "database", "backup", str(tmp_path / "copy"))
    other = sqlite3.connect(office / ".remit" / "remit.db")
    other.execute("select count(*) from runs").fetchone()
    refused = remit("database", "restore", str(tmp_path / "copy"), "--because", "to see")
    other.close()
    assert "Somebody works with the database" in refused.err


def test_the_status_says_what_there_is_and_what_is_missing(remit: Command, office: Path) -> None:
    assert len(told(remit, "database", "migrate", "--plan")["pending"]) >= 20
    told(remit, "run", "supplies-desk", "--input", ORDER)
    status = told(remit, "database", "status")
    assert (status["dialect"], status["tasks"], status["pending"], status["lag"]) == ("sqlite", 1, [], 0)
    assert status["signed"] == status["entries"] == 13
    assert "SQLite has no roles" in remit("database", "roles").err


def test_a_copy_that_failed_leaves_nothing_in_its_way(remit: Command, office: Path, tmp_path: Path) -> None:
    assert "There is no database" in remit("database", "backup", str(tmp_path / "copy")).err
    told(remit, "run", "supplies-desk", "--input", ORDER)
    assert told(remit, "database", "backup", str(tmp_path / "copy"))["verified"]


def test_what_is_out_of_reach_is_listed_with_who_says_so(remit: Command, office: Path) -> None:
    told(remit, "run", "supplies-desk", "--input", ORDER)
    assert {each["state"] for each in told(remit, "upstreams")} == {"closed"}
    with closing(sqlite3.connect(office / ".remit" / "remit.db")) as database:
        now = SystemClock().now()
        database.execute(
            "insert into executors (id, host, pid, started_at, seen_at) values ('x', 'a', 1, ?, ?)", (now, now)
        )
        database.execute(
            "insert into outages (executor, upstream, since, why) values ('x', 'tools:office', ?, 'refused')", (now,)
        )
        database.commit()
    first, *_ = told(remit, "upstreams")
    assert (first["name"], first["state"], first["parked"]) == ("tools:office", "open", 0)
    assert [(out["host"], out["pid"], out["why"]) for out in first["out_of_reach_for"]] == [("a", 1, "refused")]
    assert "a/1: refused" in remit("upstreams").out


def test_tables_are_brought_up_to_date_by_themselves_or_when_it_is_said(remit: Command, office: Path) -> None:
    applied = told(remit, "database", "migrate")["applied"]
    assert "0001_audit" in applied
    assert told(remit, "database", "migrate")["applied"] == []


@pytest.mark.slow
def test_whoever_operates_can_type_every_command_of_the_page(
    tmp_path: Path, postgresql_server: PostgresServer, postgresql_url: str
) -> None:
    """On a real server, with the roles the page makes: processes at work cannot change the log."""
    page = REPOSITORY / "docs" / "operating.md"
    worker = postgresql_url.replace("postgres@", "remit_worker@")
    with Reader(repository_copy(tmp_path / "remit")) as reader:
        reader.type(
            'export PATH="$PWD/.venv/bin:' + f'{postgresql_server.binaries}:$PATH" REMIT_NAME=remit REMIT_HTTP__PORT=0'
        )
        reader.type(f"export OWNER_URL='{postgresql_url}' WORKER_URL='{worker}' REMIT_FLEET=my-fleet")
        reader.type("remit init my-fleet --owner ann@shop.example >/dev/null")
        reader.read(page)
        typed = [command for block in blocks(page) if block.kind == "sh" for command in block.commands()]
        assert len(typed) >= 15
        reader.type(f"export REMIT_DATABASE_URL='{worker}'")
        reader.type('remit run supplies-desk --input \'{"request": "3 bags of coffee"}\'')
        assert "verified" in reader.type("remit log verify")
        assert "database rights: Remit has the rights it needs" in reader.type("remit doctor")
