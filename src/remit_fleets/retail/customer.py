"""The customer's side of a conversation, as a tool: what the agent says, and what the customer answers."""

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from remit.gateway import ToolCall, ToolError
from remit_fleets.retail.recorded import load_conversations
from remit_fleets.retail.tickets import load_tickets

_SCHEMA = """
CREATE TABLE IF NOT EXISTS said (
    key TEXT PRIMARY KEY, task TEXT NOT NULL, ticket TEXT NOT NULL, text TEXT NOT NULL, reply TEXT NOT NULL
);
"""


class Customer:
    """Plays every ticket's customer: the answers known beforehand, one after the other, for each task anew."""

    def __init__(self, replies: Mapping[str, Sequence[str]], path: Path | str = ":memory:") -> None:
        self._replies = replies
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    async def reply(self, call: ToolCall, *, ticket: str, text: str) -> str:
        """Returns what the customer of `ticket` answers to `text`; empty when the customer has nothing more to say."""
        if ticket not in self._replies:
            raise ToolError(f"Error: there is no customer waiting for an answer on ticket {ticket}")
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                return self._answer(call, ticket, text)
            finally:
                self._database.execute("COMMIT")

    def close(self) -> None:
        """Lets the database go."""
        self._database.close()

    def _answer(self, call: ToolCall, ticket: str, text: str) -> str:
        said = self._database.execute("SELECT reply FROM said WHERE key = ?", (call.key,)).fetchone()
        if said is not None:
            return said[0]
        tickets = [row[0] for row in self._database.execute("SELECT ticket FROM said WHERE task = ?", (call.task,))]
        if set(tickets) - {ticket}:
            raise ToolError("Error: this task speaks with the customer of another ticket")
        replies = self._replies[ticket]
        reply = replies[len(tickets)] if len(tickets) < len(replies) else ""
        row = (call.key, call.task, ticket, text, reply)
        self._database.execute("INSERT INTO said VALUES (?, ?, ?, ?, ?)", row)
        return reply


def connect(folder: Path) -> Customer:
    """Opens the customers of the fleet in `folder`: those of its tickets, and of recorded conversations if there."""
    replies = {ticket.id: ticket.replies for ticket in load_tickets(folder)}
    if shared := os.environ.get("REMIT_SHARED_DATA"):
        replies |= {conversation.ticket: conversation.replies for conversation in load_conversations(Path(shared))}
    path = folder / ".remit" / "customer.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Customer(replies, path)
