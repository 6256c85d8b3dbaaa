"""Questions and verdicts as they are written down: nothing that a verdict depends on is lost on the way."""

import json
import zlib
from dataclasses import fields
from decimal import Decimal

import pytest

from policy.refund_fleet import LEE, TIM, TOM, approved, bundle, refund
from remit.core import IntegrityError, canonical_bytes
from remit.policy import Policy, Question, question_record, read_question, unpack, verdict_record

policy = Policy()
FULL = refund(
    300,
    facts={"recipients": 3, "kind": "new", "score": 0.25},
    subject="outside",
    confidence=Decimal("0.70"),
    approval=approved(LEE, TIM),
    hops=2,
    intent="Größe ✓",
    spent_today=None,
    refused_before=True,
)
AS_PERSON = refund(None, person=TOM.id, roles=TOM.roles, confidence=Decimal(-1))


@pytest.mark.parametrize("question", [refund(), FULL, AS_PERSON], ids=["plain", "full", "as a person"])
def test_a_question_is_read_back_from_its_canonical_bytes_as_it_was(question: Question) -> None:
    record = json.loads(canonical_bytes(question_record(question)))
    again = read_question(record, question.arguments)
    assert again == question
    assert str(again.confidence) == str(question.confidence)
    assert record.keys() == {field.name for field in fields(Question)} - {"arguments"}


def test_a_question_kept_before_a_no_of_people_was_written_down_is_one_without() -> None:
    record = question_record(refund())
    del record["refused_before"]
    assert read_question(record, refund().arguments) == refund()


@pytest.mark.parametrize("amount", [10, 300, 3_000, 9_000, None])
def test_a_question_read_back_gets_the_same_verdict_from_a_bundle_unpacked(amount: float | None) -> None:
    asked, kept = refund(amount, confidence=Decimal("0.9")), bundle()
    again = read_question(json.loads(canonical_bytes(question_record(asked))), asked.arguments)
    before, now = policy.judge(kept, asked), policy.judge(unpack(kept.packed), again)
    assert canonical_bytes(verdict_record(now)) == canonical_bytes(verdict_record(before))


def test_a_verdict_is_written_with_every_rung_its_policies_and_who_may_answer() -> None:
    record = verdict_record(policy.judge(bundle(), refund(300)))
    assert record["rung"] == "ask"
    assert [(rung["rung"], rung["allowed"]) for rung in record["rungs"]] == [("autonomous", False), ("ask", True)]
    assert record["override"][0] == [{"role": "finance-lead", "count": 1}]


@pytest.mark.parametrize("packed", [b"", b"noise", zlib.compress(b"{"), zlib.compress(b"[]"), zlib.compress(b"{}")])
def test_what_is_no_packed_bundle_is_an_integrity_error(packed: bytes) -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        unpack(packed)
    assert unpack(bundle().packed).digest == bundle().digest
