"""Secrets do not go out, do not come back, and do not stand in what is told about them."""

import random
import string

import pytest

from remit.guardrails import Guardrails, Label

DRAW = random.Random(7)


def drawn(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(DRAW.choices(alphabet, k=length))


# Joined here from parts, so that scanners of repositories find no key in this file.
SECRETS = {
    "aws-access-key": "AKIA" + drawn(16, string.ascii_uppercase + "234567"),
    "github-token": "gh" + "p_" + drawn(36),
    "gitlab-token": "glpat" + "-" + drawn(20),
    "slack-token": "xox" + "b-2345678901-" + drawn(24),
    "slack-webhook": "hooks.slack" + ".com/services/T02AB3CD4/B05EF6GH7/" + drawn(24),
    "remit-token": "rm" + "t_" + drawn(12, string.ascii_lowercase + string.digits) + "_" + drawn(43),
    "stripe-key": "sk" + "_live_" + drawn(24),
    "model-provider-key": "sk-" + "ant-api03-" + drawn(60) + "9",
    "google-key": "AI" + "za" + drawn(35),
    "jwt": "eyJ" + drawn(33) + ".eyJ" + drawn(60) + "." + drawn(43),
    "private-key": "-----BEGIN "
    + "RSA PRIVATE KEY-----\n"
    + drawn(64)
    + "\n"
    + drawn(40)
    + "\n-----END RSA PRIVATE KEY-----",
}
WRITTEN = {
    "password": ("password: {}", "Tr0ub4dor&3x"),
    "bearer-token": ("Authorization: Bearer {}", drawn(32) + "7"),
    "password-in-address": ("postgres://remit:{}@db.internal/remit", "k9Xw2mQz"),
}


@pytest.fixture(scope="module")
def guardrails() -> Guardrails:
    return Guardrails()


@pytest.mark.parametrize("rule", SECRETS)
def test_a_key_of_known_form_blocks_an_action_and_is_named_without_being_told(
    guardrails: Guardrails, rule: str
) -> None:
    secret = SECRETS[rule]

    screening = guardrails.screen_input({"mail": {"lines": ["hello", f"use {secret} for now"]}})

    assert screening.blocked is not None
    assert screening.blocked.rule == rule
    assert screening.blocked.where == "$.mail.lines[1]"
    assert Label.SECRET in screening.labels
    assert secret[6:] not in f"{screening.concerns}"


@pytest.mark.parametrize("rule", SECRETS)
def test_a_key_of_known_form_is_taken_out_of_a_result_and_the_rest_stays(guardrails: Guardrails, rule: str) -> None:
    result = {"text": f"before {SECRETS[rule]} after", "left": [1, None, True, "as it was"]}

    screening = guardrails.screen_output(result)

    assert screening.value == {"text": f"before [secret removed: {rule}] after", "left": [1, None, True, "as it was"]}
    assert screening.blocked is None
    assert SECRETS[rule] in result["text"]


@pytest.mark.parametrize("rule", WRITTEN)
def test_a_password_next_to_its_name_is_taken_out_alone(guardrails: Guardrails, rule: str) -> None:
    sentence, secret = WRITTEN[rule]

    screening = guardrails.screen_output(sentence.format(secret))

    assert screening.value == sentence.format(f"[secret removed: {rule}]")


@pytest.mark.parametrize("words", ["the password is {}", "The password is: {}", "password = {}"])
def test_a_password_is_taken_out_however_a_sentence_names_it(guardrails: Guardrails, words: str) -> None:
    screening = guardrails.screen_output(words.format("Tr0ub4dor&3x"))

    assert screening.value == words.format("[secret removed: password]")


@pytest.mark.parametrize("name", ["password", "db_password", "apiKey", "x-api-key", "clientSecret", "access_token"])
def test_a_value_is_a_secret_by_its_name(guardrails: Guardrails, name: str) -> None:
    screening = guardrails.screen_output({name: "hunter2hunter", "id": "hunter2hunter"})

    assert screening.value == {name: "[secret removed: named-secret]", "id": "hunter2hunter"}


def test_a_secret_inside_a_result_that_is_json_text_is_taken_out(guardrails: Guardrails) -> None:
    screening = guardrails.screen_output('{"user": "ann", "password": "Tr0ub4dor&3x", "age": 7}')

    assert screening.value == '{"user": "ann", "password": "[secret removed: password]", "age": 7}'


def test_a_secret_that_is_a_key_of_an_object_is_taken_out_and_no_value_is_lost(guardrails: Guardrails) -> None:
    first, second = "gh" + "p_" + drawn(36), "gh" + "p_" + drawn(36)

    screening = guardrails.screen_output({first: 1, second: 2})

    assert screening.value == {
        "[secret removed: github-token]": 1,
        "[secret removed: github-token] (another)": 2,
    }
    assert {concern.where for concern in screening.concerns} == {"$.*"}


def test_a_private_key_without_its_end_is_taken_out_whole(guardrails: Guardrails) -> None:
    body = drawn(64)

    screening = guardrails.screen_output(f"-----BEGIN EC PRIVATE KEY-----\n{body}\n{body}")

    assert body not in str(screening.value)


@pytest.mark.parametrize(
    "text",
    [
        "Please reset my password: it expired last week",
        "The password is forgotten",
        "password: ********",
        "A risk-assessment and task-management-of-many-things-at-once",
        "sk-learn-style-estimators-are-documented",
        "AKIA is a prefix; AKIAAAAAAAAAAAAAAAAA is not a key",
        "next_page_token",
        "order #W2378156, item 1151293680, tracking 843053632392",
        "https://shop.example:8443/orders?page=2",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "0197e1c2-5a31-7c1e-9d4e-6f0b6f3a2c11",
    ],
)
def test_ordinary_text_holds_no_secret(guardrails: Guardrails, text: str) -> None:
    assert guardrails.screen_input({"note": text}).blocked is None


def test_what_pages_are_turned_with_is_left_alone(guardrails: Guardrails) -> None:
    result = {"items": 3, "next_token": drawn(40), "cursor": drawn(40)}

    assert guardrails.screen_output(result).value is result


def test_no_number_of_other_hits_hides_a_secret(guardrails: Guardrails) -> None:
    mails = [f"customer{i}@shop.example" for i in range(500)]

    screening = guardrails.screen_input({"mails": mails, "note": SECRETS["github-token"]})

    assert screening.blocked is not None
    assert len(screening.concerns) < 20
