"""What a message to a customer claims, read from its words in five languages: amounts, numbers, and what was done.

Only what is written in figures, and only the verbs that are listed. Whoever is told something else than the shop's
records say is told it in a sentence that has none of these; that the words are few and plain is what makes it testable.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Claim = Literal[
    "refund",
    "shipped",
    "arrived",
    "cancel",
    "close",
    "block",
    "delete",
    "address",
    "email",
    "change",
    "reset",
    "invoice",
    "take_over",
    "person",
]
"""That it was done, or is so: `change` is of something that is not named, `person` that a person did it, `shipped` and
`arrived` of an order."""

# English, German, French, Spanish, Dutch; a message is looked through for all of them, whatever language it is in.
_DONE: dict[Claim, str] = {
    "refund": r"refunded|reimbursed|(?:paid|given|transferred) back|credited|(?:we|i|will|shall|'ll) refund"
    r"|(?:issued|sent|paid)(?: \w+)? (?:a|the|your|full) refund|(?:full |your )?refund (?:has been|was|is)"
    r"|(?:zurück)?erstattet|(?:zurück)?erstatten|zurückgezahlt|(?:zurück)?überwiesen|gutgeschrieben"
    r"|rembours(?:ée?s?|ons|er|erons)|(?:re)?créditée?s?"
    r"|reembols(?:ad[oa]s?|amos|aremos|ar)|abonado|devuelto (?:el dinero|el importe|\d)"
    r"|terug(?:betaald|betalen|gestort|gegeven)|overgemaakt|gecrediteerd"
    r"|(?:money|amount|sum|geld|betrag|argent|montant|somme|dinero|importe|bedrag)"
    r" (?:has been|have been|was|is|ist|wurde|a été|est|ha sido|fue|está|werd)(?: \w+)?"
    r" (?:returned|back|on its way|zurück\w*|unterwegs|retournée?|rendue?|en route|devuelto|en camino|terug\w*|onderweg)",
    "shipped": r"shipped|dispatched|on (?:its|the) way|unterwegs|verschickt|abgeschickt|en route|expédiée?s?"
    r"|en camino|onderweg|verzonden",
    "arrived": r"arrived|delivered|angekommen|zugestellt|geliefert|arrivée?s?|livrée?s?|llegó|llegado"
    r"|entregad[oa]s?|aangekomen|bezorgd|geleverd",
    "cancel": r"cancell?ed|storniert|annulée?s?|(?:cancel|anul)ad[oa]s?|geannuleerd"
    r"|(?:cancellation|stornierung|annulation|cancelación|annulering) (?:has been|was|is|ist|wurde|est|a été|está)(?: \w+)?"
    r" (?:confirmed|completed?|done|bestätigt|abgeschlossen|confirmée|effectuée|confirmada|completada|bevestigd|voltooid)",
    "close": r"closed|geschlossen|(?:fermé|clôturé)e?s?|cerrad[oa]s?|gesloten|opgeheven",
    "block": r"blocked|locked|gesperrt|bloquée?s?|bloquead[oa]s?|geblokkeerd",
    "delete": r"deleted|erased|gelöscht|(?:supprimé|effacé)e?s?|(?:elimin|borr)ad[oa]s?|verwijderd|gewist",
    "take_over": r"taken over|passed (?:it|this|your \w+) (?:on )?to|forwarded|übernommen|weitergeleitet"
    r"|repris(?:e)? (?:votre|ta)|prise? en charge|transmise?|hecho cargo|transferid[oa]|overgenomen|doorgestuurd",
}
_CHANGED = (
    r"changed|updated|replaced|geändert|aktualisiert|(?:modifié|changé|remplacé)e?s?|mise?s? à jour"
    r"|(?:cambi|actualiz|modific)ad[oa]s?|gewijzigd|aangepast|bijgewerkt|veranderd"
)
_SENT = (
    r"(?:e-?mailed|sent)|geschickt|gesendet|versandt|zugesandt|(?:envoyé|expédié)e?s?|enviad[oa]s?"
    r"|(?:toe)?gestuurd|verstuurd|verzonden"
)
_RESET = r"reset|zurückgesetzt|réinitialisée?s?|restablecid[oa]s?|opnieuw ingesteld|unlocked|entsperrt"
_EMAIL = r"e-?mail\w*|mail(?: address|adress\w*|adres)|courriel|correo"
_ADDRESS = r"(?:post|liefer)?(?:address|anschrift|adresse|adres)|dirección"
_PASSWORD = r"password|passwor(?:t|ts)|kennwort|mot de passe|contraseña|wachtwoord"  # noqa: S105  words
_INVOICE = r"invoice|rechnung|facture|factura|factuur"
_PERSON = (
    r"(?:person|human|colleague)\b[^.;!?]* did (?:this|it|that)"
    r"|das war ein mensch|ein mensch\b[^.;!?]* hat (?:das|es) (?:getan|gemacht)"
    r"|(?:personne|humain)\b[^.;!?]* qui l'a fait|l[oa] ha hecho una persona|(?:dat|dit) deed een mens"
)
_NOT = (
    r"not|\w+n't|never|no|nothing|cannot|without|unable|nicht|nichts|nie|kein\w*|ohne|pas|jamais|rien|aucune?|sans"
    r"|nunca|nada|ningun\w*|ningún|sin|niet|niets|nooit|geen|zonder"
)
# An order that is going to arrive has not done so.
_WILL = r"will|to be|should|expected|wird|werden|soll|sera|seront|devrait|será|serán|debería|wordt|worden|zal"
_ORDER = r"orders?|parcel|package|bestellung|paket|sendung|commande|colis|pedido|paquete|bestelling|pakket|s-\d+"
# Of a customer a message asks none of these, and it asks with one of those.
_PRIVATE = (
    r"pass(?:word|wor(?:t|ts)|phrase|code)|kennwort|mots? de passe|contraseñas?|wachtwoord(?:en)?|pin(?:-?(?:code|nummer))?|code pin"
    r"|cvv|cvc|security code|sicherheitscode|card (?:number|details)|number of your (?:credit )?card"
    r"|(?:kredit)?karten(?:nummer|daten)|numéro de (?:votre |la )?carte|número de (?:su |la )?tarjeta|kaart(?:nummer|gegevens)"
    r"|login details|credentials|zugangsdaten|identifiants|credenciales|inloggegevens"
)
_ASKS = (
    r"(?:tell|give|send|share with|forward) (?:us|me)|let us know|reply with|we (?:need|require)|what is your|confirm your"
    r"|(?:nennen|schicken|senden|geben|teilen|verraten|bestätigen) sie uns|(?:nennen|bestätigen) sie(?: bitte)? ihr\w*"
    r"|wir (?:brauchen|benötigen)|wie lautet"
    r"|(?:donnez|envoyez|indiquez|communiquez|transmettez)-nous|(?:indiquez|communiquez|confirmez) votre"
    r"|nous (?:donner|envoyer|indiquer|communiquer|transmettre)|(?:nous )?avons besoin|quel est votre"
    r"|(?:díga|indíque|envíe|comuníque|facilíte|dé)nos|(?:indique|confirme|facilite) su|necesitamos|cuál es su"
    r"|(?:stuur|geef|vertel|meld|noem) ons|(?:bevestig|vermeld|noem) uw|(?:wij|we) hebben (?:uw|je|jouw)|wat is uw"
)
# No claims, although they have their words.
_IDIOMS = re.compile(r"(?:keep|kept) (?:you |everyone )?updated|changed? your mind")
_AND = r"and|but|or|then|und|aber|oder|et|mais|ou|y|pero|o|en|maar|of"
# Between a "not" and the verb it denies there are at most so many words, and no other part of the sentence begins.
_REACH = 3
# In characters; a "not" farther away denies nothing.
_FARTHEST = 200
_LIKE = r"looks? like|such as|sieht aus wie|wie zum beispiel|ressemble|par exemple|es como|por ejemplo|lijkt op|zoals"

_NUMBER = r"\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)"
_AMOUNT = re.compile(rf"(?:€|\beur)\s?({_NUMBER})|(?<![\w.,-])({_NUMBER})\s?(?:€|euros?\b|eur\b)")
_BARE = re.compile(
    rf"(?<![\w.,-])({_NUMBER})(?![\w%-])(?!\s?(?:%|€|eur|percent|prozent|days?|tage?n?|jours?|días?|dagen|(?:work|bus|werk|ouv|háb)))"
)
_FOREIGN = re.compile(r"[$£¥]\s?\d|\d\s?(?:[$£¥]|(?:usd|gbp|chf|dollars?|pounds?)\b)")
# Such an amount is what something is a part of: "10.00 EUR of the 45.00 EUR you paid".
_WHOLE = re.compile(r"(?:of|from) the|von (?:den|insgesamt)|sur les|de los|van de")
_IDS = re.compile(r"\b(?:[SRCPT]-[0-9][0-9a-z-]*|TRK[0-9]+)\b", re.IGNORECASE)
_DATES = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
# It begins where a word does: else a long word would be tried from each of its letters.
_MAILS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# A mail program makes a link of a bare name, too; what stands after an @ is looked at as an address.
_LINKS = re.compile(
    r"\b(?:https?|ftp|mailto|tel|sms):|\bwww\.|(?<![\w@.+-])(?:[a-z0-9][\w-]*\.)+[a-z]{2,}(?![\w.+-]*@)\b"
)
_SENTENCES = re.compile(r"[.!?:](?=\s|$)|;|\n")
_DENIED, _TO_COME = (
    re.compile(rf"\b(?:{words})\b(?P<between>(?:\W+\w+){{0,{_REACH}}}?)\W+$") for words in (_NOT, f"{_NOT}|{_WILL}")
)
# Where an order is, it is an order that is spoken of; and no money is.
_OF_AN_ORDER: frozenset[Claim] = frozenset(("shipped", "arrived"))
_PATTERNS: dict[Claim, re.Pattern[str]] = {claim: re.compile(rf"\b(?:{words})(?!\w)") for claim, words in _DONE.items()}
_WORDS = {
    name: re.compile(rf"\b(?:{words})(?!\w)")
    for name, words in {
        "changed": _CHANGED,
        "sent": _SENT,
        "reset": _RESET,
        "email": _EMAIL,
        "address": _ADDRESS,
        "password": _PASSWORD,
        "invoice": _INVOICE,
        "person": _PERSON,
        "not": _NOT,
        "and": _AND,
        "will": _WILL,
        "order": _ORDER,
        "like": _LIKE,
        "secret": _PRIVATE,
        "asks": _ASKS,
    }.items()
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: what it claims was done, and the amounts in cents, numbers and dates it names."""

    claims: frozenset[Claim]
    amounts: frozenset[int]
    paid_back: frozenset[int]
    """The amounts it says were paid back, when it claims a refund."""
    numbers: frozenset[str]
    """Of orders, refunds, customers, payments, tickets and parcels."""
    dates: frozenset[str]
    mails: frozenset[str]
    denies: bool
    """Whether it says of something that it is not so, or only gives an example."""
    is_foreign: bool
    """Whether it names an amount in another currency, or a link."""
    asks_secret: bool
    """Whether it asks for a password, a PIN or the number of a card."""


