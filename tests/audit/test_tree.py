"""The tree agrees with the reference vectors of RFC 6962, and refuses what proves nothing."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from remit.audit.tree import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)
from remit.core import InputError, IntegrityError

_SHARED = os.environ.get("REMIT_SHARED_DATA")
needs_vectors = pytest.mark.skipif(not _SHARED, reason="REMIT_SHARED_DATA is not set: no RFC 6962 vectors here")
LEAVES = [leaf_hash(bytes([number])) for number in range(37)]


def node(height: int, number: int) -> bytes:
    return subtree_root(LEAVES[number << height : (number + 1) << height])


def root_of(leaves: Sequence[bytes]) -> bytes:
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def vectors(name: str) -> list[dict[str, Any]]:
    file = Path(_SHARED or "") / "merkle" / "rfc6962_vectors.json"
    return json.loads(file.read_text(encoding="utf-8"))[name]


def decoded(values: Sequence[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or ()]


@needs_vectors
def test_the_roots_are_those_of_the_reference() -> None:
    inputs: Any = vectors("leaf_inputs_hex")
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    roots = [root_of(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    assert roots == vectors("root_hashes_hex_by_size")


@needs_vectors
def test_inclusion_agrees_with_every_reference_case() -> None:
    for case in vectors("inclusion"):
        leaf, root = decoded([case["leafHash"], case["root"]])
        holds = verify_inclusion(case["leafIdx"], case["treeSize"], leaf, decoded(case["proof"]), root)
        assert holds is not case["wantErr"], case["file"]


@needs_vectors
def test_consistency_agrees_with_every_reference_case_that_uses_real_hashes() -> None:
    for case in vectors("consistency"):
        old_root, root = decoded([case["root1"], case["root2"]])
        holds = verify_consistency(case["size1"], case["size2"], old_root, root, decoded(case["proof"]))
        # One case accepts two equal roots that are no hashes at all; we insist on 32 bytes.
        real = len(old_root) == len(root) == 32
        assert holds is (real and not case["wantErr"]), case["file"]


def test_an_empty_tree_has_the_hash_of_nothing_as_root() -> None:
    assert CompactRange().root() == EMPTY_ROOT


def test_a_tree_read_back_goes_on_where_it_was() -> None:
    for size in range(len(LEAVES)):
        tree = CompactRange()
        for leaf in LEAVES[:size]:
            tree.append(leaf)
        again = CompactRange.from_bytes(size, tree.to_bytes())
        for leaf in LEAVES[size:]:
            again.append(leaf)
        assert again.root() == root_of(LEAVES)


@pytest.mark.parametrize(("size", "content"), [(1, b""), (2, b"\x00" * 64), (1, b"\x00" * 31), (0, b"\x00" * 32)])
def test_a_head_whose_hashes_do_not_fit_its_size_is_refused(size: int, content: bytes) -> None:
    with pytest.raises(IntegrityError):
        CompactRange.from_bytes(size, content)


def test_every_entry_is_proven_in_every_tree_that_has_it_and_nowhere_else() -> None:
    for size in range(1, len(LEAVES) + 1):
        root = root_of(LEAVES[:size])
        for index in range(size):
            path = inclusion_proof(node, index, size)
            assert verify_inclusion(index, size, LEAVES[index], path, root)
            assert not verify_inclusion((index + 1) % size, size, LEAVES[index], path, root) or size == 1
            assert not verify_inclusion(index, size, LEAVES[index - 1], path, root) or size == 1


def test_every_tree_is_proven_to_begin_with_every_smaller_one() -> None:
    roots = [root_of(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
    for size in range(1, len(LEAVES) + 1):
        for old in range(1, size + 1):
            path = consistency_proof(node, old, size)
            assert verify_consistency(old, size, roots[old], roots[size], path)
            assert not verify_consistency(old, size, roots[old - 1], roots[size], path)
            assert not verify_consistency(old, size, roots[old], roots[size], [*path, EMPTY_ROOT])


def test_an_empty_tree_proves_nothing() -> None:
    assert not verify_inclusion(0, 0, LEAVES[0], [], LEAVES[0])
    assert not verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 3, EMPTY_ROOT, root_of(LEAVES[:3]), [])


def test_hashes_of_another_length_are_refused() -> None:
    assert not verify_inclusion(0, 1, b"", [], b"")
    assert not verify_consistency(1, 1, b"", b"", [])
    assert not verify_inclusion(0, 2, LEAVES[0], [b"short"], root_of(LEAVES[:2]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_proof_is_made_of_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(InputError):
        inclusion_proof(node, index, size)


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (0, 0)])
def test_no_proof_is_made_from_an_empty_or_larger_tree(old: int, size: int) -> None:
    with pytest.raises(InputError):
        consistency_proof(node, old, size)
