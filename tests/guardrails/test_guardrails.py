"""Screening as a whole: quiet on real conversations, linear on hostile text, cheap on what is usual."""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.guardrails import Guardrails

GUARDRAILS = Guardrails()
MIB = 1 << 20
NOTE = (
    "The customer would like to exchange the mechanical keyboard for one with clicky switches, and the thermostat for "
    "one compatible with Google Home instead of Apple HomeKit. "
)
USUAL = {
    "order_id": "#W2378156",
    "item_ids": ["1151293680", "4983901480"],
    "new_item_ids": ["7706410293", "7747408585"],
    "payment_method_id": "credit_card_9513926",
    "note": NOTE * 2,
}
HOSTILE = [
    "sk-",
    "eyJaaaaaaaaaa.eyJaaaaaaaaaa! ",
    "-----BEGIN PRIVATE KEY-----",
    "password = ",
    "bearer aaaaaaaaaaaaaaaaaaaaaaaa ",
    "a@a.",
    "4111 ",
    "DE00 ",
    "ignore all the your ",
    '"name":"a","arguments":',
    "Ｉｇｎｏｒｅ ",
    "\u200b",
    "\ufdfa",
    "\u0130",
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def seconds(act: Callable[[], object], times: int = 1) -> float:
    """Returns the best of five of what `act` costs this process; the machine may be busy with others."""
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        for _ in range(times):
            act()
        best = min(best, (time.process_time() - begin) / times)
    return best


def conversations() -> Iterator[Any]:
    folder = os.environ.get("REMIT_SHARED_DATA")
    if not folder:
        pytest.skip("REMIT_SHARED_DATA names no folder with recorded conversations")
    path = Path(folder) / "tau_retail" / "runs_gpt-4o-2024-11-20_toolcalling.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            for event in json.loads(line)["events"]:
                yield from (event[part] for part in ("text", "args", "result") if part in event)


def test_recorded_retail_conversations_hold_mail_addresses_and_nothing_else() -> None:
    texts = list(conversations())
    found = Counter(concern.rule for text in texts for concern in GUARDRAILS.screen_output(text).concerns)

    assert len(texts) > 2_000
    assert set(found) == {"mail-address"}
    assert found["mail-address"] == sum("@" in json.dumps(text) for text in texts)


@given(values)
def test_a_value_without_secrets_comes_back_itself_and_screening_again_finds_the_same(value: Any) -> None:
    screening = GUARDRAILS.screen_output(value)

    assert screening.value is value or any(concern.kind == "secret" for concern in screening.concerns)
    assert GUARDRAILS.screen_input(value).concerns == screening.concerns


@given(values, st.sampled_from(["ghp_" + "a1B2c3D4e5" * 4, "password: Tr0ub4dor&3x"]))
def test_a_secret_is_found_wherever_it_stands_and_is_gone_afterwards(value: Any, secret: str) -> None:
    cleaned = GUARDRAILS.screen_output({"a": [value, f" {secret} "], "b": value}).value

    assert GUARDRAILS.screen_input([value, {"deep": secret}]).blocked is not None
    assert secret not in json.dumps(cleaned, ensure_ascii=False)
    assert GUARDRAILS.screen_input(cleaned).blocked is None


def test_the_usual_costs_little_more_than_to_write_it_down() -> None:
    written = seconds(lambda: json.dumps(USUAL), times=200)
    assert seconds(lambda: GUARDRAILS.screen_input(USUAL), times=200) < 6 * written


def test_a_mebibyte_of_ordinary_text_costs_about_what_it_takes_to_write_it_down() -> None:
    text = {"text": (NOTE * (MIB // len(NOTE) + 1))[:MIB]}

    assert seconds(lambda: GUARDRAILS.screen_output(text)) < 5 * seconds(lambda: json.dumps(text))


@pytest.mark.slow
@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(part: str) -> None:
    def repeated(size: int) -> str:
        return part * (size // len(part.encode()))

    small, large = repeated(MIB // 8), repeated(MIB)
    short, long = (seconds(lambda text=text: GUARDRAILS.screen_output(text)) for text in (small, large))

    written = seconds(lambda: json.dumps(repeated(MIB)))
    assert long < 24 * short + 5 * written
    assert long < 150 * written
