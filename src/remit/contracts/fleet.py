"""A fleet's folder becomes a `Fleet`: contracts, declared tools, people, org policies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from remit.contracts.baselines import Baseline
from remit.contracts.declared import (
    DeclaredTool,
    OrgPolicy,
    PeopleFile,
    Person,
    Server,
    ServerHead,
    ServerTerms,
    Tool,
    ToolsFile,
)
from remit.contracts.definitions import lock_of, with_definitions
from remit.contracts.model import Contract, Finding, Fleet
from remit.contracts.parse import SUFFIX, bundle_schemas, parse_contract
from remit.contracts.references import Bundler
from remit.contracts.source import Source, read_source, read_text
from remit.contracts.validation import did_you_mean, validated
from remit.core import InputError, NotFoundError, digest_of

PEOPLE = "people.yaml"


def read_fleet(folder: Path) -> tuple[Fleet, list[Finding]]:
    """Reads the fleet in `folder`; files with mistakes are left out and told, a missing folder is an `InputError`."""
    if not folder.is_dir():
        raise InputError(
            "There is no fleet",
            which=str(folder),
            why="no such folder",
            hint="Name the folder of a fleet, or try `remit demo`",
        )
    reading = _Reading(folder, Bundler(folder))
    fleet = Fleet(
        folder=str(folder),
        contracts={contract.name: contract for contract in reading.contracts()},
        servers={server.name: server for server in reading.servers()},
        people={person.id: person for person in reading.people()},
        policies=tuple(reading.policies()),
        baselines=dict(reading.baselines()),
        unread=frozenset(reading.unread),
    )
    return fleet, in_order(reading.findings)


def read_server_head(folder: Path, name: str) -> Server:
    """Returns how the server `name` is reached, without its tools: neither its lock file nor its tools need be sound."""
    known = server_names(folder)
    if name not in known:
        raise NotFoundError("There is no tools file of the server", which=name, hint=did_you_mean(name, known))
    source = read_source(folder, folder / "tools" / f"{name}.yaml")
    terms = {key: value for key, value in _mapping(source.value).items() if key != "tools"}
    head, findings = validated(ServerHead, terms, source)
    if head is None or source.findings or head.server != name:
        told = "; ".join(map(str, [*source.findings, *findings])) or f"it is the file of {head and head.server!r}"
        raise InputError("The tools file has mistakes", which=source.file, why=told)
    return Server(name=name, path=source.file, lines=source.lines, **_terms(head))


def server_names(folder: Path) -> list[str]:
    """Returns the name of every server that has a tools file."""
    return [path.stem for path in _files(folder, "tools/*.yaml")]


def read_policies(folder: Path) -> tuple[OrgPolicy, ...]:
    """Returns the org policies in `folder`; none at all, or a file that cannot be read, is an `InputError`."""
    paths = _files(folder, "*.cedar")
    if not paths:
        raise InputError("There are no policies", which=str(folder), hint="Name a folder with *.cedar files in it")
    return tuple(OrgPolicy(path=path.name, text=read_text(folder, path)) for path in paths)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Returns the findings by file and line."""
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.field, finding.problem))


@dataclass(frozen=True, slots=True)
class _Reading:
    folder: Path
    bundler: Bundler
    findings: list[Finding] = field(default_factory=list[Finding])
    unread: set[str] = field(default_factory=set[str])

    def contracts(self) -> Iterator[Contract]:
        for path in _files(self.folder, f"agents/*{SUFFIX}"):
            contract, findings = parse_contract(path, self.folder, bundler=self.bundler)
            self.findings.extend(findings)
            if contract is None:
                self.unread.add(path.relative_to(self.folder).as_posix())
            else:
                yield contract

    def servers(self) -> Iterator[Server]:
        for path in _files(self.folder, "tools/*.yaml"):
            server, findings = _read_server(path, self.folder, self.bundler)
            self.findings.extend(findings)
            if server is None:
                self.unread.add(path.relative_to(self.folder).as_posix())
            else:
                yield server

    def people(self) -> Iterator[Person]:
        path = self.folder / PEOPLE
        if not path.exists():
            return
        source = read_source(self.folder, path)
        file, findings = (None, []) if source.unreadable else validated(PeopleFile, source.value, source)
        self.findings.extend((*source.findings, *findings))
        seen: set[str] = set()
        for i, person in enumerate(file.people if file else ()):
            if person.id in seen:
                self.findings.append(source.finding(f"people[{i}].id", f"{person.id!r} stands here twice"))
            else:
                seen.add(person.id)
                yield person

    def baselines(self) -> Iterator[tuple[str, Baseline]]:
        for path in _files(self.folder, "baselines/*.yaml"):
            source = read_source(self.folder, path)
            baseline, findings = (None, []) if source.unreadable else validated(Baseline, source.value, source)
            self.findings.extend((*source.findings, *findings))
            if baseline is None:
                self.unread.add(source.file)
            else:
                yield path.stem, baseline

    def policies(self) -> Iterator[OrgPolicy]:
        for path in _files(self.folder, "policies/*.cedar"):
            file = path.relative_to(self.folder).as_posix()
            try:
                yield OrgPolicy(path=file, text=read_text(self.folder, path))
            except InputError as error:
                self.findings.append(Finding(file, 1, "", error.text()))


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _read_server(path: Path, folder: Path, bundler: Bundler) -> tuple[Server | None, list[Finding]]:
    source = read_source(folder, path)
    if source.unreadable:
        return None, list(source.findings)
    values = _mapping(source.value)
    lock, findings = lock_of(folder, source) if {"command", "url"} & values.keys() else (None, [])
    if lock or findings:
        value, problems = with_definitions(values, source, lock)
    else:
        value, problems = _with_schemas(source.value, source, bundler)
    written, mistakes = validated(ToolsFile, value, source)
    findings = [*source.findings, *mistakes, *findings, *problems]
    if written is not None and path.stem != written.server:
        findings.append(source.finding("server", f"The file of {written.server!r} must be tools/{written.server}.yaml"))
    if written is None or findings:
        return None, findings
    pins = {name: tool.digest for name, tool in lock.tools.items()} if lock else {}
    tools = (_tool(written.server, name, tool, pins.get(name, "")) for name, tool in written.tools.items())
    return Server(name=written.server, tools=tuple(tools), path=source.file, lines=source.lines, **_terms(written)), []


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _terms(written: ServerHead) -> dict[str, Any]:
    return {name: getattr(written, name) for name in ServerTerms.model_fields}


def _with_schemas(value: Any, source: Source, bundler: Bundler) -> tuple[Any, list[Finding]]:
    file = _mapping(value)
    tools = file.get("tools")
    if not isinstance(tools, dict):
        return value, []
    findings: list[Finding] = []
    bundled: dict[str, Any] = {}
    for name, tool in cast("dict[str, Any]", tools).items():
        bundled[name], _, problems = bundle_schemas(tool, ("input", "output"), source, bundler, at=f"tools.{name}")
        findings += problems
    return {**file, "tools": bundled}, findings


def _tool(server: str, name: str, declared: DeclaredTool, pinned: str) -> Tool:
    fields = {key: getattr(declared, key) for key in DeclaredTool.model_fields}
    tool = Tool(name=f"{server}__{name}", server=server, pinned=pinned, **fields)
    # Without defaults: a newer Remit that knows one field more does not make every tool another one.
    told = tool.model_dump(mode="json", exclude={"digest"}, exclude_defaults=True)
    return tool.model_copy(update={"digest": digest_of(told)})
