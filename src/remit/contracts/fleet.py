"""A fleet's folder becomes a `Fleet`: contracts, declared tools, people, org policies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from remit.contracts.declared import DeclaredTool, OrgPolicy, PeopleFile, Person, Server, ServerTerms, Tool, ToolsFile
from remit.contracts.model import Contract, Finding, Fleet
from remit.contracts.parse import SUFFIX, bundle_schemas, parse_contract
from remit.contracts.references import Bundler
from remit.contracts.source import Source, read_source, read_text
from remit.contracts.validation import validated
from remit.core import InputError, digest_of

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
        unread=frozenset(reading.unread),
    )
    return fleet, in_order(reading.findings)


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
        for path in self._files(f"agents/*{SUFFIX}"):
            contract, findings = parse_contract(path, self.folder, bundler=self.bundler)
            self.findings.extend(findings)
            if contract is None:
                self.unread.add(path.relative_to(self.folder).as_posix())
            else:
                yield contract

    def servers(self) -> Iterator[Server]:
        for path in self._files("tools/*.yaml"):
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

    def policies(self) -> Iterator[OrgPolicy]:
        for path in self._files("policies/*.cedar"):
            file = path.relative_to(self.folder).as_posix()
            try:
                yield OrgPolicy(path=file, text=read_text(self.folder, path))
            except InputError as error:
                self.findings.append(Finding(file, 1, "", error.text()))

    def _files(self, pattern: str) -> list[Path]:
        return sorted(path for path in self.folder.glob(pattern) if not path.name.startswith("."))


def _read_server(path: Path, folder: Path, bundler: Bundler) -> tuple[Server | None, list[Finding]]:
    source = read_source(folder, path)
    if source.unreadable:
        return None, list(source.findings)
    value, findings = _with_schemas(source.value, source, bundler)
    written, problems = validated(ToolsFile, value, source)
    findings = [*source.findings, *problems, *findings]
    if written is not None and path.stem != written.server:
        findings.append(source.finding("server", f"The file of {written.server!r} must be tools/{written.server}.yaml"))
    if written is None or findings:
        return None, findings
    server = Server(
        name=written.server,
        tools=tuple(_tool(written.server, name, declared) for name, declared in written.tools.items()),
        path=source.file,
        lines=source.lines,
        **{name: getattr(written, name) for name in ServerTerms.model_fields},
    )
    return server, []


def _with_schemas(value: Any, source: Source, bundler: Bundler) -> tuple[Any, list[Finding]]:
    file = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    tools = file.get("tools")
    if not isinstance(tools, dict):
        return cast("Any", value), []
    findings: list[Finding] = []
    bundled: dict[str, Any] = {}
    for name, tool in cast("dict[str, Any]", tools).items():
        bundled[name], _, problems = bundle_schemas(tool, ("input", "output"), source, bundler, at=f"tools.{name}")
        findings += problems
    return {**file, "tools": bundled}, findings


def _tool(server: str, name: str, declared: DeclaredTool) -> Tool:
    fields = {key: getattr(declared, key) for key in DeclaredTool.model_fields}
    tool = Tool(name=f"{server}__{name}", server=server, **fields)
    return tool.model_copy(update={"digest": digest_of(tool.model_dump(mode="json", exclude={"digest"}))})