def sentences(text: str) -> list[Sentence]:
    """Returns what each sentence of a text says."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return [_read(part.strip()) for part in _SENTENCES.split(plain.replace("’", "'")) if part.strip()]


def in_cents(number: str) -> int:
    """Returns a written amount in cents: `12.34`, `12,3`, `1.234,50`, `1 234`."""
    whole, _, part = re.sub(r"['\u00a0\u202f ]", "", number).replace(",", ".").rpartition(".")
    if not whole or len(part) > 2:
        whole, part = whole + part, ""
    return int(whole.replace(".", "")) * 100 + int(part.ljust(2, "0") or 0)


def _read(sentence: str) -> Sentence:
    words = sentence.casefold()
    claims = _claims(words)
    named = _IDS.sub(" ", _DATES.sub(" ", _MAILS.sub(" ", words)))
    amounts = {in_cents(found[1] or found[2]) for found in _AMOUNT.finditer(named)}
    return Sentence(
        claims=claims,
        amounts=frozenset(amounts),
        paid_back=_paid_back(named) if "refund" in claims else frozenset(),
        numbers=frozenset(number.upper() for number in _IDS.findall(_MAILS.sub(" ", sentence))),
        dates=frozenset(_DATES.findall(words)),
        mails=frozenset(_MAILS.findall(words)),
        denies=bool(_WORDS["not"].search(words) or _WORDS["like"].search(words)),
        is_foreign=bool(_FOREIGN.search(words) or _LINKS.search(words)),
        asks_secret=bool(_WORDS["secret"].search(words)) and _says(_WORDS["asks"], words),
    )


def _claims(words: str) -> frozenset[Claim]:
    is_of_order = bool(_WORDS["order"].search(words)) and not _AMOUNT.search(words)
    words = _IDIOMS.sub(" ", words)
    claims: set[Claim] = {
        claim for claim, pattern in _PATTERNS.items() if claim not in _OF_AN_ORDER and _says(pattern, words)
    }
    if is_of_order:
        claims |= {claim for claim in _OF_AN_ORDER if _says(_PATTERNS[claim], words, _TO_COME)}
    has_mail = bool(_WORDS["email"].search(words))
    if _says(_WORDS["changed"], words):
        has_address = bool(_WORDS["address"].search(_WORDS["email"].sub(" ", words)))
        claims.add("email" if has_mail else "address" if has_address else "change")
    sent = _says(_WORDS["sent"], words)
    if _WORDS["password"].search(words) and (sent or _says(_WORDS["reset"], words)):
        claims.add("reset")
    if sent and _WORDS["invoice"].search(words):
        claims.add("invoice")
    if _WORDS["person"].search(words):
        claims.add("person")
    return frozenset(claims)


def _says(pattern: re.Pattern[str], words: str, unless: re.Pattern[str] = _DENIED) -> bool:
    """Whether one of the verbs stands there without a "not" that belongs to it."""
    return any(not _is_denied(words[: found.start()], unless) for found in pattern.finditer(words))


def _is_denied(before: str, unless: re.Pattern[str]) -> bool:
    found = unless.search(before[-_FARTHEST:].rpartition(",")[2])
    return found is not None and not _WORDS["and"].search(found["between"])


def _paid_back(named: str) -> frozenset[int]:
    found = {
        in_cents(one[1] or one[2]) for one in _AMOUNT.finditer(named) if not _WHOLE.search(named[: one.start()][-16:])
    }
    without = _AMOUNT.sub(" ", named)
    # A number without a currency is an amount here, too, unless it is a year.
    bare = {in_cents(one[1]) for one in _BARE.finditer(without) if not re.fullmatch(r"20\d\d|\d", one[1])}
    return frozenset(found | bare)
