"""`$ref` to schema files, resolved: the schema that comes out stands alone, and needs neither files nor network.

A `$ref` in a contract or tools file counts from the fleet's folder, one in a schema file from that file, as JSON Schema
has it; `#/…` points into the same file. A referred file is read once and lies under `$defs` by its path.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, cast

from remit.contracts.model import Finding
from remit.contracts.schemas import schema_problems, show, subschemas, with_references
from remit.contracts.source import LARGEST, Source, read_text
from remit.core import InputError, check_depth, digest, parse_json

_PLAIN_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
# These would change what a reference means; an `$id` on top of a file says only where it was published.
_REFUSED = frozenset(("$anchor", "$dynamicAnchor", "$dynamicRef", "$id"))


@dataclass(slots=True)
class Bundler:
    """Resolves schemas of one fleet, each file read once."""

    folder: Path
    _files: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict[str, tuple[dict[str, Any], str]])

    def bundle(
        self, schema: Mapping[str, Any], source: Source, at: str
    ) -> tuple[dict[str, Any], dict[str, str], list[Finding]]:
        """Returns the self-contained schema, the digest of each file in it by path, and every mistake."""
        bundle = _Bundle(self, source, at)
        whole = bundle.whole(schema)
        if not bundle.findings:
            bundle.check(whole)
        return whole, bundle.digests, bundle.findings

    def read(self, name: str) -> tuple[dict[str, Any], str]:
        """Returns the schema in the file `name` and the file's digest; what cannot be read is an `InputError`."""
        if name not in self._files:
            text = read_text(self.folder, self.folder / name)
            schema = parse_json(text, name=f"The schema {name}", largest=LARGEST)
            if not isinstance(schema, dict):
                raise InputError("A schema is a JSON object", which=name)
            self._files[name] = (cast("dict[str, Any]", schema), digest(text.encode()))
        return self._files[name]


@dataclass(slots=True)
class _Bundle:
    files: Bundler
    source: Source
    at: str
    definitions: dict[str, Any] = field(default_factory=dict[str, Any])
    digests: dict[str, str] = field(default_factory=dict[str, str])
    findings: list[Finding] = field(default_factory=list[Finding])

    def whole(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        file, pointer = _target(schema.get("$ref"), "")
        if file and not pointer and len(schema) == 1:  # the whole schema is a file
            whole = self._resolved(self._read(file, ()), file, "", (file,))
        else:
            whole = self._resolved(dict(schema), "", "", ())
        own: dict[str, Any] = whole.get("$defs", {})
        for name in own.keys() & self.definitions.keys():
            self.say(f"$defs already holds {name!r}, the name of a file", "$defs")
        return {**whole, "$defs": {**own, **self.definitions}} if self.definitions else whole

    def check(self, schema: Mapping[str, Any]) -> None:
        """Finds what is wrong with the schema itself, once its references are resolved."""
        try:
            check_depth(schema, name="The schema")
        except InputError as error:
            self.say(error.text())
            return
        for path, problem in schema_problems(schema):
            self.say(problem, show(path) if path else "")

    def say(self, problem: str, detail: str = "") -> None:
        path = f"{self.at}.{detail}" if detail else self.at
        if detail and path not in self.source.lines:  # it stands in a file the schema refers to
            path, problem = self.at, f"{detail}: {problem}"
        self.findings.append(self.source.finding(path, problem))

    def _resolved(self, schema: Mapping[str, Any], file: str, prefix: str, above: tuple[str, ...]) -> dict[str, Any]:
        """Returns a copy with local references only; `prefix` is where it lies in the bundle, `above` what led here."""
        top = {word: value for word, value in schema.items() if word not in ("$id", "$schema")}
        for path, part in subschemas(top):
            for word in _REFUSED & part.keys():
                self.say(f"{word} is not allowed inside a schema", show((*path, word)))
        return with_references(top, lambda reference: self._reference(reference, file, prefix, above))

    def _reference(self, reference: Any, file: str, prefix: str, above: tuple[str, ...]) -> str:
        if isinstance(reference, str) and reference.startswith("#"):
            return f"#{prefix}{reference[1:]}"
        name, pointer = _target(reference, file)
        if not name:
            self.say(f"$ref {reference!r} is refused: only files inside the fleet's folder, such as schemas/order.json")
            return "#"
        place = "/$defs/" + name.replace("~", "~0").replace("/", "~1")
        if name in above:
            self.say(f"Schema files refer to each other in a circle: {' → '.join((*above, name))}")
        elif name not in self.definitions:
            self.definitions[name] = {}  # keeps the place while the file's own references are followed
            self.definitions[name] = self._resolved(self._read(name, above), name, place, (*above, name))
        return f"#{place}{pointer}"

    def _read(self, name: str, above: tuple[str, ...]) -> dict[str, Any]:
        try:
            schema, self.digests[name] = self.files.read(name)
        except InputError as error:
            self.say(error.text() + (f" Named by {above[-1]}." if above else ""))
            return {}
        return schema


def _target(reference: Any, file: str) -> tuple[str, str]:
    """Returns the file, by its path in the fleet, and the pointer inside it; no file when it may not be read."""
    name, _, pointer = reference.partition("#") if isinstance(reference, str) else ("", "", "")
    if not _PLAIN_PATH.fullmatch(name) or (pointer and not pointer.startswith("/")):
        return "", ""
    path = PurePosixPath(normpath(PurePosixPath(file).parent / name))
    return ("", "") if ".." in path.parts else (path.as_posix(), pointer)
