"""Who may do what: roles are kept apart, and nothing is done or seen without a permission."""

import inspect
from typing import Any

import pytest
from tests.operations.people import somebody

from remit.contracts import OWN_ROLES
from remit.core import RefusedError
from remit.operations import ROLES, Permission, Verbs, Views, local_actor, permission_of, permissions_of
from remit.operations.views.model import Viewing

CHANGING = {p for p in Permission if p.value.rpartition(":")[2] not in ("read", "export", "replay")}


def parts_of(views: type[Any]) -> list[type[Any]]:
    """Returns every class of views there is."""
    return [each for each in views.__subclasses__()]


@pytest.mark.parametrize("permission", list(Permission))
def test_a_permission_is_named_by_scope_resource_and_action(permission: Permission) -> None:
    scope, resource, action = permission.value.split(":")
    assert scope in ("account", "cell", "fleet")
    assert permission.name == f"{scope}_{resource}_{action}".upper()


def test_an_auditor_sees_everything_and_changes_nothing_but_their_own_tokens() -> None:
    held = ROLES["auditor"]
    assert held & CHANGING == {Permission.ACCOUNT_TOKENS_MANAGE}
    assert {p for p in Permission if p.value.endswith(":read")} <= held


def test_only_approvers_answer_and_only_the_platform_releases() -> None:
    assert Permission.FLEET_APPROVALS_ANSWER in permissions_of(["care-lead"])
    assert all(Permission.FLEET_APPROVALS_ANSWER not in held for held in ROLES.values())
    releasing = {role for role, held in ROLES.items() if Permission.FLEET_AGENTS_RELEASE in held}
    assert releasing == {"platform"}


def test_the_platform_team_does_not_read_what_was_said() -> None:
    assert Permission.FLEET_CONTENT_READ not in ROLES["platform"] | ROLES["viewer"]


def test_the_roles_that_are_remits_own_are_the_same_everywhere() -> None:
    assert set(ROLES) == OWN_ROLES


def test_without_a_role_nothing_is_allowed() -> None:
    assert permissions_of([]) == frozenset()


def test_who_works_for_some_units_may_nothing_of_the_whole_fleet() -> None:
    actor = somebody("operator", units=("care",))
    assert actor.may(Permission.FLEET_RUNS_CANCEL, "care")
    assert not actor.may(Permission.FLEET_RUNS_CANCEL, "sales")
    assert not actor.may(Permission.FLEET_SWITCHES_PULL, "")
    with pytest.raises(RefusedError, match="they work for care, this is of sales"):
        actor.check(Permission.FLEET_RUNS_CANCEL, "sales")
    with pytest.raises(RefusedError, match="it takes fleet:runs:cancel; they hold viewer"):
        somebody("viewer").check(Permission.FLEET_RUNS_CANCEL)


def test_whoever_sits_at_the_machine_answers_nothing() -> None:
    actor = local_actor("root")
    assert not actor.may(Permission.FLEET_APPROVALS_ANSWER)
    assert all(actor.may(each) for each in Permission if each is not Permission.FLEET_APPROVALS_ANSWER)


@pytest.mark.parametrize("kind", [Verbs, *parts_of(Viewing)])
def test_every_verb_and_view_asks_for_a_permission(kind: type[Any]) -> None:
    own = [
        (name, member)
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_") and name != "refused"
    ]
    assert own
    for name, member in own:
        assert isinstance(permission_of(member), Permission), f"{kind.__name__}.{name}"


def test_a_group_of_views_is_in_views() -> None:
    named = {hint for hint in inspect.getsource(Views).split() if hint.endswith("(source)")}
    assert {f"{kind.__name__}(source)" for kind in parts_of(Viewing)} - named == {
        "OverviewViews(source)",
        "TourViews(source)",
    }
