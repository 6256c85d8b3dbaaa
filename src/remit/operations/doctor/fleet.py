"""The fleet: folder, settings, files, people, secrets, servers."""

import difflib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from remit.contracts import Contract, Fleet, Level, Person
from remit.core import URL_FILE, InputError, Settings, load_settings
from remit.operations.doctor.model import Diagnosis, Health, Patient, SkippedSignal
from remit.operations.permissions import Permission, permissions_of
from remit.store import load_queries

_Q = load_queries("remit.operations.doctor")

# As many mistakes as are read before somebody begins to mend.
SHOWN = 3
# Variables of the command line, and one that stands for another; they are no settings.
_OURS = frozenset({"REMIT_FLEET", "REMIT_PERSON", URL_FILE})
_PREFIX = "REMIT_"


def settings_file(patient: Patient) -> Iterator[Diagnosis]:
    """The settings can be read, and each is known."""
    try:
        load_settings(patient.folder)
    except InputError as fault:
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"{fault.what} {fault.which!r}" if fault.which else fault.what,
            why=fault.why,
            mend=fault.hint or "Mend the file; docs/contracts.md lists every setting",
        )


def variables(patient: Patient) -> Iterator[Diagnosis]:
    """Every REMIT_ variable is a setting."""
    settings = patient.known_settings()
    named = {route.key for route in settings.models.values()} | {hook.secret for hook in settings.webhooks.values()}
    known = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(patient.environment):
        if not name.startswith(_PREFIX) or name in _OURS | named or name.partition("__")[0] in known:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        yield Diagnosis(
            health=Health.WARNING,
            what=f"The variable {name} is not a setting",
            why="it is not heeded",
            mend=f"Did you mean {near[0]}?" if near else "Take it away, or name it differently",
            command=f"unset {name}",
        )


def fleet_folder(patient: Patient) -> Iterator[Diagnosis]:
    """There is a fleet in the folder."""
    if not patient.is_fleet:
        is_empty = not patient.folder.exists() or not any(patient.folder.iterdir())
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"There is no fleet in {patient.folder}",
            why="it has no folder `agents`",
            mend="Name the fleet's folder with --fleet or REMIT_FLEET, or make a new fleet",
            command=f"remit init '{patient.folder}'" if is_empty else "remit init my-fleet",
        )


def fleet_files(patient: Patient) -> Iterator[Diagnosis]:
    """The fleet has no mistake in it."""
    fleet, findings = patient.inspected
    mistakes = [str(finding) for finding in findings if finding.severity == "error"]
    warnings = [str(finding) for finding in findings if finding.severity != "error"]
    if not fleet.contracts and not mistakes:
        yield Diagnosis(health=Health.WARNING, what="The fleet has no agent", mend="Write agents/NAME.agent.md")
    for found, health in ((mistakes, Health.TROUBLE), (warnings, Health.WARNING)):
        if found:
            noun = "mistake" if health is Health.TROUBLE else "warning"
            yield Diagnosis(
                health=health,
                what=f"The fleet has {len(found)} {noun}{'s' if len(found) > 1 else ''}",
                why="; ".join(found[:SHOWN]),
                mend="`remit check` names all of them, each with its line",
            )


def fleet_code(patient: Patient) -> Iterator[Diagnosis]:
    """The Python code that the fleet names is there."""
    settings, fleet = patient.known_settings(), patient.fleet
    for where, code in _code(settings, fleet):
        module = code.partition(":")[0].partition(".")[0]
        if not _is_module(patient.folder, module):
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"{where} names {code}, and there is no module {module}",
                why="it is looked for in the fleet's folder and among the installed packages",
                mend=f"Write {module}.py into {patient.folder}, or install what brings it",
            )


def people_who_answer(patient: Patient) -> Iterator[Diagnosis]:
    """For everything people are asked, there is somebody who may answer."""
    fleet = patient.fleet
    for contract in fleet.contracts.values():
        asked = dict.fromkeys(_asked(contract, fleet))
        if asked and not fleet.people:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"Nobody may answer what {contract.name} asks: there is no people.yaml",
                why=f"it asks {', '.join(role for role, _, _ in asked)}",
                mend="Write people.yaml with who there is and what roles they hold",
            )
            continue
        for role, count, is_action in asked:
            yield from _answerable(contract, fleet.people.values(), role, count, is_action)


def _answerable(
    contract: Contract, people: Iterable[Person], role: str, count: int, is_action: bool
) -> Iterator[Diagnosis]:
    owner = contract.terms.owner
    holders = [person for person in people if role in person.roles]
    may = [person for person in holders if not (is_action and person.id == owner)]
    if holders and len(may) < count:
        who = ", ".join(person.id for person in holders)
        yield Diagnosis(
            health=Health.TROUBLE,
            what=f"What {contract.name} asks of {role} can never be approved",
            why=f"it takes {count}; {who} hold it, and {owner} owns the agent and may not answer",
            mend=f"Give {role} to somebody else in people.yaml",
        )
    elif len(may) == count and (also := [person.id for person in may if _may_start(person)]):
        yield Diagnosis(
            health=Health.WARNING,
            what=f"Nobody may answer what {contract.name} asks of {role} about work for {', '.join(also)}",
            why="nobody approves what is done on their own behalf, and nobody else holds the role",
            mend=f"Give {role} to one more person in people.yaml",
        )


