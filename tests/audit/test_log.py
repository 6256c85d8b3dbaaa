"""The log numbers, signs and proves what the writer commits, however many processes write."""

import asyncio
import sqlite3
import subprocess
import sys
from concurrent.futures import wait
from pathlib import Path

import pytest
from tests.databases import connected

from audit.cells import Cell, entry, open_cell
from remit.audit import make_entry, open_checkpoint, verify_consistency, verify_export, verify_proof
from remit.audit.tree import CompactRange, leaf_hash
from remit.core import SECOND, ConflictError, InputError, IntegrityError, NotFoundError
from remit.store import Commit, Entry


def root_of_leaves(cell: Cell, size: int) -> bytes:
    tree = CompactRange()
    for leaf in cell.log.leaves(size):
        tree.append(leaf_hash(leaf))
    return tree.root()


def test_entries_are_numbered_densely_in_each_stream_and_in_the_log(cell: Cell) -> None:
    cell.commit(entry("run_a"), entry("run_b"), entry("run_a"))
    cell.commit(entry("run_b"))
    places = [(found.seq, found.index) for name in ("run_a", "run_b") for found in cell.log.entries(name)]
    assert places == [(1, 0), (2, 2), (1, 1), (2, 3)]
    assert cell.log.size() == 4


def test_an_entry_is_found_by_its_ref_and_reads_back_as_said(cell: Cell) -> None:
    cell.commit(make_entry("run_a", "action.decided", "act_1", 42, {"decision": "allow"}))
    found = cell.log.entry_by_ref("act_1")
    assert found is not None
    assert (found.stream, found.seq, found.kind, found.at, found.fields) == (
        "run_a",
        1,
        "action.decided",
        42,
        {"decision": "allow"},
    )
    assert found == cell.log.entry(0)
    assert cell.log.entry_by_ref("act_2") is None


def test_whoever_follows_the_log_gets_the_kinds_asked_for_from_where_they_were(cell: Cell) -> None:
    cell.commit(*(make_entry("run_a", kind, f"r{n}", n, {}) for n, kind in enumerate("abcab")))
    assert [found.ref for found in cell.log.since(1, ["a", "b"], limit=10)] == ["r1", "r3", "r4"]
    assert [found.ref for found in cell.log.since(0, ["a", "b"], limit=2)] == ["r0", "r1"]
    assert cell.log.since(5, ["a"], limit=10) == []


def test_an_entry_that_is_not_there_is_not_found(cell: Cell) -> None:
    with pytest.raises(NotFoundError, match="it has 0"):
        cell.log.entry(0)


def test_an_empty_log_has_nothing_to_sign_or_prove(cell: Cell) -> None:
    assert cell.log.checkpoint_commit() is None
    assert cell.log.latest_checkpoint() is None
    with pytest.raises(ConflictError):
        cell.log.prove_consistency(1)


def test_the_first_batch_is_signed_with_its_entries(cell: Cell) -> None:
    cell.say("run_a")
    assert open_checkpoint(cell.log.latest_checkpoint() or "", cell.key.public).size == 1


def test_within_a_second_nothing_more_is_signed_after_it_everything_is(cell: Cell) -> None:
    cell.say("run_a", 3)
    assert open_checkpoint(cell.log.latest_checkpoint() or "", cell.key.public).size == 1
    cell.clock.moment += SECOND
    cell.say("run_a")
    checkpoint = open_checkpoint(cell.log.latest_checkpoint() or "", cell.key.public)
    assert (checkpoint.size, checkpoint.root) == (4, root_of_leaves(cell, 4))


def test_a_clock_set_back_does_not_stop_the_signing(cell: Cell) -> None:
    cell.say("run_a")
    cell.clock.moment -= 3_600 * SECOND
    cell.say("run_a")
    assert open_checkpoint(cell.log.latest_checkpoint() or "", cell.key.public).size == 2


def test_what_is_left_is_signed_on_command_and_only_once(cell: Cell) -> None:
    cell.say("run_a", 3)
    assert open_checkpoint(cell.sign(), cell.key.public).size == 3
    assert cell.log.checkpoint_commit() is None


def test_an_entry_no_checkpoint_covers_is_proven_after_signing(cell: Cell) -> None:
    cell.say("run_a", 2)
    with pytest.raises(ConflictError, match="No checkpoint covers"):
        cell.log.prove(1)
    cell.sign()
    assert verify_proof(cell.log.prove(1).text(), cell.key.public).leaf == cell.log.entry(1).leaf


def test_proofs_hold_across_complete_and_incomplete_tiles(cell: Cell) -> None:
    for size in (255, 1, 1, 300):
        cell.commit(*(entry(f"run_{number}") for number in range(size)))
    cell.sign()
    for index in (0, 1, 254, 255, 256, 257, 511, 512, 556):
        assert verify_proof(cell.log.prove(index).text(), cell.key.public).index == index


def test_every_older_tree_is_proven_to_be_the_beginning_of_the_newest(cell: Cell) -> None:
    cell.commit(*(entry() for _ in range(600)))
    newest = open_checkpoint(cell.sign(), cell.key.public)
    for old in (1, 2, 255, 256, 257, 511, 512, 599, 600):
        proof = cell.log.prove_consistency(old)
        assert verify_consistency(old, newest.size, root_of_leaves(cell, old), newest.root, proof)


