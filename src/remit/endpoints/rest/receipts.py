"""What programs are told of what they did. No receipt holds content: views show that to whoever may see it."""

from typing import Annotated, Any

from pydantic import Field

from remit.approvals import Approval
from remit.audit import Report
from remit.identity import Token
from remit.journal import Run
from remit.operations import Actor, FeedbackSent, Receipt, Shown, moment
from remit.registry import Version


class RunReceipt(Shown):
    """A run and where it stands."""

    run: str
    task: str
    agent: str
    """`agent@version`."""
    state: str
    waits_for: str

    @classmethod
    def of(cls, run: Run, **more: Any) -> "RunReceipt":
        """Tells of a run."""
        agent = f"{run.agent}@{run.version}"
        return cls(run=run.id, task=run.task, agent=agent, state=run.state.value, waits_for=run.waits_for, **more)


class TaskReceipt(RunReceipt):
    """A task that was taken on, and its first run."""

    is_new: bool
    """False when it was taken on before under the same key."""


class FeedbackReceipt(Shown):
    """Feedback as it is kept; score and words are content, a view of the task shows them."""

    task: str
    kind: str
    is_new: bool
    """False when it was handed in before under the same key."""

    @classmethod
    def of(cls, sent: FeedbackSent) -> "FeedbackReceipt":
        """Tells of feedback."""
        return cls(task=sent.feedback.task, kind=sent.feedback.kind.value, is_new=sent.is_new)


class AnswerReceipt(Shown):
    """A question after an answer."""

    approval: str
    state: str
    run: str

    @classmethod
    def of(cls, approval: Approval) -> "AnswerReceipt":
        """Tells of a question."""
        return cls(approval=approval.id, state=approval.state.value, run=approval.run)


class SwitchReceipt(Shown):
    """A switch after it was pulled or reset."""

    scope: str
    stopped: bool
    because: str
    by: str
    asked: str
    in_force: str
    micros: int
    """From asked to in force: after it, no decision in the scope was committed."""
    running: int
    """Runs that were being driven; each goes no further than the call under way."""

    @classmethod
    def of(cls, receipt: Receipt) -> "SwitchReceipt":
        """Tells of a switch."""
        return cls(
            scope=receipt["scope"],
            stopped=receipt["stopped"],
            because=receipt["because"],
            by=receipt["by"],
            asked=moment(receipt["asked_at"]),
            in_force=moment(receipt["in_force_at"]),
            micros=receipt["micros"],
            running=receipt["running"],
        )


class VersionReceipt(Shown):
    """A version after it was approved or retired."""

    agent: str
    version: str
    lifecycle: str
    release: str
    """Whether it may act: pending, approved, draining or refused."""
    digest: str

    @classmethod
    def of(cls, version: Version) -> "VersionReceipt":
        """Tells of a version."""
        return cls(
            agent=version.agent,
            version=version.version,
            lifecycle=version.lifecycle.value,
            release=version.state.value,
            digest=version.release,
        )


class VerificationReceipt(Shown):
    """What was found when the whole log was read."""

    ok: bool
    origin: str
    size: int
    root: str
    """In base64, as in the checkpoint."""
    problems: tuple[str, ...]

    @classmethod
    def of(cls, report: Report) -> "VerificationReceipt":
        """Tells of a report."""
        return cls(**report.as_json())


class TokenShown(Shown):
    """An API token; its secret is kept nowhere."""

    id: str
    name: str
    as_: Annotated[str, Field(serialization_alias="as")]
    """As whom it acts: its owner, or `program:NAME`."""
    owner: str
    permissions: tuple[str, ...]
    state: str
    """live, expired or revoked."""
    created: str
    expires: str
    used: str
    revoked: str
    revoked_by: str

    @classmethod
    def of(cls, token: Token, now: int) -> "TokenShown":
        """Shows a token as of `now`."""
        return cls(
            id=token.id,
            name=token.name,
            as_=token.actor,
            owner=token.owner,
            permissions=token.permissions,
            state=token.state(now),
            created=moment(token.created_at),
            expires=moment(token.expires_at),
            used=moment(token.used_at),
            revoked=moment(token.revoked_at),
            revoked_by=token.revoked_by,
        )


class Me(Shown):
    """Whoever shows the token."""

    id: str
    """A person of people.yaml, or `program:NAME`."""
    roles: tuple[str, ...]
    units: tuple[str, ...]
    """The business units they work for; none means the whole fleet."""
    permissions: tuple[str, ...]

    @classmethod
    def of(cls, actor: Actor) -> "Me":
        """Shows an actor."""
        permissions = tuple(sorted(permission.value for permission in actor.permissions))
        return cls(id=actor.id, roles=actor.roles, units=tuple(sorted(actor.units)), permissions=permissions)
