"""Whatever is done to an exported log is found: the attacks, each by name, and what only an older checkpoint shows."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.databases import connected

from audit.cells import NAME, Cell, entry, open_cell
from remit.audit import Checkpoint, Proof, Report, SigningKey, sign_note, verify_export, verify_proof
from remit.audit.tree import CompactRange, leaf_hash
from remit.core import InputError, IntegrityError

FIELDS: dict[str, Any] = {
    "decision": "deny",
    "policies": ["refund-limit"],
    "approver": "mail:lena",
    "bundle": "sha256:" + "ab" * 32,
    "arguments": "hmac-sha256:" + "cd" * 32,
    "facts": {"amount": 120, "owner": True},
}


@dataclass
class Exported:
    """An export of twelve entries in two streams, and the key that signed it."""

    folder: Path
    key: SigningKey

    def lines(self) -> list[bytes]:
        return (self.folder / "entries.jsonl").read_bytes().splitlines(keepends=True)

    def write(self, lines: Sequence[bytes]) -> None:
        (self.folder / "entries.jsonl").write_bytes(b"".join(lines))

    def resign(self) -> None:
        """What somebody can do who holds the private key."""
        tree = CompactRange()
        for line in self.lines():
            tree.append(leaf_hash(line[:-1]))
        self.checkpoint(Checkpoint(NAME, tree.size, tree.root()))

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        (self.folder / "checkpoint").write_text(sign_note(checkpoint.text(), self.key), encoding="utf-8")

    def note(self) -> str:
        return (self.folder / "checkpoint").read_text(encoding="utf-8")

    def verify(self, *, since: Sequence[str] = (), proofs: Sequence[str] = ()) -> Report:
        return verify_export(self.folder, self.key.public, since=since, proofs=proofs)


@pytest.fixture
def exported(cell: Cell, tmp_path: Path) -> Exported:
    for number in range(6):
        cell.commit(entry("run_a", number=number, **FIELDS), entry("run_b", number=number, **FIELDS))
    return Exported(cell.export(tmp_path / "export"), cell.key)


def renumbered(lines: Sequence[bytes]) -> list[bytes]:
    """Gives every line the index and seq it would have had."""
    last: dict[str, int] = {}
    result: list[bytes] = []
    for index, line in enumerate(lines):
        value: dict[str, Any] = json.loads(line)
        last[value["stream"]] = last.get(value["stream"], 0) + 1
        value |= {"seq": last[value["stream"]], "index": index}
        result.append(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    return result


def test_an_honest_export_verifies(exported: Exported) -> None:
    report = exported.verify()
    assert (report.ok, report.size, report.origin, report.problems) == (True, 12, NAME, ())


@pytest.mark.parametrize("field", ["stream", "seq", "index", "kind", "at", "tool", "number", *FIELDS])
def test_an_edited_field_is_found(exported: Exported, field: str) -> None:
    lines = exported.lines()
    value: dict[str, Any] = json.loads(lines[4])
    value[field] = value[field] + 1 if isinstance(value[field], int) else "allow"
    lines[4] = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    exported.write(lines)
    assert not exported.verify().ok


def test_a_problem_says_between_which_checkpoints_an_entry_was_changed(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 3)
    early = cell.sign()
    cell.say("run_a", 3)
    exported = Exported(cell.export(tmp_path / "export"), cell.key)
    exported.write([*exported.lines()[:4], exported.lines()[4].replace(b"get", b"set"), exported.lines()[5]])
    assert exported.verify(since=[early]).problems == (
        "the checkpoint was signed over other entries: one from 3 to 5 was changed",
    )


def test_whitespace_in_an_entry_is_an_edit(exported: Exported) -> None:
    lines = exported.lines()
    exported.write([*lines[:3], lines[3].replace(b',"at":', b', "at":'), *lines[4:]])
    assert "entry 3 does not read like a log entry" in exported.verify().problems


Attack = Callable[[list[bytes]], list[bytes]]
ATTACKS: dict[str, tuple[Attack, str]] = {
    "delete one": (lambda lines: lines[:5] + lines[6:], "entry 5 is missing"),
    "delete the first three": (lambda lines: lines[3:], "entry 0 is missing"),
    "delete the first three and re-chain": (lambda lines: renumbered(lines[3:]), "covers 12 entries, the export has 9"),
    "delete one and re-chain": (
        lambda lines: renumbered(lines[:5] + lines[6:]),
        "covers 12 entries, the export has 11",
    ),
    "truncate": (lambda lines: lines[:8], "covers 12 entries, the export has 8"),
    "empty": (lambda lines: [], "covers 12 entries, the export has 0"),
    "reorder": (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "entry 5 stands in its place"),
    "reorder and re-chain": (lambda lines: renumbered([*lines[:4], lines[5], lines[4], *lines[6:]]), "other entries"),
    "duplicate": (lambda lines: [*lines[:4], lines[3], *lines[4:]], "entry 3 stands in its place"),
    "insert and re-chain": (lambda lines: renumbered([*lines[:4], lines[3], *lines[4:]]), "other entries"),
    "append": (lambda lines: renumbered([*lines, lines[0]]), "entries from 12 to 12 are under no checkpoint"),
    "cut the last line": (lambda lines: [*lines[:-1], lines[-1][:-1]], "entry 11 is cut off"),
    "endless line": (lambda lines: [*lines[:2], b"x" * 70_000], "longer than 65535 bytes"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_without_the_private_key_nothing_can_be_changed_unseen(exported: Exported, name: str) -> None:
    attack, words = ATTACKS[name]
    exported.write(attack(exported.lines()))
    assert any(words in problem for problem in exported.verify().problems)


def test_a_checkpoint_signed_by_somebody_else_is_found(exported: Exported) -> None:
    forged = Exported(exported.folder, SigningKey.new(NAME))
    forged.resign()
    assert "not signed by" in exported.verify().problems[0]


def test_a_missing_part_is_found(exported: Exported) -> None:
    (exported.folder / "checkpoint").unlink()
    assert "cannot be read" in exported.verify().problems[0]


@pytest.mark.parametrize("drop", [0, 5, 9])
def test_an_entry_dropped_before_it_was_put_into_the_tree_leaves_a_gap_in_its_stream(
    exported: Exported, drop: int
) -> None:
    # Even the holder of the key, who signs a tree without the entry, cannot make the stream's numbers dense again
    # without editing the entries that follow.
    kept = [json.loads(line) for number, line in enumerate(exported.lines()) if number != drop]
    lines = [
        json.dumps(value | {"index": index}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        for index, value in enumerate(kept)
    ]
    exported.write(lines)
    exported.resign()
    problems = exported.verify().problems
    assert len(problems) == 1
    assert "is due" in problems[0]


REWRITES: dict[str, Attack] = {
    "edit": lambda lines: [lines[0].replace(b"deny", b"allow"), *lines[1:]],
    "delete": lambda lines: renumbered(lines[:5] + lines[6:]),
    "truncate": lambda lines: lines[:8],
    "reorder": lambda lines: renumbered([*lines[:4], lines[5], lines[4], *lines[6:]]),
    "replace the end": lambda lines: renumbered([*lines[:8], *lines[:8]]),
}


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_by_the_holder_of_the_private_key_shows_only_against_a_checkpoint_kept_elsewhere(
    exported: Exported, name: str
) -> None:
    kept = exported.note()
    exported.write(REWRITES[name](exported.lines()))
    exported.resign()
    assert exported.verify().ok
    assert not exported.verify(since=[kept]).ok


def test_a_log_cut_back_to_a_checkpoint_once_signed_shows_only_against_a_later_one(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 3)
    old = Exported(cell.export(tmp_path / "old"), cell.key)
    cell.say("run_a", 3)
    newest = cell.sign()
    assert old.verify().ok
    assert "covers 6 entries, the export has 3" in old.verify(since=[newest]).problems[0]


def test_two_logs_that_went_apart_after_a_restore_are_told_apart(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 3)
    cell.sign()
    with open_cell(tmp_path / "restored", cell.key) as restored:
        source, target = connected(cell.database), connected(restored.database)
        source.backup(target)
        source.close()
        target.close()
        cell.say("run_a", 3, side="one")
        restored.say("run_a", 3, side="other")
        fork = Exported(restored.export(tmp_path / "export"), cell.key)
    assert fork.verify().ok
    assert "signed over other entries" in fork.verify(since=[cell.sign()]).problems[0]


def test_older_checkpoints_of_the_same_log_are_all_contained(cell: Cell, tmp_path: Path) -> None:
    kept: list[str] = []
    for _ in range(5):
        cell.say("run_a", 3)
        kept.append(cell.sign())
    assert Exported(cell.export(tmp_path / "export"), cell.key).verify(since=kept).ok


def test_an_older_checkpoint_that_is_forged_or_empty_is_said_so(exported: Exported) -> None:
    forged = sign_note(Checkpoint(NAME, 3, leaf_hash(b"")).text(), SigningKey.new(NAME))
    empty = sign_note(Checkpoint(NAME, 0, leaf_hash(b"")).text(), exported.key)
    problems = exported.verify(since=[forged, empty]).problems
    assert "older checkpoint 1 does not hold" in problems[0]
    assert "proves nothing" in problems[1]


def test_the_proof_of_one_entry_holds_alone_and_against_the_export(cell: Cell, exported: Exported) -> None:
    proof = cell.log.prove(7).text()
    assert json.loads(verify_proof(proof, cell.key.public).leaf)["index"] == 7
    assert exported.verify(proofs=[proof]).ok


def test_a_proven_entry_that_was_changed_by_the_holder_of_the_key_is_named(cell: Cell, exported: Exported) -> None:
    proof = cell.log.prove(7).text()
    lines = exported.lines()
    exported.write([*lines[:7], lines[7].replace(b"deny", b"allow"), *lines[8:]])
    exported.resign()
    assert "entry 7 is not the one proof 1 proves" in exported.verify(proofs=[proof]).problems
    exported.write(lines[:5])
    exported.resign()
    assert "entry 7, which proof 1 proves, is missing" in exported.verify(proofs=[proof]).problems


def test_a_forged_proof_is_refused(cell: Cell, exported: Exported) -> None:
    proof = cell.log.prove(7)
    forgeries = [
        Proof(7, proof.leaf.replace(b"deny", b"allow"), proof.path, proof.note),
        Proof(6, proof.leaf, proof.path, proof.note),
        Proof(7, proof.leaf, proof.path[::-1], proof.note),
        Proof(7, proof.leaf, proof.path[1:], proof.note),
    ]
    for forged in forgeries:
        with pytest.raises(IntegrityError):
            verify_proof(forged.text(), cell.key.public)
    assert len(exported.verify(proofs=[forged.text() for forged in forgeries]).problems) == len(forgeries)


def test_a_shuffled_log_is_told_in_a_hundred_problems_and_no_more(cell: Cell, tmp_path: Path) -> None:
    cell.commit(*(entry() for _ in range(300)))
    exported = Exported(cell.export(tmp_path / "export"), cell.key)
    exported.write(exported.lines()[::-1])
    assert len(exported.verify().problems) == 101


def test_a_damaged_zip_is_a_finding_not_a_fault(cell: Cell, tmp_path: Path) -> None:
    cell.say("run_a", 50)
    export = cell.export(tmp_path / "export.zip")
    content = bytearray(export.read_bytes())
    content[200] ^= 0xFF
    export.write_bytes(content)
    assert not verify_export(export, cell.key.public).ok


def test_what_is_no_export_at_all_is_used_wrongly(exported: Exported, tmp_path: Path) -> None:
    for wrong in (tmp_path / "nowhere", exported.folder / "README.txt"):
        with pytest.raises(InputError, match="no export"):
            verify_export(wrong, exported.key.public)
    shutil.rmtree(exported.folder)
    with pytest.raises(InputError):
        exported.verify()
