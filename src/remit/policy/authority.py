"""A contract's authority as a table: what an agent may do, how freely, and who answers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from remit.contracts import AutonomyRule, Contract, Level, Tool, ToolUse
from remit.policy.model import Quorum, RoleVotes


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """One line of the table: under `when`, `tool` is used at `level`; `by` answers."""

    tool: str
    level: Level
    when: str
    """Empty means always."""
    by: tuple[str, ...]
    count: int
    """People needed of each role."""
    because: str
    source: str
    """`file:line`."""


def authority(contract: Contract, tools: Mapping[str, Tool], only: Iterable[str] = ()) -> list[AuthorityRow]:
    """Returns the authority table of a contract, in its order; `only` keeps the named tools."""
    wanted = set(only)
    return [
        AuthorityRow(use.use, rule.level, rule.when, answerers(contract, rule), rule.count, rule.because, source)
        for index, use in enumerate(contract.terms.tools)
        if not wanted or use.use in wanted
        for source, rule in rules_of(contract, index, use, tools.get(use.use))
    ]


def rules_of(contract: Contract, index: int, use: ToolUse, tool: Tool | None) -> Iterator[tuple[str, AutonomyRule]]:
    """Yields the rules for one tool with their places; without any, the level proposed for the tool's risk."""
    for number, rule in enumerate(use.autonomy):
        yield place(contract, f"tools[{index}].autonomy[{number}]"), rule
    if not use.autonomy and tool is not None:
        proposed = AutonomyRule(level=tool.proposed_level, because=f"proposed for a {tool.risk} {tool.effect}")
        yield place(contract, f"tools[{index}]"), proposed


def answerers(contract: Contract, rule: AutonomyRule) -> tuple[str, ...]:
    """Returns the roles that answer under a rule."""
    return rule.by or contract.terms.approvers


def quorum_of(contract: Contract, rule: AutonomyRule) -> Quorum:
    """Returns how many people of which roles answer under a rule."""
    return tuple(RoleVotes(role, rule.count) for role in dict.fromkeys(answerers(contract, rule)))


def described(rule: AutonomyRule, quorum: Quorum) -> str:
    """Returns a rule in words: `amount <= 500: human-in-the-loop by care-lead`."""
    by = in_words(quorum)
    return f"{rule.when or 'always'}: {rule.level}" + (f" by {by}" if by and rule.level != Level.AUTONOMOUS else "")


def in_words(quorum: Quorum) -> str:
    """Returns `care-lead and 2 × treasurer`."""
    return " and ".join(each.role if each.count == 1 else f"{each.count} × {each.role}" for each in quorum)


def line_of(contract: Contract, path: str) -> int:
    """Returns the line of a field, or of the nearest part around it that has one."""
    while path:
        inside = [
            line for name, line in contract.lines.items() if name == path or name.startswith((f"{path}.", f"{path}["))
        ]
        if inside:
            return min(inside)
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 1


def place(contract: Contract, path: str) -> str:
    """Returns `file:line` of a field."""
    return f"{contract.path}:{line_of(contract, path)}"
