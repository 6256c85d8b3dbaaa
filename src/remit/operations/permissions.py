"""Who may do what: every permission once, named `scope:resource:action`, and the roles that hold them.

The scope says whose it is: of one's own `account`, of the `fleet`'s agents and their work, or of the `cell` itself.
"""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """Something a person or program may do or see."""

    ACCOUNT_TOKENS_MANAGE = "account:tokens:manage"
    CELL_ACCESS_MANAGE = "cell:access:manage"
    CELL_FAULTS_CAUSE = "cell:faults:cause"
    """To kill the worker of a demo, and to break what stands in for its outside world."""
    CELL_PEOPLE_READ = "cell:people:read"
    CELL_SETTINGS_READ = "cell:settings:read"
    FLEET_AGENTS_READ = "fleet:agents:read"
    FLEET_AGENTS_RELEASE = "fleet:agents:release"
    FLEET_AGENTS_RETIRE = "fleet:agents:retire"
    FLEET_APPROVALS_ANSWER = "fleet:approvals:answer"
    FLEET_APPROVALS_READ = "fleet:approvals:read"
    FLEET_CONTENT_READ = "fleet:content:read"
    """What was said and done: inputs, arguments, results, answers. It may be personal."""
    FLEET_EVENTS_SEND = "fleet:events:send"
    FLEET_FEEDBACK_SEND = "fleet:feedback:send"
    """To hand in what those served say of a task."""
    FLEET_FIGURES_READ = "fleet:figures:read"
    FLEET_LOG_EXPORT = "fleet:log:export"
    FLEET_LOG_READ = "fleet:log:read"
    FLEET_RUNS_CANCEL = "fleet:runs:cancel"
    FLEET_RUNS_FORK = "fleet:runs:fork"
    FLEET_RUNS_READ = "fleet:runs:read"
    FLEET_RUNS_REPLAY = "fleet:runs:replay"
    FLEET_RUNS_ROLLBACK = "fleet:runs:rollback"
    """To have undone what a run did."""
    FLEET_RUNS_START = "fleet:runs:start"
    FLEET_SWITCHES_PULL = "fleet:switches:pull"
    FLEET_SWITCHES_READ = "fleet:switches:read"
    FLEET_SWITCHES_RESET = "fleet:switches:reset"
    FLEET_TASKS_DELEGATE = "fleet:tasks:delegate"
    """To have agents work on somebody else's behalf."""
    FLEET_TASKS_PRIORITIZE = "fleet:tasks:prioritize"
    """To say how urgent a task is, where its contract says otherwise."""


_P = Permission

VIEWER, OPERATOR, PLATFORM, AUDITOR = "viewer", "operator", "platform", "auditor"

VIEWING = frozenset(
    {
        _P.ACCOUNT_TOKENS_MANAGE,
        _P.FLEET_AGENTS_READ,
        _P.FLEET_APPROVALS_READ,
        _P.FLEET_FIGURES_READ,
        _P.FLEET_LOG_READ,
        _P.FLEET_RUNS_READ,
        _P.FLEET_SWITCHES_READ,
    }
)
"""What everybody with a role may see: where things stand, without what was said."""

ROLES: dict[str, frozenset[Permission]] = {
    VIEWER: VIEWING,
    OPERATOR: VIEWING
    | {
        _P.CELL_FAULTS_CAUSE,
        _P.FLEET_CONTENT_READ,
        _P.FLEET_EVENTS_SEND,
        _P.FLEET_FEEDBACK_SEND,
        _P.FLEET_RUNS_CANCEL,
        _P.FLEET_RUNS_FORK,
        _P.FLEET_RUNS_REPLAY,
        _P.FLEET_RUNS_ROLLBACK,
        _P.FLEET_RUNS_START,
        _P.FLEET_SWITCHES_PULL,
        _P.FLEET_SWITCHES_RESET,
        _P.FLEET_TASKS_DELEGATE,
        _P.FLEET_TASKS_PRIORITIZE,
    },
    PLATFORM: VIEWING
    | {
        _P.CELL_ACCESS_MANAGE,
        _P.CELL_PEOPLE_READ,
        _P.CELL_SETTINGS_READ,
        _P.FLEET_AGENTS_RELEASE,
        _P.FLEET_AGENTS_RETIRE,
        _P.FLEET_RUNS_REPLAY,
        _P.FLEET_SWITCHES_PULL,
        _P.FLEET_SWITCHES_RESET,
    },
    AUDITOR: VIEWING
    | {
        _P.CELL_PEOPLE_READ,
        _P.CELL_SETTINGS_READ,
        _P.FLEET_CONTENT_READ,
        _P.FLEET_LOG_EXPORT,
        _P.FLEET_RUNS_REPLAY,
    },
}
"""The roles that Remit knows itself. Any other role is one that contracts name as approvers: see `APPROVING`."""

APPROVING = VIEWING | {_P.FLEET_CONTENT_READ, _P.FLEET_APPROVALS_ANSWER, _P.FLEET_SWITCHES_PULL}
"""What a role of the fleet's own may do; which questions it answers, the contracts say. Stopping is open to whoever
answers for what agents do; letting go on again is not."""


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Returns what somebody with these roles may do; without a role, nothing."""
    return frozenset[Permission]().union(*(ROLES.get(role, APPROVING) for role in roles))