@pytest.mark.slow
def test_tiles_of_the_second_level_are_used_once_complete(cell: Cell) -> None:
    for _ in range(66):
        cell.commit(*(entry() for _ in range(1_000)))
    cell.sign()
    for index in (0, 65_535, 65_536, 65_999):
        assert verify_proof(cell.log.prove(index).text(), cell.key.public).index == index
    connection = connected(cell.database)
    levels = connection.execute("select level, count(*) from log_tiles group by level").fetchall()
    connection.close()
    assert [tuple(row) for row in levels] == [(0, 257), (1, 1)]


def test_an_entry_too_large_for_a_leaf_fails_alone(cell: Cell) -> None:
    large = Entry("run_b", "k", "", 0, b'{"x":"' + b"y" * 70_000 + b'"}')
    good = [cell.writer.submit(Commit([], [entry()])) for _ in range(5)]
    bad = cell.writer.submit(Commit([], [large]))
    good += [cell.writer.submit(Commit([], [entry()])) for _ in range(5)]
    wait([*good, bad])
    assert isinstance(bad.exception(), InputError)
    assert [future.exception() for future in good] == [None] * 10
    assert cell.log.size() == 10


async def test_many_askers_at_once_get_one_dense_log(cell: Cell, tmp_path: Path) -> None:
    asked = (cell.writer.commit(Commit([], [entry(f"run_{n % 7}"), entry("cell")])) for n in range(200))
    await asyncio.gather(*asked)
    assert verify_export(cell.export(tmp_path / "export"), cell.key.public).ok
    assert cell.log.size() == 400


def test_two_writers_on_one_file_keep_one_dense_log(cell: Cell, tmp_path: Path) -> None:
    with open_cell(tmp_path / "cell", cell.key) as other:
        futures = [each.writer.submit(Commit([], [entry("cell")])) for _ in range(300) for each in (cell, other)]
        wait(futures)
        assert [future.exception() for future in futures] == [None] * 600
    assert [found.seq for found in cell.log.entries("cell")] == list(range(1, 601))
    assert verify_export(cell.export(tmp_path / "export"), cell.key.public).ok


_PROCESS = """
import sys
from pathlib import Path
from audit.cells import entry, open_cell
from remit.audit import SigningKey
with open_cell(Path(sys.argv[1]), SigningKey.parse(sys.argv[2])) as cell:
    for _ in range(150):
        cell.commit(entry("cell"), entry(sys.argv[3]))
"""


@pytest.mark.slow
def test_two_processes_on_one_file_keep_one_dense_log(cell: Cell, tmp_path: Path) -> None:
    path = ":".join(path for path in sys.path if path)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(tmp_path / "cell"), cell.key.text(), name], env={"PYTHONPATH": path}
        )
        for name in ("run_a", "run_b")
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert [found.seq for found in cell.log.entries("cell")] == list(range(1, 301))
    report = verify_export(cell.export(tmp_path / "export"), cell.key.public)
    assert (report.problems, report.size) == ((), 600)


@pytest.mark.parametrize(
    "statement",
    [
        "update log set body = x'7b7d' where leaf_index = 0",
        "update log set ref = 'other'",
        "delete from log where leaf_index = 1",
        "insert or replace into log select leaf_index, stream, seq, kind, ref, at, x'7b7d' from log where leaf_index = 0",
        "insert or replace into log select 300, stream, seq, kind, ref, at, x'7b7d' from log where leaf_index = 0",
        "insert into log values (301, 'run_c', 1, 'k', '', 0, x'7b7d')",
        "insert into log values (300, 'run_c', 2, 'k', '', 0, x'7b7d')",
        "update log_tiles set hashes = x''",
        "delete from log_tiles",
        "update log_checkpoints set note = ''",
        "delete from log_checkpoints",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(cell: Cell, statement: str) -> None:
    cell.commit(*(entry() for _ in range(300)))
    connection = connected(cell.database)
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|only at its end"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        "drop trigger log_no_update; update log set body = cast(body || ' ' as blob) where leaf_index = 258",
        "drop trigger log_tiles_no_update; update log_tiles set root = zeroblob(32)",
        "drop trigger log_no_delete; delete from log where leaf_index = 259",
        "update log_head set stack = zeroblob(64)",
        "update log_head set size = 258",
    ],
)
def test_a_log_whose_end_tiles_or_head_were_changed_is_never_signed_again(cell: Cell, damage: str) -> None:
    cell.commit(*(entry() for _ in range(260)))
    connection = connected(cell.database)
    connection.executescript(damage)
    connection.close()
    cell.clock.moment += SECOND
    with pytest.raises(IntegrityError, match="not the one that was signed"):
        cell.say("run_a")
    assert open_checkpoint(cell.log.latest_checkpoint() or "", cell.key.public).size == 260


@pytest.mark.parametrize(
    "damage",
    [
        "drop trigger log_no_update; update log set body = cast(body || ' ' as blob) where leaf_index = 7",
        "drop trigger log_tiles_no_update; update log_tiles set hashes = zeroblob(8192)",
    ],
)
def test_an_entry_changed_behind_remit_is_not_proven_and_the_export_tells(
    cell: Cell, tmp_path: Path, damage: str
) -> None:
    cell.commit(*(entry() for _ in range(260)))
    connection = connected(cell.database)
    connection.executescript(damage)
    connection.close()
    with pytest.raises(IntegrityError, match="entry 7"):
        cell.log.prove(7)
    edited = "set body" in damage
    assert verify_export(cell.export(tmp_path / "export"), cell.key.public).ok is not edited


def test_a_log_signed_with_another_key_is_not_signed_on(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a")
    with open_cell(tmp_path / "cell") as other:
        other.clock.moment += SECOND
        with pytest.raises(IntegrityError, match="not signed by"):
            other.say("run_a")
