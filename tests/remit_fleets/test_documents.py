"""The shop's database: all of a change or nothing, and calls that cannot be rewritten."""

import sqlite3
from pathlib import Path

import pytest

from remit_fleets.retail.documents import Documents
from remit_fleets.retail.synthetic import documents


def filled(path: Path | str = ":memory:") -> Documents:
    store = Documents(path)
    store.fill(documents())
    return store


def change_and_fail(store: Documents) -> None:
    with store.writing():
        store.put("orders", "#W1001", {})
        raise KeyboardInterrupt


def test_an_interrupted_change_leaves_nothing_behind() -> None:
    store = filled()
    before = store.all("orders")
    with pytest.raises(KeyboardInterrupt):
        change_and_fail(store)
    assert store.all("orders") == before


def test_a_filled_shop_is_not_filled_again() -> None:
    store = filled()
    with store.writing():
        store.put("orders", "#W1001", {"status": "cancelled"})
    store.fill(documents())
    assert store.get("orders", "#W1001") == {"status": "cancelled"}


@pytest.mark.parametrize("statement", ["DELETE FROM calls", "UPDATE calls SET result = '{}'"])
def test_a_recorded_call_can_be_neither_changed_nor_deleted(tmp_path: Path, statement: str) -> None:
    store = filled(tmp_path / "shop.db")
    with store.writing():
        store.record("run_1:1", "cancel_pending_order", {}, {})
    store.close()
    database = sqlite3.connect(tmp_path / "shop.db")
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        database.execute(statement)
    database.close()


def test_two_openings_of_one_file_see_each_others_changes(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "shop.db"), filled(tmp_path / "shop.db")
    with first.writing():
        first.put("orders", "#W1001", {"status": "cancelled"})
    assert second.get("orders", "#W1001") == {"status": "cancelled"}
    first.close()
    second.close()
