"""What makes texts of people differ: hurried fingers, private data in the wrong place, and habits of writing."""

from random import Random

from remit_fleets.support.tickets.reading import topics_in
from remit_fleets.support.tickets.words import Language

# Numbers that card companies publish for tests: they hold the check digit and belong to nobody.
_TEST_CARDS = ("4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881", "4242 4242 4242 4242")
# Ranges kept free for films and documents, where a country has one.
_PHONES: dict[Language, str] = {
    "en": "+44 1632 960{}",
    "de": "+49 30 23125{}",
    "fr": "+33 1 99 00 0{}",
    "es": "+34 910 555 {}",
    "nl": "+31 20 555 0{}",
}
_IBANS: dict[Language, str] = {
    "en": "IE29 AIBK 9311 52{}",
    "de": "DE89 3704 0044 {}",
    "fr": "FR14 2004 1010 05{}",
    "es": "ES91 2100 0418 45{}",
    "nl": "NL91 ABNA 0417 {}",
}
_SECRETS = ("Sunflower", "Geheim", "Matelot", "Girasol", "Fietsbel", "letmein", "Qwertz", "Marmelade")
_VOWELS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
_SHORTEST_MISSPELLED = 5


def private_data(draw: Random, language: Language) -> dict[str, str]:
    """Returns invented personal data: a phone, an account, a card that may fail its check digit, a password."""
    wrong_card = f"4{draw.randint(100, 999)} {draw.randint(1000, 9999)} {draw.randint(1000, 9999)} 0000"
    return {
        "phone": _PHONES[language].format(draw.randint(100, 999)),
        "iban": _IBANS[language].format(f"{draw.randint(1000, 9999)} {draw.randint(1000, 9999)}"),
        "card": draw.choice(_TEST_CARDS) if draw.random() < 0.5 else wrong_card,
        "secret": f"{draw.choice(_SECRETS)}{draw.randint(10, 2999)}!",
    }


def misspelled(draw: Random, sentence: str) -> str:
    """Returns the sentence with one slip of the fingers, and never with another meaning."""
    words = sentence.split(" ")
    places = [at for at, word in enumerate(words) if len(word) >= _SHORTEST_MISSPELLED and word.isalpha()]
    if not places:
        return sentence
    at = draw.choice(places)
    words[at] = _slip(draw, words[at])
    slipped = " ".join(words)
    return slipped if topics_in(slipped) == topics_in(sentence) else sentence


def _slip(draw: Random, word: str) -> str:
    at = draw.randrange(1, len(word) - 1)
    kind = draw.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[: at + 1] + word[at:]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def spelled_out(text: str) -> str:
    """Returns German text as on a keyboard without umlauts."""
    for vowel, letters in _VOWELS.items():
        text = text.replace(vowel, letters)
    return text


def written(draw: Random, order_id: str) -> str:
    """Returns an order's number in one of the ways people write it."""
    digits = order_id[2:]
    kinds = (order_id, order_id, order_id, f"s{digits}", f"#{order_id}", f"S {digits}", f"s-{digits}")
    return draw.choice(kinds)
