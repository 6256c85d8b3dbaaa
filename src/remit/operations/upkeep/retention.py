"""What is forgotten, and when: content of tasks that ended long ago, tokens that nobody can use any more.

The log is never cut. What it says of a task are digests under the task's salt: with content and salt gone, they name
nothing any more, and verify as before.
"""

import json
import secrets
from dataclasses import dataclass

from remit.audit import make_entry
from remit.core import DAY, Clock, JsonValue, Retention
from remit.journal.model import SALT_BYTES
from remit.store import Commit, Database, Statement, load_queries

_Q = load_queries("remit.operations")
ERASED = "retention.erased"
# Few enough that a decision which waits behind them does not feel it.
TASKS_AT_ONCE, ROWS_AT_ONCE = 20, 200


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Says what is to be forgotten now, one small commit after the other; several processes may do it at once."""

    database: Database
    clock: Clock
    terms: Retention

    def next_commit(self) -> Commit | None:
        """Returns the commit that forgets some of what is due, None when nothing is."""
        return self._content() or self._access()

    def _content(self) -> Commit | None:
        if self.terms.content_days is None:
            return None
        before = self.clock.now() - int(self.terms.content_days * DAY)
        due = self.database.read(_Q["tasks_to_erase"], {"before": before, "limit": TASKS_AT_ONCE})
        if not due:
            return None
        tasks = [row["id"] for row in due]
        statements = [statement for task in tasks for statement in self._erase(task)]
        fields: dict[str, JsonValue] = {
            "tasks": len(tasks),
            "payloads": sum(row["payloads"] for row in due),
            "ended_before": before,
        }
        return Commit(statements, [make_entry("cell", ERASED, "content", self.clock.now(), fields)], key=ERASED)

    def _erase(self, task: str) -> list[Statement]:
        """A new salt severs what stays from its names: without it, short texts could be guessed."""
        salt = secrets.token_bytes(SALT_BYTES)
        named = {"task": task, "at": self.clock.now(), "salt": salt}
        return [
            Statement(_Q["erase_task"], named, refusal="it goes on, or somebody else erased it"),
            Statement(_Q["erase_payloads"], {"task": task}, want=None),
            Statement(_Q["erase_subjects"], {"task": task}, want=None),
        ]

    def _access(self) -> Commit | None:
        if self.terms.access_days is None:
            return None
        before = self.clock.now() - int(self.terms.access_days * DAY)
        due = self.database.read(_Q["tokens_to_drop"], {"before": before, "limit": ROWS_AT_ONCE})
        if not due:
            return None
        ids = json.dumps([row["id"] for row in due])
        entry = make_entry("cell", ERASED, "access", self.clock.now(), {"tokens": len(due), "ended_before": before})
        drop = Statement(_Q["drop_tokens"], {"tokens": ids}, want=len(due), refusal="somebody else dropped them")
        return Commit([drop], [entry], key=ERASED)
