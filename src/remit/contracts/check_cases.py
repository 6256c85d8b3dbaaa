"""What a contract is evaluated by: are the files there, has each edge case its case, are people's figures known?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from remit.contracts.model import Contract, Finding, Fleet
from remit.contracts.source import Source, leads_outside, read_source
from remit.contracts.validation import did_you_mean


def check_cases(contract: Contract, fleet: Fleet, at: Source) -> Iterator[Finding]:
    """Yields every case, and the baseline, that a contract refers to and that is not there."""
    folder = Path(fleet.folder)
    evaluation = contract.terms.evaluation
    if evaluation is not None:
        yield from _file(evaluation.cases, folder, at, "evaluation.cases")
        yield from _baseline(evaluation.baseline, fleet, at)
    read: dict[str, list[str] | None] = {}
    for edge in contract.edge_cases:
        where = Source(contract.path, lines={"": edge.line})
        path = f"edge cases.{edge.id}"
        if not edge.case:
            # A contract that is evaluated promises that its edge cases are, too.
            told = where.finding if evaluation else where.warning
            yield told(path, "The edge case has no evaluation case", "write its file and name, FILE#NAME")
            continue
        file, _, name = edge.case.partition("#")
        missing = list(_file(file, folder, where, path))
        yield from missing
        if missing:
            continue
        names = read[file] if file in read else read.setdefault(file, _case_names(folder, file))
        if name and names is not None and name not in names:
            yield where.finding(path, f"{file} has no case {name!r}", did_you_mean(name, names))


def _file(name: str, folder: Path, at: Source, path: str) -> Iterator[Finding]:
    found = folder / name
    if leads_outside(found, folder):
        yield at.finding(path, f"{name} lies outside the fleet's folder")
    elif not found.is_file():
        yield at.finding(path, f"There is no file {name}", "paths count from the fleet's folder")


def _baseline(name: str, fleet: Fleet, at: Source) -> Iterator[Finding]:
    file = f"baselines/{name}.yaml"
    if name and name not in fleet.baselines and file not in fleet.unread:
        suggestion = f"write it, or name another: {did_you_mean(name, fleet.baselines)}"
        yield at.finding("evaluation.baseline", f"There is no file {file}", suggestion)


def _case_names(folder: Path, file: str) -> list[str] | None:
    """Returns the names of the cases in a file; None when it is not ours to read, and evaluation will tell."""
    value = read_source(folder, folder / file).value
    cases: Any = cast("dict[str, Any]", value).get("cases") if isinstance(value, dict) else None
    if not isinstance(cases, list):
        return None
    return [
        str(cast("dict[str, Any]", case).get("name")) for case in cast("list[Any]", cases) if isinstance(case, dict)
    ]
