"""Rows for every table, the same on both databases, and values that statements are asked with.

They are drawn at random from small pools, so that keys meet, times tie, and texts differ by case and by length only.
"""

import itertools
import json
import random
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from remit.core import DAY
from remit.store import Query, Value

Pool = tuple[Value, ...]
PARAMETER = re.compile(r"'(?:[^']|'')*'|::\w+|:(?P<name>[a-z_][a-z_0-9]*)")
_TABLES = re.compile(r"\b(?:from|join|into|update)\s+([a-z_]+)")
ROWS = 60
# Stands for a text that no row has.
NEW = "new"
# Figures have counted so many charges.
COUNTED = 5

AGENTS: Pool = ("desk", "Desk", "triage", "été")
VERSIONS: Pool = ("1.0.0", "1.1.0", "2.0.0")
RELEASES: Pool = ("r1", "R1", "r2")
UNITS: Pool = ("care", "Care", "ops")
PEOPLE: Pool = ("ann", "Ann", "bob")
TOOLS: Pool = ("shop__refund", "shop__Refund", "mail__send")
EXECUTORS: Pool = ("host/1/a", "host/2/B", "host/3/c", "host/4/d", "Host/4/d")
TASKS, RUNS, APPROVALS, CASES = (
    tuple(f"{name}_{number // 2:02}{'aAxYäÄ'[number % 6]}" for number in range(count))
    for name, count in (("task", 16), ("run", 20), ("apr", 24), ("case", 8))
)
DIGESTS: Pool = ("d1", "D1", "d2", "d3")
DECISIONS: Pool = tuple(f"dec_{number}" for number in range(5))
TIMES: Pool = tuple(20_000 * DAY + number * DAY // 3 for number in range(8))
DAYS: Pool = (19_999, 20_000, 20_001, 20_002, 20_003)
SMALL: Pool = (0, 1, 2, 3)
FLAGS: Pool = (0, 1)
SECRETS: Pool = (b"\x00\x01", b"\xff", b"")
SCOPES: Pool = (
    "fleet",
    "unit:care",
    "class:inner",
    "agent:desk",
    "agent:Desk",
    "version:desk@1.0.0",
    "tool:mail__send",
)
BODIES: Pool = tuple(
    json.dumps(each).encode()
    for each in (
        {"denied": {"reason": "too much"}},
        {"reason": "the gate does not hold", "constraints": ["gate before: stock"]},
        {"constraints": ["gate before: stock", "never"], "gate": "holds"},
        {"gate": "does not hold", "said": "é 'and' \"so\""},
    )
)

# By the name of a column, or of a column in a table, where the name says too little.
COLUMNS: dict[str, Pool] = {
    "actor": PEOPLE, "agent": AGENTS, "amount": (0, 7, 60), "answer": ("approve", "edit", "reject"),
    "answer_times": ("[]", "[5, 9]"), "approval": APPROVALS, "approved_by": PEOPLE, "asked": DIGESTS,
    "asked_by": PEOPLE, "attempt": SMALL, "login_failures.attempt": ("t1", "t2"), "because": ("why", "Why not"), "body": BODIES,
    "bound_by": ("input", "run_04a:1"), "bucket": SMALL, "budgets": ('["run:run_04a"]', "[]"), "by": PEOPLE,
    "calls": SMALL, "cap": (None, 0, 50, 100), "category": ("wrong", "Wrong", "late"), "chain": ('["ann"]',),
    "charges": (COUNTED,), "claim": ("c1", "c2"), "claimed_by": (None, *EXECUTORS), "class": ("inner", "user-facing"),
    "confidence": ("", "0.5"), "contract": DIGESTS, "cost": SMALL, "count": SMALL, "credential": SECRETS, "day": DAYS,
    "decided": ("", *DIGESTS), "decision": DECISIONS, "digest": DIGESTS, "effects": (0, 1, 1, 1),
    "entries": SMALL, "executor": EXECUTORS, "fence": SMALL, "fingerprint": SECRETS, "forked_at": (None, 1, 2),
    "hashes": SECRETS, "headers": ("{}",), "held": (0, 7, 20), "holder": (None, "run_04a:1", "run_05Y:2", "Run_04a:1"),
    "hops": SMALL, "host": ("host", "Host"), "id": ("x1", "X1", "x2", "x3", "X3", "x4"), "input": DIGESTS, "input_tokens": SMALL,
    "intent": ("", "mend it"), "is_error": (0, 0, 0, 1), "judged": DIGESTS, "key": ("k1", "K1", "k2"), "key_id": ("", "k"),
    "kind": ("tool", "model", "person"), "labels": ("", "injection", "Injection,pii"), "level": SMALL,
    "lifecycle": ("live", "live", "live", "prototype", "paused", "retired"), "name": TOOLS, "needs": ("[]", '[[{"role": "lead", "count": 1}]]'),
    "note": ("signed",), "number": SMALL, "on_behalf_of": PEOPLE, "options": ("[]",), "outcome": ("", "success", "failure"),
    "output": (None, *DIGESTS), "output_tokens": SMALL, "owner": PEOPLE, "parent_run": (None, *RUNS),
    "parent_step": (None, 1, 2), "permissions": ("[]",), "person": PEOPLE, "pid": SMALL, "priced": FLAGS,
    "priority": (0, 5, 5, 9), "program": ("", "bot"), "proposed": DIGESTS, "reason": ("", "upstream", "Upstream"),
    "ref": DECISIONS, "refused": (None, *TIMES), "refused_at": SMALL, "release": RELEASES, "resource": ("order:1", "order:2", "Order:1"),
    "result": ("", *DIGESTS), "revision": SMALL, "revoked_by": ("", *PEOPLE), "rollback": RUNS, "roles": ('["lead"]',),
    "root": SECRETS, "run": RUNS, "said": DIGESTS, "salt": SECRETS, "scope": ("fleet", "unit:care", "agent:desk"),
    "score": (1, 3, 5), "secret": SECRETS, "sent": ("", *DIGESTS), "sent_by": PEOPLE, "since": TIMES, "size": SMALL,
    "source": ("live", "recorded", "simulated"), "spent": (0, 5, 40), "stack": SECRETS, "status": (None, 200, 409),
    "step": SMALL, "stopped": FLAGS, "subject": ("person:ann", "client:127.0.0.1"), "task": TASKS, "total": SMALL,
    "trigger": ("0 7 * * *", "0 8 * * *"), "undoes": (None, None, None, None, *RUNS[:2]), "unit": UNITS,
    "until": TIMES, "upstream": ("tools:shop", "model:big"), "value": ("v1", "V1"), "version": VERSIONS,
    "waits_for": ("", "switch", "tools:shop", "model:big"), "why": ("refused", "Refused"), "window": SMALL,
    "approvals.id": APPROVALS, "approvals.kind": ("action", "proposal", "unknown", "answer", "stuck"),
    "approvals.state": ("pending", "approved", "rejected", "rejected", "expired", "used", "withdrawn"),
    "attempts.ended_at": TIMES, "steps.ended_at": TIMES, "attempts.state": ("running", "running", "waiting", "done", "failed", "lost"), "budgets.id": ("run:run_04a", "agent:desk:2026-11-20", "agent:Desk:2026-11-20", "unit:care:2026-11-20", "unit:ops:2026-11-21", "agent:triage:2026-11-20"),
    "executors.ended_at": (None, None, TIMES[5]), "executors.id": (*EXECUTORS, "host/9/z"), "feedback.kind": ("appeal", "person", "satisfaction"), "feedback.score": (None, 1, 5),
    "figure_times.kind": ("resolution", "answer"), "overrides.answer": ("edit", "reject"), "overrides.kind": ("action", "proposal", "answer"),
    "outages.executor": (*EXECUTORS, "host/8/gone"), "loaded.executor": (*EXECUTORS, "host/8/gone"), "loaded.releases": ('["r1"]', '["R1", "r2"]'), "overrides.id": CASES, "runs.id": RUNS,
    "runs.state": ("queued", "running", "running", "running", "waiting", "waiting", "waiting", "done", "failed", "cancelled"), "tokens.name": ("t",),
    "runs.attempt": (0, 1, 2), "runs.task": TASKS[:10], "approvals.task": TASKS[:10], "tasks.erased_at": (None, None, TIMES[0]),
    "revoked_at": (None, None, TIMES[3]), "login_links.used_at": (None, None, TIMES[3]), "switches.stopped": (0, 0, 0, 1), "dedup": (None, None, "k1", "K1", "k2"), "figures_head.one": (1,), "rates.calls": SMALL, "spending_days.agent": ("", *AGENTS),
    "steps.kind": ("tool", "tool", "tool", "tool", "model", "handoff", "memory", "value"), "steps.person": ("", "", "ann"),
    "steps.state": ("waiting", "waiting", "decided", "done", "done", "denied", "unknown"), "subjects.kind": ("customer", "order"), "switches.scope": SCOPES,
    "tasks.id": TASKS, "tasks.state": ("open", "done", "done", "failed", "cancelled"), "versions.seen_at": (None, *TIMES),
    "versions.state": ("pending", "approved", "approved", "draining", "refused"),
}  # fmt: skip
_NUMBERS = (
    "answers", "appeals", "asked", "denied", "ended", "entries", "intervened", "model", "person_asked", "person", "rated",
    "recorded", "resolution", "simulated", "succeeded", "tool", "unpriced", "waiting", "waste", "score",
)  # fmt: skip
COLUMNS.update({f"{table}.{name}": SMALL for table in ("task_figures", "figure_days") for name in _NUMBERS})

# By the name of a parameter, or of a parameter of a statement, that is not a column's, or not of that type.
PARAMETERS: dict[str, Pool] = {
    "after": ("", *RUNS, *TASKS, *APPROVALS, *AGENTS), "again": FLAGS, "ageing": (DAY,), "agent": ("", *AGENTS),
    "agent_limit": (2, 99), "agent_limits": ("{}", '{"desk": 1}'), "agents": ('["desk", "Desk"]', "[]"), "before": TIMES,
    "check": SMALL, "places": ('["order:1", "order:2", "desk__new#0"]', '["Order:1"]', "[]"), "driving": (json.dumps(RUNS[:2]), "[]"), "killed": (json.dumps(EXECUTORS[:1]), "[]"), "days": (json.dumps(DAYS), json.dumps(sorted({each // DAY for each in TIMES})), "[]"), "due": TIMES, "end": (2, 5, 99), "ending": ("", "00a", "04ä", "4ä", "00", "_00A", "nothing that long"),
    "first": SMALL, "fork": RUNS, "from": SMALL, "from_charges": (COUNTED,), "from_entries": SMALL, "idle_since": TIMES,
    "kinds": ('["decision"]', '["outcome", "note"]'), "label": ("injection", "Injection", ""), "last": (1, 4, 99),
    "limit": (1, 2, 3, 50), "limited": FLAGS, "most": SMALL, "now": TIMES, "room": (1, 3, 50), "search": ("", "es", "D", "é"),
    "releases": ('["r1"]', "[]"), "scopes": (json.dumps(SCOPES), '["fleet"]', "[]"), "seen": (-1, 0, 1, 2),
    "seq": (1, 2), "served": ("{}", json.dumps({"5/care": TIMES[3], "5/ops": TIMES[1]})), "status": (200, 404), "states": ('["open", "done", "queued", "pending", "used"]',),
    "stream": ("cell", *RUNS), "tasks": (json.dumps(TASKS), json.dumps(TASKS[:2]), "[]"), "tokens": ('["x1", "X1"]', "[]"),
    "tries": (1, 3), "unit": ("", *UNITS), "unit_limit": (2, 99), "unknown": ('["r1"]', "[]"), "was": EXECUTORS,
    "leaf_index": (0, 3, 99), **{f"s{number}": (*SCOPES, *["run:none"] * 20) for number in range(7)},
    "answers": SMALL, "model": SMALL, "tool": SMALL, "recorded": SMALL, "simulated": SMALL, "rated": SMALL,
    "appeals": SMALL, "denied": SMALL, "ended": SMALL, "intervened": SMALL, "person_asked": SMALL, "resolution": SMALL,
    "succeeded": SMALL, "unpriced": SMALL, "waiting": SMALL, "waste": SMALL, "stopped": FLAGS,
    "doctor.outages.seen": TIMES, "journal.take_over.seen": TIMES, "endpoints.take_key_over.before": ("c1", "c2"),
    "journal.lost_attempts.since": SMALL, "audit.waiting_entries.most": (1, 50), "journal.backlog.most": (1, 50), "journal.backlog_of_each.most": (50,), "controls.count_call.most": (0, 2, 9),
    "kpis.put_task.asked": SMALL, "kpis.add_day.asked": SMALL, "kpis.put_task.person": SMALL, "kpis.add_day.person": SMALL,
    "kpis.put_task.score": SMALL, "kpis.add_day.score": SMALL, "ledger.budgets_of_day.day": ("2026-11-20", "2026-11-21"),
    "ledger.open_budget.id": ("run:run_05Y", "agent:desk:2026-11-20", "unit:new"),
    "journal.park_run.until": (None, *TIMES), "views.log_newest.before": (3, 99), "views.log_of_stream.before": (3, 99), "views.log_of_ref.before": (3, 99),
    **{f"kpis.{name}.scopes": (json.dumps(["fleet", "unit:care", "agent:desk"]), '["agent:desk"]', "[]") for name in ("outcomes_of_days", "late_of_days")},
    "kpis.outcomes_since.first": TIMES, "kpis.outcomes_since.late": SMALL, "moments": (json.dumps(TIMES), json.dumps(TIMES[:1]), "[]"),
    "runtime.advance_schedule.after": TIMES, "views.agents.after": ("", *AGENTS), "kpis.new_spending.first": (COUNTED,),
    "kpis.new_spending.last": (COUNTED + 1, COUNTED + 4, COUNTED + 99), "registry.has_name.name": (*AGENTS, "desk@1.0.0", "care", "inner"),
    "registry.has_name.kind": ("unit", "class", "agent", "version"), "registry.names.kind": ("unit", "class", "agent", "version"),
    "views.in_scope.kind": ("fleet", "unit", "class", "agent", "version", "tool"), "views.in_scope.name": (*AGENTS, "desk@1.0.0", "care", "inner"),
    "views.votes_of.person": PEOPLE, "journal.add_payload.digest": (*DIGESTS, NEW, NEW, NEW), "registry.keep_bundle.digest": ("d1", NEW, NEW),
    "registry.keep_release.digest": ("d1", NEW), "identity.begin_session.secret": (b"\x07", b"\xff"), "identity.issue_link.secret": (b"\x07", b"\xff"),
    "audit.insert_entry.leaf_index": (ROWS, 3), "audit.insert_entry.stream": (NEW, "cell"), "audit.insert_entry.seq": (1, 2),
    "journal.bind_subject.kind": ("customer", "other"), "journal.add_attempt.number": (1, 11), "journal.keep_value.step": (1, 11), "journal.keep_recorded.step": (1, 11), "journal.deny_step.step": (1, 11), "endpoints.claim_key.key": ("k1", NEW), "journal.open_step.step": (1, 11, 12), "ledger.keep_hold.step": (1, 11), "identity.fail.attempt": ("t1", "t2"), "identity.forgive.attempt": ("t1", "t2"),
    **{f"kpis.{name}.{end}": DAYS for name in ("day_sums", "day_times", "each_day", "times_of_each_day", "outcomes_of_days", "late_of_days", "spending_of_one", "spending_of_agents", "spenders", "latest_spenders", "charges_of_days") for end in ("first", "last")},
}  # fmt: skip
LINKS = ("run", "task", "approval", "agent", "version")
# What a row of a table is called elsewhere.
_NAMES = {"runs": "run", "tasks": "task", "approvals": "approval", "executors": "executor"}

# Which parameter names the row that a statement of a set is about.
KEYS = ("id", "run", "resource", "key", "digest", "task", "scope", "day", "agent", "leaf_index")


def fill(connection: sqlite3.Connection) -> None:
    """Puts rows into every table of an empty store; what a constraint forbids is left out."""
    connection.execute("delete from figures_head")
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    for table in sorted(tables, key=["tasks", "runs", "approvals"].__contains__, reverse=True):
        if table not in ("migrations", "log") and not table.startswith(("log_", "sqlite")):
            _fill_table(connection, table)
    connection.execute(
        "update tasks set state = 'done', erased_at = null, ended_at = ? where id = ?", (TIMES[0], TASKS[-1])
    )
    connection.execute("update executors set ended_at = null, seen_at = ? where id = ?", (TIMES[-1], EXECUTORS[0]))
    connection.execute("update attempts set state = 'lost' where number = 0")
    connection.execute("update attempts set ended_at = null where state = 'running'")
    connection.execute(
        "insert or ignore into attempts (run, number, executor, state, started_at)"
        " select id, attempt, 'host/1/a', 'running', 0 from runs where state = 'running'"
    )
    _fill_log(connection, random.Random("log"))


def _fill_table(connection: sqlite3.Connection, table: str) -> None:
    columns = [row[1:5] for row in connection.execute(f"pragma table_info({table})")]
    pools = {each[0]: pool for each in columns if (pool := _pool(table, *each))}
    named = ", ".join(f'"{name}"' for name in pools)
    text = f"insert or ignore into {table} ({named}) values ({', '.join('?' * len(pools))})"  # noqa: S608  our own tables
    for number in range(1 if table == "figures_head" else ROWS):
        # Each value by itself, so that a new column changes no other; and every id is there.
        row = [
            pool[number % len(pool)] if name == "id" else random.Random(f"{table} {name} {number}").choice(pool)
            for name, pool in pools.items()
        ]
        with suppress(sqlite3.IntegrityError):  # whoever it belongs to is not there
            connection.execute(text, row)


def _pool(table: str, column: str, kind: str, required: int, default: str | None) -> Pool:
    """Returns what a column may be; nothing for one that can be left to its default, and for a number that counts."""
    known = COLUMNS.get(f"{table}.{column}") or COLUMNS.get(column)
    if (table, column) == ("feedback", "number"):
        return ()
    if known is None and kind == "INTEGER":
        return TIMES if required else (None, *TIMES)
    assert known or default is not None or not required, f"say in COLUMNS what {table}.{column} may be"
    return tuple(each for each in known or () if each is not None or not required)


def _fill_log(connection: sqlite3.Connection, draw: random.Random) -> None:
    seqs: dict[str, int] = {}
    for number in range(ROWS):
        stream = str(draw.choice(("cell", *RUNS[:8])))
        seqs[stream] = seqs.get(stream, 0) + 1
        kind = draw.choice(("decision", "outcome", "note"))
        row = (
            number,
            stream,
            seqs[stream],
            kind,
            draw.choice((*DECISIONS, "dec_90", "dec_91")),
            TIMES[0],
            draw.choice(BODIES),
        )
        connection.execute("insert into log values (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("insert into log_tiles values (0, 0, x'01', x'02'), (0, 1, x'03', x'04')")
    connection.execute("update log_head set size = ?", (ROWS,))
    connection.execute("insert into log_checkpoints values (?, ?, 'signed')", (ROWS, TIMES[2]))


class Asking:
    """Parameters for statements: from rows that are there, so that they find something, or from the pools."""

    def __init__(self, content: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._content = content
        self._new = itertools.count(1)

    def parameters(self, query: Query, draw: random.Random) -> dict[str, Value]:
        """Returns values for all parameters of a statement."""
        seen, trust = self._seen(query, draw), draw.choice((0.8, 1.0))
        return {
            name: self._value(query, name, seen if draw.random() < trust else {}, draw) for name in names(query.sql)
        }

    def members(self, query: Query, draw: random.Random, count: int, *, apart: bool) -> list[dict[str, Value]]:
        """Returns parameters for commits of one batch; when they are apart, no two want the same row."""
        members: list[dict[str, Value]] = []
        for _ in range(50):
            new = self.parameters(query, draw)
            if len(members) < count and (not apart or all(_is_apart(new, each) for each in members)):
                members.append(new)
        return members

    def _seen(self, query: Query, draw: random.Random) -> dict[str, Value]:
        seen: dict[str, Value] = {}
        for table in dict.fromkeys(_TABLES.findall(query.sql)):
            rows = self._content.get(table)
            if not rows:
                continue
            known = [{**row, _NAMES[table]: row["id"]} if table in _NAMES else dict(row) for row in rows]
            alike = [
                row for row in known if all(row[name] == seen[name] for name in LINKS if name in row and name in seen)
            ]
            row = draw.choice(alike or known)
            seen |= row
            if row.get("claimed_by"):
                seen["executor"] = row["claimed_by"]
        return seen

    def _value(self, query: Query, name: str, seen: Mapping[str, Value], draw: random.Random) -> Value:
        if name == "id" and query.sql.startswith("insert") and "executors" not in query.sql and draw.random() < 0.6:
            return f"new_{next(self._new)}"
        own = PARAMETERS.get(f"{query.name}.{name}")
        if own is None and name in seen:
            return seen[name]
        pool = own or PARAMETERS.get(name) or _of_table(query, name) or COLUMNS.get(name)
        if pool is None:
            assert name == "at" or name.endswith("_at"), f"say in PARAMETERS what :{name} of {query.name} may be"
            pool = TIMES
        value = draw.choice(pool)
        return f"new_{next(self._new)}" if value == NEW else value


def _is_apart(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    keys = [name for name in KEYS if name in one]
    return all(one[name] != other[name] for name in keys[:1]) if keys else True


def _of_table(query: Query, name: str) -> Pool | None:
    return next((COLUMNS[f"{t}.{name}"] for t in _TABLES.findall(query.sql) if f"{t}.{name}" in COLUMNS), None)


def names(sql: str) -> Iterable[str]:
    """Returns the names of a statement's parameters, each once."""
    return dict.fromkeys(match["name"] for match in PARAMETER.finditer(sql) if match["name"])
