"""Putting what people do on the record, in the same commit as what it does."""

from collections.abc import Mapping, Sequence
from typing import Any

from remit.audit import make_entry
from remit.core import ConflictError, InputError
from remit.gateway import SAY_WHY, Parts
from remit.store import Commit, CommitRefused, Statement

VERIFIED = "the whole log"
"""What an entry about a verification of the log refers to."""


async def commit_verb(
    parts: Parts,
    kind: str,
    ref: str,
    fields: Mapping[str, Any],
    statements: Sequence[Statement],
    *,
    stream: str = "cell",
) -> None:
    """Commits `statements` with their log entry; a guard that does not hold is a `ConflictError`."""
    entry = make_entry(stream, kind, ref, parts.clock.now(), dict(fields))
    result = await parts.writer.commit(Commit(list(statements), [entry], ref))
    if isinstance(result, CommitRefused):
        raise ConflictError("This could not be done", which=ref, why=result.refusal)


def given_reason(because: str, which: str, doing: str) -> str:
    """Returns a reason; without one it is an `InputError`, because it goes on the record."""
    if not because.strip():
        raise InputError(
            f"{doing} takes a reason",
            which=which,
            hint=SAY_WHY,
        )
    return because
