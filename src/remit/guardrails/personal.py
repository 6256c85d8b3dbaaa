"""Personal data that shows by its form: mail address, telephone, card, bank account, social security number."""

import re
from collections.abc import Callable

from remit.guardrails.model import Rule, Severity, always

_LETTERS = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")
_SEPARATORS = str.maketrans("", "", " -.")

# Length of an account number by country, as registered for the IBAN.
_IBAN_REGISTER = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 "
    "GB22 GE22 GI23 GL18 GR27 HR21 HU28 IE22 IL23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 "
    "MK19 MT31 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 XK20"
)
_IBAN_LENGTHS = {item[:2]: int(item[2:]) for item in _IBAN_REGISTER.split()}
# Beginnings and lengths of card numbers by scheme: Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay.
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}",
    re.ASCII,
)


def luhn(digits: str) -> bool:
    """Returns whether the check digit of a card number is right."""
    doubled = (sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def is_card(text: str) -> bool:
    """Returns whether `text` is a card number of a known scheme with the right check digit."""
    digits = text.translate(_SEPARATORS)
    return _CARD.fullmatch(digits) is not None and luhn(digits)


def is_iban(text: str) -> bool:
    """Returns whether `text` begins with an IBAN whose check digits are right (ISO 13616, mod 97)."""
    compact = text.replace(" ", "")
    account = compact[: _IBAN_LENGTHS.get(text[:2], 0)]
    if len(account) < _IBAN_LENGTHS.get(text[:2], len(account) + 1):
        return False
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def shape(text: str) -> str:
    """Returns the form without the content: letters as `x`, digits as `9`."""
    return _DIGIT.sub("9", _LETTERS.sub("x", text[:60]))


def _personal(name: str, severity: Severity, pattern: str, hint: str, proof: Callable[[str], bool] = always) -> Rule:
    return Rule(name, "personal", severity, re.compile(pattern, re.ASCII), shape, hint, proof=proof)


PERSONAL: tuple[Rule, ...] = (
    # The domain is enough to know an address; what stands before the sign only has to be there.
    _personal(
        "mail-address",
        "low",
        r"@(?<=[\w.+%-]@)(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w@])",
        r"@[a-z0-9-]{1,63}\.",
    ),
    _personal(
        "telephone",
        "low",
        r"\+(?<!\w\+)[1-9](?:[ .()/-]{0,2}[0-9]){7,14}(?![0-9])",
        r"\+[1-9](?:[ .()/-]{0,2}[0-9]){7}",
    ),
    _personal(
        "telephone",
        "low",
        r"(?<![\w#.+-])(?:\([0-9]{3}\) ?|[0-9]{3}[-.])[0-9]{3}[-.][0-9]{4}(?![\w-]|\.[0-9])",
        r"[0-9]{3}[-.)] ?[0-9]{3}[-.][0-9]{4}",
    ),
    _personal(
        "card-number",
        "high",
        r"(?<![\w.#+-])[2-6](?:[ -]?[0-9]){12,18}(?![\w-]|\.[0-9])",
        r"[2-6](?:[ -]?[0-9]){12}",
        is_card,
    ),
    _personal(
        "bank-account",
        "high",
        r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}",
        r"[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11}",
        is_iban,
    ),
    _personal(
        "us-social-security",
        "high",
        r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])",
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    ),
)