def people_who_log_in(patient: Patient) -> Iterator[Diagnosis]:
    """Somebody can log in to the console."""
    people = [person for person in patient.fleet.people.values() if person.roles]
    if not people or any(person.password for person in people):
        return
    try:
        now = patient.clock.now()
        linked = {row["person"] for row in patient.store.read(_Q["open_links"], {"now": now})}
    except SkippedSignal:
        linked = set[str]()
    if not linked:
        first = next((p for p in people if Permission.CELL_ACCESS_MANAGE in permissions_of(p.roles)), people[0])
        yield Diagnosis(
            health=Health.WARNING,
            what="Nobody can log in to the console",
            why="nobody in people.yaml has a password, and no login link is open",
            mend="Have a link made, which opens the console once and soon; or put a password's hash into people.yaml",
            command=f"remit people link {first.id}",
        )


def model_keys(patient: Patient) -> Iterator[Diagnosis]:
    """Every model's key is set."""
    for name, route in patient.known_settings().models.items():
        if route.key and not patient.environment.get(route.key, "").strip():
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"The model {name!r} has no key",
                why=f"the variable {route.key} is not set, so nobody can ask it",
                mend=f"Set {route.key} where Remit is started, or remove the route from remit.toml",
            )


def webhook_secrets(patient: Patient) -> Iterator[Diagnosis]:
    """Every webhook's secret is set, and long enough."""
    for name, terms in patient.known_settings().webhooks.items():
        try:
            patient.read_secrets({name: terms}, patient.environment)
        except InputError as fault:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=fault.what,
                why=f"{fault.why}, so `remit up` does not start",
                mend=f"Set {terms.secret} to what the sender signs with, at least 24 bytes drawn at random",
            )


def tool_servers(patient: Patient) -> Iterator[Diagnosis]:
    """Every MCP server can be asked, and means by its tools what is pinned."""
    for server in patient.servers:
        differing = [change.tool for change in server.changes if change.state in ("changed", "vanished")]
        if server.problem:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"The server {server.server!r} cannot be compared with its lock file",
                why=server.problem,
                mend="Its tools cannot be called until it answers; `remit tools check` asks it again",
                command=f"remit tools lock {server.server}" if "has no lock file" in server.problem else "",
            )
        elif differing:
            yield Diagnosis(
                health=Health.TROUBLE,
                what=f"Tools of {server.server!r} are in quarantine: {', '.join(differing)}",
                why="the server means something else by them than what is pinned",
                mend="See with `remit tools check` what has changed; then take it over, and raise the contracts' versions",
                command=f"remit tools lock {server.server}",
            )


def _asked(contract: Contract, fleet: Fleet) -> Iterator[tuple[str, int, bool]]:
    """Yields role, votes, and whether it is about an action of the agent's own, of whatever people are asked."""
    terms = contract.terms
    for use in terms.tools:
        tool = fleet.tools.get(use.use)
        for rule in use.autonomy:
            if rule.level is not Level.AUTONOMOUS:
                is_action = rule.level is Level.HUMAN_IN_THE_LOOP
                yield from ((role, rule.count if is_action else 1, is_action) for role in rule.by or terms.approvers)
        if not use.autonomy and tool is not None and tool.proposed_level is not Level.AUTONOMOUS:
            yield from ((role, 1, tool.proposed_level is Level.HUMAN_IN_THE_LOOP) for role in terms.approvers)
    yield from ((escalation.to, 1, True) for escalation in terms.escalate)


def _may_start(person: Person) -> bool:
    return Permission.FLEET_RUNS_START in permissions_of(person.roles)


def _code(settings: Settings, fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Yields where code is named, and the code."""
    yield from ((f"[models.{name}]", route.code) for name, route in settings.models.items() if route.code)
    if settings.demo:
        yield "demo", settings.demo
    for contract in fleet.contracts.values():
        if contract.terms.code:
            yield contract.path, contract.terms.code
    for server in fleet.servers.values():
        named = [server.python or "", *server.gates.values()]
        named += [code for tool in server.tools for code in (tool.lookup, tool.facts.code if tool.facts else "")]
        yield from ((server.path, code) for code in dict.fromkeys(named) if code)


def _is_module(folder: Path, name: str) -> bool:
    """Whether there is such a module; nothing of it is run."""
    if (folder / f"{name}.py").is_file() or (folder / name).is_dir():
        return True
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
