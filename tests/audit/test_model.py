"""What may be a log entry, and the leaf it becomes."""

import json

import pytest

from remit.audit import LARGEST_LEAF, LogEntry, make_entry
from remit.audit.model import HEADER_ROOM, leaf_bytes
from remit.core import InputError, IntegrityError, JsonValue
from remit.store import Entry

BODY_ROOM = LARGEST_LEAF - HEADER_ROOM


def test_a_leaf_is_the_entry_with_its_place_in_front() -> None:
    leaf = leaf_bytes(make_entry("run_a", "action.decided", "act_1", 7, {"b": 1, "a": "ü"}), seq=3, index=9)
    assert leaf == '{"stream":"run_a","seq":3,"index":9,"kind":"action.decided","at":7,"a":"ü","b":1}'.encode()


def test_an_entry_without_fields_is_still_json() -> None:
    assert json.loads(leaf_bytes(make_entry("s", "k", "", 0, {}), seq=1, index=0))["kind"] == "k"


@pytest.mark.parametrize("name", ["stream", "seq", "index", "kind", "at"])
def test_a_field_the_log_gives_itself_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=name):
        make_entry("run_a", "k", "", 0, {name: 1})


def test_the_largest_entry_fits_with_any_header() -> None:
    empty = len(make_entry("s", "k", "", 0, {"x": ""}).body)
    entry = make_entry("s" * 300, "k" * 96, "", 2**63 - 1, {"x": "y" * (BODY_ROOM - empty)})
    assert len(leaf_bytes(entry, seq=2**63 - 1, index=2**63 - 1)) <= LARGEST_LEAF


def test_a_larger_entry_is_refused_before_anything_happens() -> None:
    with pytest.raises(InputError, match="too large"):
        make_entry("s", "k", "", 0, {"x": "y" * BODY_ROOM})


@pytest.mark.parametrize(("stream", "kind"), [("", "k"), ("s", ""), ("s" * 400, "k"), ("\x00" * 80, "k")])
def test_a_stream_and_a_kind_are_short_texts(stream: str, kind: str) -> None:
    with pytest.raises(InputError):
        make_entry(stream, kind, "", 0, {})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_is_not_json_is_refused(value: JsonValue) -> None:
    with pytest.raises(InputError, match="not JSON"):
        make_entry("s", "k", "", 0, {"x": value})


@pytest.mark.parametrize("body", [b"[]", b'{"x":\n1}', b'{"x":"' + b"y" * LARGEST_LEAF + b'"}'])
def test_an_entry_made_by_hand_is_checked_again(body: bytes) -> None:
    with pytest.raises(InputError):
        leaf_bytes(Entry("s", "k", "", 0, body), seq=1, index=0)


@pytest.mark.parametrize("leaf", [b"", b"{}", b"[]", b'{"stream":"s"}', b"\xff"])
def test_a_stored_entry_that_is_none_is_not_read(leaf: bytes) -> None:
    with pytest.raises(IntegrityError):
        LogEntry.read(leaf, "act_1")
