"""Signed notes, checkpoints and proofs are what C2SP says, so that others' tools read ours."""

import pytest

from remit.audit.notes import Checkpoint, Proof, PublicKey, SigningKey, open_checkpoint, open_note, sign_note
from remit.audit.tree import leaf_hash
from remit.core import InputError, IntegrityError, RemitError

# The example in the documentation of Go's sumdb/note, the format's first implementation.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = SigningKey.new("cell.example")
CHECKPOINT = Checkpoint("cell.example", 20852163, leaf_hash(b"root"))


def test_a_note_signed_by_another_implementation_opens() -> None:
    assert open_note(GO_TEXT + "\n" + GO_SIGNATURE, PublicKey.parse(GO_KEY)) == GO_TEXT


def test_a_public_key_reads_back_and_writes_as_others_do() -> None:
    assert PublicKey.parse(GO_KEY).text() == GO_KEY
    assert PublicKey.parse(KEY.public.text()) == KEY.public


def test_a_private_key_reads_back_and_is_not_shown() -> None:
    assert SigningKey.parse(KEY.text()) == KEY
    assert KEY.seed.hex() not in repr(KEY)
    assert str(KEY.seed) not in repr(KEY)


def test_a_private_key_handed_to_an_auditor_is_noticed() -> None:
    with pytest.raises(InputError, match="private key"):
        PublicKey.parse(KEY.text())


@pytest.mark.parametrize(
    "text", ["", "cell", "cell+1234", "a b+00000000+AAAA", GO_KEY[:-4], GO_KEY.replace("c7", "c8")]
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        PublicKey.parse(text)


@pytest.mark.parametrize("name", ["", "two words", "one+one", "line\nbreak", "tab\t", "nbsp\u00a0"])
def test_a_log_name_that_would_break_the_format_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        SigningKey.new(name)


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "", "lone \ud800\n"])
def test_a_text_that_is_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(InputError):
        sign_note(text, KEY)


def test_every_single_changed_character_of_a_note_is_found() -> None:
    note = sign_note(CHECKPOINT.text(), KEY)
    for place, character in enumerate(note):
        other = "A" if character != "A" else "B"
        with pytest.raises(RemitError):
            open_note(note[:place] + other + note[place + 1 :], KEY.public)


def test_a_note_of_another_key_with_the_same_name_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not signed by"):
        open_note(sign_note("text\n", SigningKey.new(KEY.name)), KEY.public)


def test_the_signatures_of_witnesses_are_let_be() -> None:
    note = sign_note("text\n", KEY)
    witness = sign_note("text\n", SigningKey.new("witness.example")).rpartition("\n\n")[2]
    assert open_note(note + witness, KEY.public) == "text\n"


def test_one_wrong_signature_by_our_key_spoils_the_note() -> None:
    other = sign_note("other\n", KEY).rpartition("\n\n")[2]
    with pytest.raises(IntegrityError, match="signature is wrong"):
        open_note(sign_note("text\n", KEY) + other, KEY.public)


def test_a_text_may_hold_empty_lines() -> None:
    assert open_note(sign_note("one\n\ntwo\n", KEY), KEY.public) == "one\n\ntwo\n"


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", "text\n\nnot a signature\n", "x" * 300_000])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(InputError):
        open_note(note, KEY.public)


def test_a_checkpoint_reads_back() -> None:
    assert Checkpoint.parse(CHECKPOINT.text()) == CHECKPOINT
    assert open_checkpoint(sign_note(CHECKPOINT.text(), KEY), KEY.public) == CHECKPOINT


def test_extension_lines_of_a_checkpoint_are_not_looked_at() -> None:
    assert Checkpoint.parse(CHECKPOINT.text() + "extension\n") == CHECKPOINT


@pytest.mark.parametrize(
    ("old", "new"), [("20852163", "020"), ("20852163", "-1"), ("20852163", "٣"), ("=\n", "\n"), ("cell.", "\n")]
)
def test_a_checkpoint_written_otherwise_is_refused(old: str, new: str) -> None:
    with pytest.raises(InputError):
        Checkpoint.parse(CHECKPOINT.text().replace(old, new))


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = Checkpoint("other.example", 1, leaf_hash(b"root"))
    with pytest.raises(IntegrityError, match="another log"):
        open_checkpoint(sign_note(other.text(), KEY), KEY.public)


def test_a_proof_reads_back() -> None:
    proof = Proof(3, b'{"a":1}', [leaf_hash(b"1"), leaf_hash(b"2")], sign_note(CHECKPOINT.text(), KEY))
    assert proof.text().startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert Proof.parse(proof.text()) == proof


@pytest.mark.parametrize("text", ["", "c2sp.org/tlog-proof@v1\nindex 3\n\nnote", "other\nextra YQ==\nindex 3\n\nnote"])
def test_a_proof_without_its_entry_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Proof.parse(text)
