"""Properties of the log, for whatever the machine thinks of."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.sample import examples

from audit.cells import NAME, entry, open_cell
from remit.audit import (
    Checkpoint,
    Proof,
    SigningKey,
    open_checkpoint,
    sign_note,
    verify_consistency,
    verify_export,
    verify_inclusion,
    verify_proof,
)
from remit.audit.model import leaf_bytes
from remit.audit.tree import CompactRange, consistency_proof, inclusion_proof, leaf_hash, node_hash, subtree_root

KEY = SigningKey.new(NAME)
LINES = [leaf_bytes(entry(f"run_{n % 3}", number=n), seq=n // 3 + 1, index=n) + b"\n" for n in range(40)]
HASHES = [leaf_hash(bytes([n % 256, n // 256])) for n in range(700)]


def tree_of(leaves: Sequence[bytes]) -> CompactRange:
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree


def rebuilt(leaves: Sequence[bytes]) -> bytes:
    """The root as RFC 9162 defines it, by recursion."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(rebuilt(leaves[:split]), rebuilt(leaves[split:]))


def node(height: int, number: int) -> bytes:
    return subtree_root(HASHES[number << height : (number + 1) << height])


def problems(lines: Sequence[bytes]) -> Sequence[str]:
    """Verifies `lines` under the checkpoint that was signed over LINES."""
    root = tree_of([leaf_hash(line[:-1]) for line in LINES]).root()
    with tempfile.TemporaryDirectory() as folder:
        note = sign_note(Checkpoint(NAME, len(LINES), root).text(), KEY)
        Path(folder, "checkpoint").write_text(note, encoding="utf-8")
        Path(folder, "entries.jsonl").write_bytes(b"".join(lines))
        return verify_export(Path(folder), KEY.public).problems


@given(size=st.integers(1, len(HASHES)))
@settings(deadline=None)
def test_the_growing_root_is_the_rebuilt_root(size: int) -> None:
    assert tree_of(HASHES[:size]).root() == rebuilt(HASHES[:size])


@given(st.data())
@settings(deadline=None)
def test_every_inclusion_proof_verifies_and_no_other_entry_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(HASHES)))
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_proof(node, index, size), rebuilt(HASHES[:size])
    assert verify_inclusion(index, size, HASHES[index], path, root)
    other = data.draw(st.integers(0, len(HASHES) - 1).filter(lambda number: number != index))
    assert not verify_inclusion(index, size, HASHES[other], path, root)


@given(st.data())
@settings(deadline=None)
def test_every_consistency_proof_verifies_and_no_other_beginning_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(HASHES)))
    old = data.draw(st.integers(1, size))
    path, root = consistency_proof(node, old, size), rebuilt(HASHES[:size])
    assert verify_consistency(old, size, rebuilt(HASHES[:old]), root, path)
    forked = [*HASHES[: old - 1], leaf_hash(b"another")]
    assert not verify_consistency(old, size, rebuilt(forked), root, path)


@given(st.data())
@settings(deadline=None)
def test_any_changed_byte_of_an_export_is_found(data: st.DataObject) -> None:
    content = bytearray(b"".join(LINES))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    assert problems([bytes(content)])


@given(st.lists(st.sampled_from(LINES), max_size=2 * len(LINES)).filter(lambda lines: lines != LINES))
@settings(deadline=None)
def test_any_other_choice_or_order_of_entries_is_found(lines: list[bytes]) -> None:
    assert problems(lines)


@given(st.permutations(LINES).filter(lambda lines: lines != LINES))
@settings(deadline=None)
def test_any_other_order_of_all_entries_is_found(lines: list[bytes]) -> None:
    assert problems(lines)


@given(st.text(max_size=300), st.binary(max_size=300))
@settings(deadline=None)
def test_nothing_anybody_writes_into_an_export_stops_the_verifier(note: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "checkpoint").write_bytes(note.encode("utf-8", "surrogatepass"))
        Path(folder, "entries.jsonl").write_bytes(content)
        assert not verify_export(Path(folder), KEY.public, since=[note], proofs=[note]).ok


@given(
    st.lists(st.lists(st.sampled_from(["run_a", "run_b", "cell"]), min_size=1, max_size=120), min_size=1, max_size=6)
)
@settings(deadline=None, max_examples=examples(25))
def test_a_log_of_any_batches_verifies_whole_and_entry_by_entry(batches: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_cell(Path(folder), KEY) as cell:
        for batch in batches:
            cell.commit(*(entry(stream) for stream in batch))
        size = sum(map(len, batches))
        checkpoint = open_checkpoint(cell.sign(), KEY.public)
        assert checkpoint.root == rebuilt([leaf_hash(leaf) for leaf in cell.log.leaves(size)])
        assert verify_export(cell.export(Path(folder, "export")), KEY.public).ok
        for index in range(0, size, 17):
            proof: Proof = cell.log.prove(index)
            assert verify_proof(proof.text(), KEY.public) == proof
