"""The Merkle tree of RFC 9162 section 2.1: hashes, compact ranges, inclusion and consistency proofs. Pure.

Proofs are made from complete subtrees, which the caller hands in as a function (`Nodes`), so that this file need not
know where hashes are kept.
"""

import hashlib
from collections.abc import Callable, Sequence

from remit.core import InputError, IntegrityError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Nodes = Callable[[int, int], bytes]
"""`nodes(height, number)` is the root of the complete subtree over leaves number·2^height to (number+1)·2^height."""


def leaf_hash(leaf: bytes) -> bytes:
    """Returns the hash of one leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Returns the hash of two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A growing tree, of which only the roots of its complete subtrees are kept, the largest first."""

    def __init__(self, size: int = 0, stack: Sequence[bytes] = ()) -> None:
        if len(stack) != size.bit_count() or not _are_hashes(stack):
            raise IntegrityError("This is not the head of a tree", why=f"{size} leaves do not give these hashes")
        self.size = size
        self.stack = list(stack)

    @classmethod
    def from_bytes(cls, size: int, content: bytes) -> "CompactRange":
        """Reads what `to_bytes` wrote."""
        return cls(size, split_hashes(content))

    def to_bytes(self) -> bytes:
        """Returns the stack as bytes; the size is kept beside it."""
        return b"".join(self.stack)

    def append(self, leaf: bytes) -> None:
        """Adds one leaf by its hash."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self.stack.pop(), node)
            size >>= 1
        self.stack.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Returns the tree's root."""
        return _fold(self.stack) if self.stack else EMPTY_ROOT


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Returns the root over 2^n hashes of one level."""
    level = list(hashes)
    if len(level).bit_count() != 1:
        raise IntegrityError("A subtree is incomplete", why=f"it has {len(level)} hashes")
    while len(level) > 1:
        pairs = iter(level)
        level = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return level[0]


def subtree_roots(nodes: Nodes, start: int, end: int) -> list[bytes]:
    """Returns the roots of the complete subtrees over leaves `start` to `end`, the largest first.

    `start` is 0 or where a tree of RFC 9162 splits, so each subtree begins at a multiple of its width.
    """
    roots: list[bytes] = []
    while start < end:
        height = (end - start).bit_length() - 1
        roots.append(nodes(height, start >> height))
        start += 1 << height
    return roots


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Returns the path from leaf `index` up to the root of the first `size` leaves."""
    if not 0 <= index < size:
        raise InputError("There is no such leaf", which=str(index), why=f"the tree has {size}")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_fold(subtree_roots(nodes, middle, end)))
            end = middle
        else:
            path.append(_fold(subtree_roots(nodes, start, middle)))
            start = middle
    return path[::-1]


def consistency_proof(nodes: Nodes, old_size: int, size: int) -> list[bytes]:
    """Returns the proof that the tree of `size` leaves begins with the tree of `old_size`."""
    if not 0 < old_size <= size:
        raise InputError("There is no consistency proof", why=f"from {old_size} to {size} leaves")
    start, end = 0, size
    path: list[bytes] = []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_fold(subtree_roots(nodes, middle, end)))
            end = middle
        else:
            path.append(_fold(subtree_roots(nodes, start, middle)))
            start = middle
    if start > 0:
        path.append(_fold(subtree_roots(nodes, start, end)))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Tells whether `path` proves that the leaf with hash `leaf` stands at `index` in the tree (section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *path]):
        return False
    number, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Tells whether `path` proves that the tree only grew (section 2.1.4.2); an empty tree proves nothing."""
    if not 0 < old_size <= size or not _are_hashes([old_root, root, *path]):
        return False
    if old_size == size:
        return not path and old_root == root
    if not path:
        return False
    first, *rest = path if old_size.bit_count() > 1 else [old_root, *path]
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old_node = node = first
    for sibling in rest:
        if last == 0:
            return False
        if number & 1 or number == last:
            old_node, node = node_hash(sibling, old_node), node_hash(sibling, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and old_node == old_root and node == root


def split_hashes(content: bytes) -> list[bytes]:
    """Returns the hashes that lie one after another in `content`."""
    return [content[start : start + HASH_BYTES] for start in range(0, len(content), HASH_BYTES)]


def _fold(roots: Sequence[bytes]) -> bytes:
    node = roots[-1]
    for left in reversed(roots[:-1]):
        node = node_hash(left, node)
    return node


def _split(width: int) -> int:
    """Returns the largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
