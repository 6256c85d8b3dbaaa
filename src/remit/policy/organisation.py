"""Policies written as Cedar: the built-in ones and the platform team's files. Forbids only, each read with suspicion.

Cedar's validator does not see everything that makes a forbid silently not hold; `_lints` adds what it misses.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from remit.contracts import Finding, OrgPolicy
from remit.policy.cedar import Est, Schema, entities_named, parse_policy, text_problems
from remit.policy.expressions import did_you_mean
from remit.policy.model import Note
from remit.policy.schema import NAMESPACE

BUILTIN = OrgPolicy(
    path="remit/builtin.cedar", text=Path(__file__).with_name("builtin.cedar").read_text(encoding="utf-8")
)
RESERVED = ("remit/", "agent/")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")
# A string, a comment, the end of a policy, or anything else.
_LEXEME = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|\n|[^";\n/]+|.', re.DOTALL)
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "neg": "-", "offset": ".offset"}
_ACCESS = (".", "has")
_RECORDS = ("input", "facts", "session", "system")
# The validator's words for a policy about actions nothing can take.
_NO_ACTION = "unable to find an applicable action"


@dataclass(frozen=True, slots=True)
class World:
    """What policies can be about. A type of entity that is left out is not checked."""

    schema: Schema
    """Of all tools of the fleet."""
    entities: Mapping[str, Collection[str]]
    fields: Mapping[str, Collection[str]]
    """Names in each record of the context, at any depth."""


@dataclass(frozen=True, slots=True)
class OrgPolicies:
    """Forbids by id, what is known of each, and the mistakes found."""

    policies: Mapping[str, Est]
    notes: Mapping[str, Note]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One policy of a file."""

    path: str
    line: int
    text: str

    def error(self, problem: str, suggestion: str = "") -> Finding:
        return Finding(self.path, self.line, "", problem, suggestion)

    def warning(self, problem: str, suggestion: str) -> Finding:
        return Finding(self.path, self.line, "", problem, suggestion, "warning")


def read_policies(files: Iterable[OrgPolicy], world: World, *, reserved: bool) -> OrgPolicies:
    """Reads, validates and lints policy files; `reserved` allows Remit's own ids."""
    policies: dict[str, Est] = {}
    notes: dict[str, Note] = {}
    findings: list[Finding] = []
    for piece in (piece for file in files for piece in _pieces(file)):
        try:
            est, named = parse_policy(piece.text), entities_named(piece.text)
        except ValueError as error:
            findings.append(piece.error(f"not a Cedar policy: {error}"))
            continue
        annotations = _annotations(est)
        name = str(annotations.get("id") or "")
        findings += _identity(piece, name, annotations, policies, reserved)
        findings += _invalid(piece, world.schema)
        findings += _unknown_entities(piece, named, world)
        findings += _lints(piece, est, world)
        if name and name not in policies and est["effect"] == "forbid":
            policies[name] = {key: part for key, part in est.items() if key != "annotations"}
            notes[name] = Note("forbid", str(annotations.get("because")), f"{piece.path}:{piece.line}", piece.text)
    return OrgPolicies(policies, notes, tuple(findings))


def mentioned(policies: Iterable[Est]) -> frozenset[str]:
    """Returns the name of every attribute any of the policies reads or tests: nothing else can matter to them."""
    names: set[str] = set()
    for node in _nodes(list(policies)):
        for word in _ACCESS:
            part = node.get(word)
            if isinstance(part, dict) and "attr" in part:
                names.add(str(cast(Est, part)["attr"]))
    return frozenset(names)


def concerns(est: Est, principals: Collection[tuple[str, str]], actions: Collection[str]) -> bool:
    """Tells whether a policy can matter to an agent: `principals` are it and its groups, `actions` its and theirs."""
    scope = est["principal"]
    inside = scope.get("in", {}).get("entity") if scope["op"] == "is" else scope.get("entity")
    own = (f"{NAMESPACE}::Agent", f"{NAMESPACE}::Unit", f"{NAMESPACE}::Class")
    if inside and inside["type"] in own and (inside["type"], inside["id"]) not in principals:
        return False
    asked = est["action"]
    named = [asked["entity"]] if "entity" in asked else asked.get("entities", [])
    return asked["op"] == "All" or any(action["id"] in actions for action in named)


def _pieces(file: OrgPolicy) -> Iterator[_Piece]:
    """Splits a file at the semicolons that end policies, so that each mistake has its line."""
    line, start, text = 1, 0, ""
    for part in _LEXEME.findall(file.text):
        if part.strip() and not part.startswith("//"):
            start = start or line
        line += part.count("\n")
        text += part if start else ""
        if part == ";":
            yield _Piece(file.path, start, text.strip())
            start, text = 0, ""
    if start:
        yield _Piece(file.path, start, text.strip())


def _annotations(est: Est) -> dict[str, Any]:
    return est.get("annotations") or {}


