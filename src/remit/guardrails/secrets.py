"""Secrets: keys of well-known form, private keys, passwords written next to their name."""

import math
import re
from collections import Counter

from remit.guardrails.model import Rule

# Shannon bits per character; words and placeholders such as `xxxxxxxx` lie below, drawn keys above.
RANDOM_KEY = 2.8
RANDOM_PASSWORD = 2.3

# Names under which a value is a secret by name. A bare `token` is not among them: it is what pages are turned with.
_NAMES = (
    r"pass(?:word|wd|phrase|wort)|pwd|(?:client|app|shared)[_ -]?secret|secret[_ -]?(?:access[_ -]?)?key|"
    r"api[_ -]?key|(?:access|refresh|auth|api|id)[_ -]?token|private[_ -]?key"
)
SECRET_NAME = re.compile(rf"[\w-]{{0,24}}?(?:{_NAMES})", re.IGNORECASE)


def entropy(text: str) -> float:
    """Returns the Shannon entropy of the characters of `text`, in bits per character."""
    counts = Counter(text[:256])
    total = counts.total()
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def _drawn(text: str) -> bool:
    return entropy(text) >= RANDOM_KEY


def _drawn_with_digits(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text) and _drawn(text[3:])


def is_password(text: str) -> bool:
    """Returns whether `text`, standing where a password stands, is one rather than a word or a placeholder."""
    mixed = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    return len(text) >= 8 and mixed and not any(c.isspace() for c in text) and entropy(text) >= RANDOM_PASSWORD


def _beginning(text: str) -> str:
    return f"{text[:4]}… ({len(text)} characters)"


def hidden(text: str) -> str:
    """Returns only how long the secret is."""
    return f"… ({len(text)} characters)"


def _key(name: str, pattern: str, hint: str, *, digits: bool = False) -> Rule:
    return Rule(
        name=name,
        kind="secret",
        severity="high",
        pattern=re.compile(pattern, re.ASCII),
        excerpt=_beginning,
        hint=hint,
        proof=_drawn_with_digits if digits else _drawn,
    )


# A look-behind keeps a pattern from starting again inside a long run it has just refused (linear time).
_START = r"(?<![A-Za-z0-9_-])"

SECRETS: tuple[Rule, ...] = (
    _key("aws-access-key", r"(?<![A-Za-z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])", "a[ks]ia[a-z2-7]{16}"),
    _key("github-token", r"(?<![A-Za-z0-9])gh[opsur]_[A-Za-z0-9]{36,255}", "gh[opsur]_[a-z0-9]{36}"),
    _key("github-token", r"(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{50,255}", "github_pat_"),
    _key("gitlab-token", r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,255}", "glpat-"),
    _key("slack-token", r"(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{20,255}", r"xox[a-z]-[a-z0-9-]{20}", digits=True),
    _key("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{20,255}", r"hooks\.slack\.com/"),
    _key("remit-token", r"(?<![A-Za-z0-9])rmt_[a-z0-9]{12}_[A-Za-z0-9]{43}(?![A-Za-z0-9])", r"rmt_[a-z0-9]{12}_"),
    _key("stripe-key", r"(?<![A-Za-z0-9])[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}", r"[rs]k_(?:live|test)_"),
    _key("model-provider-key", _START + r"sk-[A-Za-z0-9_-]{20,255}+", r"sk-[a-z0-9_-]{20}", digits=True),
    _key("google-key", r"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", r"aiza[a-z0-9_-]{35}"),
    _key(
        "jwt", _START + r"eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+", r"eyj[a-z0-9_-]{8,}\.eyj"
    ),
    Rule(
        name="private-key",
        kind="secret",
        severity="high",
        # To the end line; without one, up to the next dashes: rather too much than the rest of a key.
        pattern=re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]++|-(?!----))*+(?:-----END[^-]{0,60}-----)?"
        ),
        excerpt=hidden,
        hint=r"-----begin [a-z ]{0,40}private key",
    ),
    Rule(
        name="password",
        kind="secret",
        severity="medium",
        pattern=re.compile(
            rf"(?:{_NAMES})[\"'\\]{{0,3}}(?:\s{{0,3}}[:=]>?|\s{{1,3}}is\b:?)[\s\"'\\]{{0,4}}"
            rf"(?P<secret>[^\s\"'\\,;<>\[\](){{}}]{{8,255}}+)"
        ),
        excerpt=hidden,
        hint=_NAMES,
        form="lowered",
        proof=is_password,
    ),
    Rule(
        name="bearer-token",
        kind="secret",
        severity="high",
        pattern=re.compile(r"\bbearer\s{1,3}(?P<secret>[a-z0-9._~+/=-]{20,4096}+)"),
        excerpt=hidden,
        hint=r"bearer\s{1,3}[a-z0-9._~+/=-]{20}",
        form="lowered",
        proof=_drawn_with_digits,
    ),
    Rule(
        name="password-in-address",
        kind="secret",
        severity="high",
        pattern=re.compile(r"://[^\s/:@]{1,64}+:(?P<secret>[^\s/:@]{3,200}+)@"),
        excerpt=hidden,
        hint=r"://[^\s/:@]{1,64}:[^\s/:@]{3,200}@",
    ),
)
