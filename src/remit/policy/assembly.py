"""From a fleet to bundles: the forbids that hold for everybody, one contract's grants, and the slice that matters."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from remit.contracts import Contract, Finding, Fleet, Tool, with_compensations
from remit.core import InputError, RemitError, digest, remember
from remit.policy.bundle import MEMORY, Bundle, build
from remit.policy.cedar import Est, Schema, parse_schema, policy_problems
from remit.policy.grants import Grants, compile_contract, role_sets
from remit.policy.model import Note
from remit.policy.organisation import BUILTIN, World, concerns, mentioned, read_policies
from remit.policy.schema import actions_for, cedar_schema, entity, server_of, visible_names, vote_key

Models = Mapping[str, bool]
# Each holds the schema it fits, which agents with the same tools share.
FITTING_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What all bundles of one fleet stand on: built-in and org policies, and the mistakes in them."""

    fleet: Fleet
    models: Models
    tools: Mapping[str, Tool]
    policies: Mapping[str, Est]
    notes: Mapping[str, Note]
    mentioned: Mapping[str, frozenset[str]]
    """What attributes each of the policies reads or tests."""
    findings: tuple[Finding, ...]
    fitting: OrderedDict[tuple[int, str], Schema] = field(default_factory=OrderedDict[tuple[int, str], Schema])
    """What grants Cedar's validator had nothing to say against, whoever they were for, each with the schema."""


def prepare(fleet: Fleet, models: Models) -> Ground:
    """Reads the built-in and the org policies of a fleet against the schema of all its tools."""
    tools = fleet.tools
    keys = _vote_keys(fleet, *fleet.contracts.values())
    schema = parse_schema(cedar_schema(tools.values(), keys))
    world = World(schema, _known(fleet, tools, models), visible_names(tools.values(), keys))
    builtin = read_policies([BUILTIN], world, reserved=True)
    org = read_policies(fleet.policies, world, reserved=False)
    findings = (*builtin.findings, *org.findings)
    policies = {**builtin.policies, **org.policies}
    names = {name: mentioned([est]) for name, est in policies.items()}
    return Ground(fleet, models, tools, policies, {**builtin.notes, **org.notes}, names, findings)


def assemble(ground: Ground, contract: Contract) -> Bundle:
    """Returns the bundle of one agent version; a mistake in an org policy or in the contract is an `InputError`."""
    _refuse(ground.findings)
    grants = compile_contract(ground.fleet, ground.tools, contract)
    _refuse(grants.findings)
    bundle = _bundle(ground, contract, grants)
    _refuse(_misfits(ground, contract, grants, bundle))
    return bundle


def check(ground: Ground, keep: Callable[[Contract, Bundle], None] | None) -> Iterator[Finding]:
    """Yields every mistake in the org policies, and in contracts as far as authority is concerned.

    The bundle of every contract without any is handed to `keep`. Without it none is put together: whether Cedar takes what
    a contract becomes is seen when its bundle is first made.
    """
    yield from ground.findings
    for contract in ground.fleet.contracts.values():
        grants = compile_contract(ground.fleet, ground.tools, contract)
        yield from grants.findings
        if keep and not grants.findings:
            yield from _validated(ground, contract, grants, keep)


def _refuse(findings: Iterable[Finding]) -> None:
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        raise InputError("Nobody acts under policies with mistakes", why=str(wrong[0]), hint="See remit check")


def _bundle(ground: Ground, contract: Contract, grants: Grants) -> Bundle:
    names = (*(use.use for use in contract.terms.tools), *contract.terms.never)
    tools = with_compensations(
        [ground.tools[name] for name in dict.fromkeys(names) if name in ground.tools], ground.tools
    )
    principals = [(uid["type"], uid["id"]) for uid in (entity("Agent", contract.name), *_groups(contract))]
    actions = actions_for(tools)
    shared = [name for name, est in ground.policies.items() if concerns(est, principals, actions)]
    policies = {**{name: ground.policies[name] for name in shared}, **grants.policies}
    names = mentioned(grants.policies.values()).union(*(ground.mentioned[name] for name in shared))
    return build(
        contract.terms.agent,
        contract.terms.version,
        schema=cedar_schema(tools, _vote_keys(ground.fleet, contract), mentioned=names),
        policies=policies,
        notes={**{name: ground.notes[name] for name in shared}, **grants.notes},
        entities=_entities(ground, contract, tools),
    )