def _identity(
    piece: _Piece, name: str, annotations: Mapping[str, Any], taken: Collection[str], reserved: bool
) -> Iterator[Finding]:
    if not _ID.fullmatch(name):
        yield piece.error("the policy has no usable @id", 'Write @id("org/what-it-guards") in front of it')
    elif name in taken:
        yield piece.error(f"a second policy has the @id {name!r}", "Every policy needs its own")
    elif name.startswith(RESERVED) and not reserved:
        yield piece.error(f"the @id {name!r} is reserved", f"Do not begin with {' or '.join(RESERVED)}")
    if not annotations.get("because"):
        yield piece.error("the policy has no @because", "People read it when the policy stops something")


def _invalid(piece: _Piece, schema: Schema) -> Iterator[Finding]:
    problems = text_problems(piece.text, schema)
    yield from (piece.error(problem) for problem in problems if not problem.startswith(_NO_ACTION))
    if problems and all(problem.startswith(_NO_ACTION) for problem in problems):
        yield piece.warning("no tool here is concerned", "It will count once one is")


def _lints(piece: _Piece, est: Est, world: World) -> Iterator[Finding]:
    """Yields what the validator lets pass although the forbid could then silently not hold."""
    if est["effect"] != "forbid":
        yield piece.error("a permit", "Policy files only forbid; what an agent may do stands in its contract")
    for node in _nodes(est):
        for word in node.keys() & _ARITHMETIC.keys():
            problem = f"{_ARITHMETIC[word]} in a forbid: were it to overflow, the forbid would not hold"
            yield piece.error(problem, "Let a fact do the calculation")
    bodies = [condition["body"] for condition in est["conditions"]]
    for name in dict.fromkeys(_bare_records(bodies)):
        yield piece.error(f"{name} is used whole", "Name the fields: only fields that are named are passed")
    for section, name in dict.fromkeys(_fields_read(bodies)):
        if name not in world.fields[section]:
            problem = f"nothing has context.{section}.{name} for policies to see"
            yield piece.error(problem, did_you_mean(name, world.fields[section]))
    for text in _texts(est):
        if unicodedata.normalize("NFKC", text) != text or not all(map(_is_plain, text)):
            yield piece.error(f"{text!r} has characters that look like others", "Write Latin letters")
    if est["principal"]["op"] == "All" and any(node.get("id") == "autonomous" for node in _nodes(bodies)):
        problem = "people who act themselves are asked about on the rung autonomous too, so this stops them as well"
        yield piece.warning(problem, "Write `principal is Fleet::Agent` if only agents are meant")


def _unknown_entities(piece: _Piece, named: Iterable[tuple[str, str]], world: World) -> Iterator[Finding]:
    for kind, name in named:
        if kind in world.entities and name not in world.entities[kind]:
            problem = f"there is no {kind} {name!r}, so the policy would never hold"
            yield piece.error(problem, did_you_mean(name, world.entities[kind]))


def _fields_read(tree: object) -> Iterator[tuple[str, str]]:
    """Yields each name read or tested below one of the context's records, with that record."""
    for node in _nodes(tree):
        for word in _ACCESS:
            if isinstance(node.get(word), Mapping) and "attr" in node[word]:
                section = _section(node[word]["left"])
                if section:
                    yield section, node[word]["attr"]


def _section(expression: Est) -> str:
    while isinstance(expression.get("."), Mapping):
        name = _record_name(".", expression["."])
        if name:
            return name.removeprefix("context.")
        expression = expression["."]["left"]
    return ""


def _nodes(tree: object) -> Iterator[Est]:
    """Yields every object in what was read from JSON; `Mapping` instead of `dict` takes thrice as long to ask for."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield cast(Est, node)
            stack.extend(cast(Est, node).values())
        elif isinstance(node, list):
            stack.extend(cast(list[Any], node))


def _bare_records(tree: object, *, on_the_way: bool = False) -> Iterator[str]:
    """Yields `context` and its four records wherever they are not just on the way to a field."""
    if isinstance(tree, list):
        for child in cast(list[object], tree):
            yield from _bare_records(child)
    if not isinstance(tree, Mapping):
        return
    for word, part in cast(Mapping[str, Any], tree).items():
        name = _record_name(word, part)
        if name and not on_the_way:
            yield name
        if word in _ACCESS:
            yield from _bare_records(part["left"], on_the_way=True)
        else:
            yield from _bare_records(_children(part))


def _children(part: object) -> object:
    """Steps over names a policy chose itself: the keys of a record are no operators."""
    return list(cast(Mapping[str, Any], part).values()) if isinstance(part, Mapping) else part


def _record_name(word: str, part: Any) -> str:
    if word == "Var" and part == "context":
        return "context"
    inside = word == "." and part["left"] == {"Var": "context"} and part["attr"] in _RECORDS
    return f"context.{part['attr']}" if inside else ""


def _texts(est: Est) -> Iterator[str]:
    for node in _nodes({key: part for key, part in est.items() if key != "annotations"}):
        yield from (
            text for key, text in node.items() if key in ("Value", "id", "Literal", "attr") and isinstance(text, str)
        )


def _is_plain(character: str) -> bool:
    return not character.isalpha() or "LATIN" in unicodedata.name(character, "")
