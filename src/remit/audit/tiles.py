"""Tiles: 256 neighbouring hashes in one row, stored once complete, so that a proof reads a handful of rows.

What is not yet a complete tile is put together from below: leaf hashes from the entries, the others from the roots
of the tiles one level down. So a stored tile never changes.
"""

from collections.abc import Callable, Mapping, Sequence

from remit.audit.tree import CompactRange, leaf_hash, split_hashes, subtree_root, subtree_roots
from remit.core import IntegrityError
from remit.store import Query, Row, Transaction, Value, load_queries

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

Rows = Callable[[Query, Mapping[str, Value]], Sequence[Row]]
_SQL = load_queries("remit.audit")


class Tiles:
    """Reads subtree hashes through `rows`, each tile once."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._seen: dict[tuple[int, int], list[bytes]] = {}

    def node(self, height: int, number: int) -> bytes:
        """Returns the root of a complete subtree: the `Nodes` that proofs are made from."""
        level, above = divmod(height, TILE_HEIGHT)
        tile, offset = divmod(number << above, TILE_WIDTH)
        return subtree_root(self.hashes(level, tile)[offset : offset + (1 << above)])

    def range(self, size: int) -> CompactRange:
        """Returns the tree of the first `size` leaves, as the stored hashes give it."""
        return CompactRange(size, subtree_roots(self.node, 0, size))

    def hashes(self, level: int, tile: int) -> list[bytes]:
        """Returns the hashes of one tile, as many as there are."""
        if (level, tile) not in self._seen:
            stored = self._rows(_SQL["tile"], {"level": level, "number": tile})
            self._seen[level, tile] = split_hashes(stored[0]["hashes"]) if stored else self._below(level, tile)
        return self._seen[level, tile]

    def _below(self, level: int, tile: int) -> list[bytes]:
        span = {"first": tile * TILE_WIDTH, "end": (tile + 1) * TILE_WIDTH}
        if level == 0:
            return [leaf_hash(row["body"]) for row in self._rows(_SQL["leaves"], span)]
        return [row["root"] for row in self._rows(_SQL["tile_roots"], {"level": level - 1, **span})]


class Margin:
    """The leaf hashes of the tile that is not complete yet, remembered from one batch to the next.

    Another process may have appended since, or a batch have been undone: so they are used only where they give the very
    hashes that the tree's head has at its end, and read anew otherwise. An entry that is changed in the database meanwhile
    gets into no tile; that it was changed is found where it is read: by a proof of it, or when the log is verified.
    """

    def __init__(self) -> None:
        self._hashes: list[bytes] = []

    def of(self, tree: CompactRange, rows: Rows) -> list[bytes]:
        """Returns the leaf hashes of the last tile of `tree`, none where it is complete."""
        many = tree.size % TILE_WIDTH
        if not many:
            return []
        if not self._is_of(tree):
            self._hashes = Tiles(rows).hashes(0, tree.size // TILE_WIDTH)[:many]
            if not self._is_of(tree):
                raise contradiction(f"tile {tree.size // TILE_WIDTH}")
        return list(self._hashes)

    def add(self, before: int, hashes: Sequence[bytes]) -> None:
        """Remembers leaves that were added to a tree of `before` leaves."""
        if len(self._hashes) != before % TILE_WIDTH:  # of another tree: `of` finds out when it matters
            self._hashes = []
        self._hashes.extend(hashes)
        del self._hashes[: len(self._hashes) // TILE_WIDTH * TILE_WIDTH]

    def _is_of(self, tree: CompactRange) -> bool:
        if len(self._hashes) != tree.size % TILE_WIDTH:
            return False
        last = CompactRange()
        for each in self._hashes:
            last.append(each)
        return tree.stack[-len(last.stack) :] == last.stack


def complete_tiles(transaction: Transaction, tree: CompactRange, fresh: Sequence[bytes], margin: Margin) -> None:
    """Stores the tiles that become complete when leaves with the hashes `fresh` are added to `tree`."""
    before, after, level = tree.size // TILE_WIDTH, (tree.size + len(fresh)) // TILE_WIDTH, 1
    if before < after:  # only then it has to be known what the incomplete tile has
        hashes = [*margin.of(tree, transaction.rows), *fresh]
        for number in range(after - before):
            _store(transaction, 0, before + number, hashes[number * TILE_WIDTH : (number + 1) * TILE_WIDTH])
    margin.add(tree.size, fresh)
    while (first := before // TILE_WIDTH) < (end := after // TILE_WIDTH):
        tiles = Tiles(transaction.rows)
        for number in range(first, end):
            _store(transaction, level, number, tiles.hashes(level, number))
        before, after, level = first, end, level + 1


def _store(transaction: Transaction, level: int, number: int, hashes: Sequence[bytes]) -> None:
    tile = {"level": level, "number": number, "hashes": b"".join(hashes), "root": subtree_root(hashes)}
    transaction.run(_SQL["insert_tile"], [tile])


def contradiction(which: str) -> IntegrityError:
    """Returns what is said of a log that was changed in its database."""
    return IntegrityError(
        "The stored log is not the one that was signed",
        which=which,
        why="an entry, a tile or the head was changed behind Remit",
        hint="Keep the file as evidence; restore it, and start a new log if the restored one is older",
    )
