"""What is remembered of the tile that is not complete: it spares reading, and never stands for another log."""

from collections.abc import Mapping, Sequence

import pytest

from remit.audit.tiles import TILE_WIDTH, Margin
from remit.audit.tree import CompactRange, leaf_hash
from remit.core import IntegrityError
from remit.store import Query, Row, Value

LEAVES = [f"leaf {number}".encode() for number in range(2 * TILE_WIDTH)]


class Stored:
    """Leaves as a database has them; counts how often they are read."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = list(leaves)
        self.reads = 0

    def rows(self, query: Query, parameters: Mapping[str, Value]) -> list[Row]:
        if query.name.endswith(".tile"):
            return []
        self.reads += 1
        first = int(str(parameters["first"]))
        return [{"body": leaf} for leaf in self.leaves[first : first + TILE_WIDTH]]

    def tree(self) -> CompactRange:
        tree = CompactRange()
        for leaf in self.leaves:
            tree.append(leaf_hash(leaf))
        return tree


@pytest.mark.parametrize("size", [1, 100, TILE_WIDTH - 1, TILE_WIDTH + 3])
def test_what_was_kept_is_not_read_again(size: int) -> None:
    stored, margin = Stored(LEAVES[:size]), Margin()
    margin.add(0, [leaf_hash(leaf) for leaf in stored.leaves])
    assert margin.of(stored.tree(), stored.rows) == [
        leaf_hash(leaf) for leaf in LEAVES[size // TILE_WIDTH * 256 : size]
    ]
    assert stored.reads == 0


@pytest.mark.parametrize(
    ("kept", "there"),
    [
        pytest.param(LEAVES[:70], LEAVES[:70] + LEAVES[80:90], id="another process has appended"),
        pytest.param(LEAVES[:70], LEAVES[:50] + LEAVES[80:100], id="another batch stands, as long as ours"),
        pytest.param(LEAVES[:70], LEAVES[:60], id="the batch was undone"),
        pytest.param(LEAVES[:70], LEAVES[: TILE_WIDTH + 70], id="as many leaves of a later tile"),
        pytest.param([], LEAVES[:5], id="a process that has just begun"),
    ],
)
def test_what_is_of_another_tree_is_read_anew(kept: list[bytes], there: list[bytes]) -> None:
    stored, margin = Stored(there), Margin()
    margin.add(0, [leaf_hash(leaf) for leaf in kept])
    begin = len(there) // TILE_WIDTH * TILE_WIDTH
    assert margin.of(stored.tree(), stored.rows) == [leaf_hash(leaf) for leaf in there[begin:]]
    assert stored.reads == 1


def test_nothing_is_left_over_of_a_complete_tile() -> None:
    stored, margin = Stored(LEAVES[:TILE_WIDTH]), Margin()
    margin.add(0, [leaf_hash(leaf) for leaf in stored.leaves])
    assert margin.of(stored.tree(), stored.rows) == []
    assert stored.reads == 0


@pytest.mark.parametrize("stored", [LEAVES[:69], [*LEAVES[:69], b"another"]], ids=["removed", "changed"])
def test_entries_that_are_not_those_under_the_head_get_into_no_tile(stored: list[bytes]) -> None:
    with pytest.raises(IntegrityError, match="not the one that was signed"):
        Margin().of(Stored(LEAVES[:70]).tree(), Stored(stored).rows)
