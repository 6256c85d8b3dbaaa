"""A contract's file becomes a `Contract`, or every mistake in it at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from remit.contracts.body import read_body
from remit.contracts.model import Contract, Finding, FrontMatter
from remit.contracts.references import Bundler
from remit.contracts.source import Source, read_text, read_yaml
from remit.contracts.validation import validated
from remit.core import InputError, digest, digest_of

SUFFIX = ".agent.md"
_FENCE = "---"


def parse_contract(
    path: Path, folder: Path, *, bundler: Bundler | None = None
) -> tuple[Contract | None, list[Finding]]:
    """Reads one contract of the fleet in `folder`; with any error there is no contract."""
    file = path.relative_to(folder).as_posix()
    try:
        text = read_text(folder, path)
    except InputError as error:
        return None, [Finding(file, 1, "", error.text())]
    lines = text.split("\n")
    ends = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), 0)
    if lines[0].rstrip() != _FENCE or not ends:
        problem = "A contract begins with front matter between two lines of ---"
        return None, [Finding(file, 1, "", problem, "see docs/contracts.md, or start from an example fleet")]
    source = read_yaml("\n".join(lines[1:ends]), file=file, before=1)
    body = read_body("\n".join(lines[ends + 1 :]), file=file, before=ends + 1)
    values, digests, schema_findings = bundle_schemas(
        source.value, ("input", "output"), source, bundler or Bundler(folder)
    )
    if source.unreadable:
        return None, [*source.findings, *body.findings]
    terms, findings = validated(FrontMatter, values, source)
    findings = [*source.findings, *findings, *schema_findings, *body.findings]
    if terms is not None and file != f"agents/{terms.agent}{SUFFIX}":
        findings.append(source.finding("agent", f"The file of {terms.agent!r} must be agents/{terms.agent}{SUFFIX}"))
    if terms is None or findings:
        return None, findings
    contract = Contract(
        terms=terms,
        instructions=body.instructions,
        steps=body.steps,
        edge_cases=body.edge_cases,
        digest=digest_of({"contract": digest(text.encode()), "schemas": digests}),
        path=file,
        lines=source.lines,
    )
    return contract, []


def bundle_schemas(
    value: Any, names: tuple[str, ...], source: Source, bundler: Bundler, *, at: str = ""
) -> tuple[Any, dict[str, str], list[Finding]]:
    """Returns `value` with the schemas under `names` made self-contained, the digests of their files, and mistakes."""
    if not isinstance(value, dict):
        return value, {}, []
    values = dict(cast("Mapping[str, Any]", value))
    digests: dict[str, str] = {}
    findings: list[Finding] = []
    for name in names:
        if isinstance(values.get(name), dict):
            path = f"{at}.{name}".removeprefix(".")
            values[name], files, problems = bundler.bundle(values[name], source, path)
            digests |= files
            findings += problems
            if not problems and values[name] and name == "input" and values[name].get("type") != "object":
                findings.append(source.finding(path, "The input is an object", "write type: object and its properties"))
    return values, digests, findings
