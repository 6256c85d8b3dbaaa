"""The guardrails themselves: every value is screened on its way to a tool and on its way back.

What follows from a concern is policy here, the same for every agent: a secret must not go out, a secret that comes
back is removed, personal data and words addressed to the model only label the value.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from remit.core import JsonValue
from remit.guardrails.injection import INJECTION
from remit.guardrails.model import LABELS, Concern, Kind, Rule, Screening, Text
from remit.guardrails.personal import PERSONAL
from remit.guardrails.secrets import SECRET_NAME, SECRETS, hidden, is_password
from remit.guardrails.texts import finder, forms, joined, present, replaced, strings

# A reader needs to know what kind of thing is there, not every place. Counted by rule, so that none hides another.
MOST_PLACES = 5
# A text with more look-alikes than this counts as a hit unproved: proving them all would be the attack.
MOST_CANDIDATES = 1_000

_GAP = "[secret removed: "
NAMED_SECRET = "named-secret"  # noqa: S105  # the name of a rule


class Guardrails:
    """Screens JSON values; has no state but its rules and may be shared."""

    def __init__(self, rules: Sequence[Rule] = (*SECRETS, *PERSONAL, *INJECTION)) -> None:
        self._hints = tuple((finder(rule.hint), rule) for rule in rules)
        self._any = finder("|".join(f"(?:{rule.hint})" for rule in rules))

    def screen_input(self, arguments: JsonValue, *, personal_fields: Collection[str] = ()) -> Screening:
        """Screens what is about to go out; `personal_fields` are dotted paths known to hold personal data."""
        concerns = (*self._declared(arguments, personal_fields), *self._concerns(arguments))
        blocked = next((concern for concern in concerns if concern.kind == "secret"), None)
        return Screening(arguments, concerns, _labels(concerns), blocked)

    def screen_output(self, result: JsonValue, *, personal_fields: Collection[str] = ()) -> Screening:
        """Screens what came back; the screening's value has no recognised secret any more."""
        concerns = (*self._declared(result, personal_fields), *self._concerns(result))
        if any(concern.kind == "secret" for concern in concerns):
            return Screening(self._without_secrets(result), concerns, _labels(concerns))
        return Screening(result, concerns, _labels(concerns))

    def _declared(self, value: JsonValue, fields: Collection[str]) -> tuple[Concern, ...]:
        found = (field for field in fields if present(value, field))
        return tuple(Concern("declared-personal", "personal", "medium", f"$.{field}", "…") for field in found)

    def _concerns(self, value: JsonValue) -> tuple[Concern, ...]:
        concerns: list[Concern] = []
        places: Counter[str] = Counter()
        if not (rules := self._hinted(value)):
            return ()
        for path, key, text in strings(value):
            for concern in _in_string(path, key, text, rules):
                places[concern.rule] += 1
                if places[concern.rule] <= MOST_PLACES:
                    concerns.append(concern)
                else:
                    rules = [rule for rule in rules if rule.name != concern.rule]
        return tuple(concerns)

    def _hinted(self, value: JsonValue) -> list[Rule]:
        """Returns the rules of which some hint stands somewhere in `value`: most often none, and that is quick."""
        text = forms(joined(value))
        # Most text is ASCII, and then both forms are one.
        readings = {text.lowered, text.folded}
        if not any(map(self._any, readings)):
            return []
        return [rule for found, rule in self._hints if any(map(found, readings))]

    def _without_secrets(self, value: JsonValue) -> JsonValue:
        rules = [rule for rule in self._hinted(value) if rule.kind == "secret"]
        return replaced(value, lambda key, text: _cleaned(key, text, rules))


def _in_string(path: str, key: str, raw: str, rules: Sequence[Rule]) -> Iterator[Concern]:
    if _named_secret(key, raw):
        yield Concern(NAMED_SECRET, "secret", "high", path, hidden(raw))
    text = forms(raw)
    told = set[str]()
    for rule in rules:
        if rule.name not in told and (place := next(_places(rule, text), None)):
            told.add(rule.name)
            yield Concern(rule.name, rule.kind, rule.severity, path, rule.excerpt(_subject(rule, text)[place]))


def _named_secret(key: str, text: str) -> bool:
    return bool(key) and SECRET_NAME.fullmatch(key) is not None and is_password(text)


def _subject(rule: Rule, text: Text) -> str:
    return text.raw if rule.form == "raw" else text.lowered if rule.form == "lowered" else text.folded


def _places(rule: Rule, text: Text) -> Iterator[slice]:
    group = "secret" if "secret" in rule.pattern.groupindex else 0
    for number, match in enumerate(rule.pattern.finditer(_subject(rule, text))):
        if number >= MOST_CANDIDATES or rule.proof(match[group]):
            yield slice(*match.span(group))


def _cleaned(key: str, raw: str, rules: Sequence[Rule]) -> str:
    if _named_secret(key, raw):
        return _removed(NAMED_SECRET)
    for rule in rules:
        text = forms(raw)
        parts, end = list[str](), 0
        for place in _places(rule, text):
            parts += (raw[end : place.start], _removed(rule.name))
            end = place.stop
        raw = "".join((*parts, raw[end:]))
    return raw


def _removed(rule: str) -> str:
    return f"{_GAP}{rule}]"


def has_gap(value: JsonValue) -> bool:
    """Whether a secret was taken out somewhere in `value`: what is left of it is not what it was."""
    return _GAP in joined(value)


def _labels(concerns: Sequence[Concern]) -> frozenset[str]:
    kinds: set[Kind] = {concern.kind for concern in concerns}
    # A secret in a result is removed, but where one was recognised another may stand that was not.
    return frozenset(LABELS[kind] for kind in kinds)
