"""Words in data that address the model: orders to drop its own, forged roles and tool calls, invisible text.

A hit proves nothing, and a text without one is not harmless; that is why it only labels the value as untrusted.
"""

import re
from collections.abc import Callable

from remit.guardrails.model import Rule, Severity

# Between two words: at most a few characters that are no letters, so that "**ignore** _previous_" is still read.
_GAP = r"[\W_]{1,8}"
_END = r"(?![a-z0-9])"
_FILLER = (
    rf"(?:(?:all|any|every|the|of|your|my|our|these|those|to|about|and|everything|alle|meine|deine|die|ihre|"
    rf"toutes|tous|les|vos|tes|todas|todos|las|los|tus|sus){_GAP}){{0,5}}"
)
_BEFORE = (
    r"(?:previous|prior|above|earlier|preceding|former|foregoing|existing|system|initial|original|safety|"
    r"vorherigen?|bisherigen?|obigen|pr[eé]c[eé]dentes?|anteriores|previas)"
)
_ORDERS = (
    r"(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|commands?|constraints?|"
    r"polic(?:y|ies)|anweisung(?:en)?|befehle?|regeln|consignes|instrucciones|reglas)"
)
_DROP = (
    r"(?:ignor(?:e|iere?|ez|a)|disregard|forget|override|bypass|discard|vergiss|vergessen sie|oublie[zr]?|olvida|"
    r"omite)"
)


def _show(text: str) -> str:
    return " ".join(text.split())[:80]


def _ends(text: str) -> str:
    words = text.split()
    return " ".join((*words[:2], "…", *words[-1:]))[:80]


def _length(text: str) -> str:
    return f"… ({len(text)} characters)"


def _code_points(text: str) -> str:
    return f"U+{ord(text[0]):04X} and {len(text) - 1} more invisible characters"


def _phrase(name: str, severity: Severity, pattern: str, excerpt: Callable[[str], str] = _show) -> Rule:
    hint = pattern.replace(_END, "")  # it looks around
    return Rule(name, "injection", severity, re.compile(pattern, re.ASCII), excerpt, hint, form="folded")


# The flags of England, Scotland and Wales are the only ones spelt in tag characters.
_FLAGS = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in f"{region}\x7f") for region in ("gbeng", "gbsct", "gbwls")
)


def _no_flag(text: str) -> bool:
    return text not in _FLAGS


INJECTION: tuple[Rule, ...] = (
    _phrase(
        "drops-instructions",
        "high",
        rf"{_DROP}{_GAP}{_FILLER}(?:{_BEFORE}{_GAP}{_FILLER}{_ORDERS}|{_ORDERS}{_GAP}{_FILLER}{_BEFORE}){_END}|"
        rf"{_DROP}{_GAP}(?:all{_GAP}(?:of{_GAP})?)?your{_GAP}(?:instructions|prompt|guidelines){_END}",
    ),
    _phrase(
        "asks-for-prompt",
        "high",
        rf"(?:reveal|print|repeat|show|output|display|leak|tell{_GAP}me|what{_GAP}(?:is|are)){_GAP}{_FILLER}"
        rf"(?:system|hidden|initial|original|secret){_GAP}(?:prompt|instructions?|message){_END}",
    ),
    _phrase(
        "new-instructions",
        "medium",
        rf"(?:(?:new|updated|revised|important|urgent|special){_GAP}(?:system{_GAP})?(?:instructions?|directives?)"
        rf"{_GAP}(?:for|to){_GAP}(?:the{_GAP})?(?:ai|assistant|agent|model|llm|chatbot){_END}|"
        rf"(?:attention|note|message){_GAP}(?:(?:for|to){_GAP})?(?:the{_GAP}|any{_GAP})?"
        rf"(?:llm|language{_GAP}model|ai{_GAP}(?:assistant|agent|model|system|reader))s?{_END})",
    ),
    _phrase(
        "new-role",
        "medium",
        rf"(?:you{_GAP}(?:are{_GAP}now|will{_GAP}now{_GAP}(?:be|act{_GAP}as))|pretend{_GAP}(?:to{_GAP}be|you{_GAP}are)|"
        rf"du{_GAP}bist{_GAP}jetzt){_GAP}(?:\w{{1,20}}{_GAP}){{0,3}}"
        rf"(?:ai|assistant|model|chatbot|bot|agent|dan|mode|jailbroken|unrestricted|administrator|root){_END}",
        excerpt=_ends,
    ),
    _phrase(
        "jailbreak",
        "medium",
        rf"(?:jailbreak|do{_GAP}anything{_GAP}now|developer{_GAP}mode{_GAP}(?:on|enabled)){_END}",
    ),
    _phrase(
        "keeps-from-user",
        "medium",
        rf"(?:do{_GAP}not|don{_GAP}t|never|without){_GAP}(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|notify(?:ing)?|"
        rf"alert(?:ing)?|ask(?:ing)?){_GAP}(?:(?:this|it|that|anything){_GAP}to{_GAP})?(?:the{_GAP}|your{_GAP})"
        rf"(?:user|human|operator|supervisor|owner){_END}",
    ),
    _phrase(
        "forged-role",
        "high",
        r"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|start_header_id|eot_id|begin_of_text)\|?>?|"
        r"\[/?inst\]|<</?sys>>|</?(?:system|assistant|developer)(?:_prompt|_message)?>|"
        r"(?:^|\n)\W{0,6}(?:system|assistant|developer)(?: (?:prompt|message|note|override))?\W{0,4}:\s{0,4}"
        rf"(?:you|ignore|from now|the user|new|override|important|always|never|disregard|i will|sure){_END}",
    ),
    _phrase(
        "forged-tool-call",
        "high",
        r"<\W?(?:tool_call|function_call|tool_use|invoke|antml)|\"(?:tool_calls|function_call)\"\s{0,4}:\s{0,4}[\[{]|"
        r"\"name\"\s{0,4}:\s{0,4}\"[\w.-]{1,64}\"\s{0,4},\s{0,4}\"(?:arguments|parameters)\"\s{0,4}:\s{0,4}\{",
        excerpt=_length,
    ),
    Rule(
        "invisible-text",
        "injection",
        "high",
        # One joiner or mark is orthography; a run of them, or any tag character outside a flag, is a hidden message.
        re.compile(
            f"{'|'.join(_FLAGS)}|[\U000e0000-\U000e007f]{{1,4096}}+|[\u202d\u202e]|"
            "[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff]{4,4096}+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,4096}+"
        ),
        _code_points,
        hint=(
            "[\U000e0000-\U000e007f\u202d\u202e]|[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff]{4}|"
            "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3}"
        ),
        proof=_no_flag,
    ),
)