def _entities(ground: Ground, contract: Contract, tools: Iterable[Tool]) -> Iterator[Est]:
    """Yields what this agent's questions can be about. People are not among them: they come with their question."""
    groups = _groups(contract)
    owner = {"owner": contract.terms.owner, "version": contract.terms.version}
    yield {"uid": entity("Agent", contract.name), "attrs": owner, "parents": groups}
    for name in dict.fromkeys(contract.terms.handoffs):
        if name in ground.fleet.contracts and name != contract.name:
            terms = ground.fleet.contracts[name].terms
            yield _entity(entity("Agent", name), owner=terms.owner, version=terms.version)
    for uid in groups:
        yield _entity(uid)
    for server in dict.fromkeys(server_of(tool.name) for tool in tools):
        yield _entity(entity("ToolServer", server))
    for name, cloud in ground.models.items():
        yield _entity(entity("Model", name), cloud=cloud)
    yield _entity(entity("Memory", MEMORY))


def _entity(uid: Est, **attributes: str | bool) -> Est:
    return {"uid": uid, "attrs": attributes, "parents": []}


def _groups(contract: Contract) -> list[Est]:
    return [entity("Unit", contract.terms.unit), entity("Class", contract.terms.agent_class)]


def _vote_keys(fleet: Fleet, *contracts: Contract) -> set[str]:
    return {vote_key(roles) for contract in contracts for roles in role_sets(contract)} | fleet.roles


def _known(fleet: Fleet, tools: Iterable[str], models: Models) -> Mapping[str, Collection[str]]:
    terms = [contract.terms for contract in fleet.contracts.values()]
    known: dict[str, Collection[str]] = {
        "Agent": fleet.contracts,
        "Unit": {each.unit for each in terms},
        "Class": {each.agent_class for each in terms},
        "ToolServer": set(map(server_of, tools)),
        "Model": models,
        "Memory": {MEMORY},
    }
    # Where an identity provider brings people and roles, the folder does not know them.
    return {**known, "Human": fleet.people, "Role": fleet.roles} if fleet.people else known


def _validated(
    ground: Ground, contract: Contract, grants: Grants, keep: Callable[[Contract, Bundle], None]
) -> Iterator[Finding]:
    try:
        bundle = _bundle(ground, contract, grants)
    except RemitError as error:
        yield Finding(contract.path, 1, "", error.text())
        return
    if misfits := _misfits(ground, contract, grants, bundle):
        yield from misfits
    else:
        keep(contract, bundle)


def _misfits(ground: Ground, contract: Contract, grants: Grants, bundle: Bundle) -> list[Finding]:
    """Cedar's own validator over what we compiled: it would find a fault of ours, not the author's."""
    schema = bundle.handles.schema
    key = id(schema), _digest_for_anybody(contract, grants)
    if key in ground.fitting:
        return []
    problems = policy_problems(grants.policies, schema)
    if not problems:
        remember(ground.fitting, key, schema, FITTING_KEPT)  # holding the schema keeps its id from being used again
    return [Finding(contract.path, 1, "", problem) for problem in problems]


def _digest_for_anybody(contract: Contract, grants: Grants) -> str:
    """Returns the digest of grants without the name of whom they are for: to types, one agent's is as good as another's."""
    own, prefix = {"op": "==", "entity": entity("Agent", contract.name)}, f"agent/{contract.id}/"
    policies = [
        (name.removeprefix(prefix), {**est, "principal": None} if est["principal"] == own else est)
        for name, est in grants.policies.items()
    ]
    return digest(orjson.dumps(policies))
