"""A fleet's database with a long history in it, made by SQL in seconds: for what must stay fast when there is much.

What is in it is invented, and only its size is of interest: runs of eight steps each (old ones of which one is left)
over ninety days, evenly; of a
hundred tasks 91 succeeded, two failed, one was cancelled, three wait for people, one is queued, two run. The agents are
registered under the release of the folder's own agent, so that their pages show a real contract.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from remit.audit.tiles import Margin, complete_tiles
from remit.audit.tree import CompactRange, leaf_hash
from remit.core import DAY, HOUR, SECOND
from remit.store import SqliteTransaction

STEPS = 8
DAYS = 90
_SHARED = "hmac-sha256:" + "5eeded" * 10 + "5eed"


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    agents: int = 10_000
    runs: int = 125_000
    units: int = 100
    logged: int = 125_000
    """The newest runs whose decisions are in the log too."""
    whole: int = 125_000
    """The newest runs with all their steps; of those before only one is left."""

    @property
    def steps(self) -> int:
        """How many steps there are."""
        whole = min(self.whole, self.runs)
        return whole * STEPS + self.runs - whole


def seed(database: Path, size: Size, now: int) -> None:
    """Fills the database of a fleet that was opened and loaded once, and is closed."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for pragma in ("synchronous = off", "temp_store = memory", "cache_size = -400000"):
        connection.execute(f"pragma {pragma}")
    given = {
        "agents": size.agents, "runs": size.runs, "units": size.units, "now": now, "steps": STEPS, "shared": _SHARED,
        "begin": now - DAYS * DAY, "apart": DAYS * DAY // size.runs, "day": DAY, "first": size.runs - size.logged, "whole": size.runs - size.whole,
        "until": now + 8 * HOUR, "second": SECOND,
    }  # fmt: skip
    connection.execute("begin immediate")
    connection.execute(
        "create temp table n as with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < :runs) "
        "select i, i % 100 as lot, :begin + i * :apart as at, 'agent-' || printf('%05d', i * 7919 % :agents) as agent, "
        "printf('%012x7%019x', (:begin + i * :apart) / 1000, i) as id from n",
        given,
    )
    connection.execute(
        "create temp table k as with recursive k (s) as (select 1 union all select s + 1 from k where s < :steps) "
        "select s, case when s % 2 = 0 then 'model' else 'tool' end as kind, "
        "case when s % 2 = 0 then 'simulated' when s = 3 then 'shop__issue_refund' else 'shop__get_order' end as name "
        "from k",
        given,
    )
    for statement in _STATEMENTS:
        connection.execute(statement, {name: value for name, value in given.items() if f":{name}" in statement})
    _log(connection, given)
    connection.execute("commit")
    connection.execute("analyze")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


def _log(connection: sqlite3.Connection, given: Mapping[str, object]) -> None:
    """Appends the newest runs' entries, with the tree over them, as if they had been logged one after the other."""
    head = connection.execute("select size, stack from log_head").fetchone()
    triggers = connection.execute("select name, sql from sqlite_schema where type = 'trigger' and tbl_name = 'log'")
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f"drop trigger {name}")
    connection.execute(_LOG, {"first": given["first"], "size": head["size"]})
    for _, sql in kept:
        connection.execute(sql)
    tree = CompactRange.from_bytes(head["size"], head["stack"])
    rows = connection.execute("select body from log where leaf_index >= ? order by leaf_index", (head["size"],))
    fresh = [leaf_hash(row["body"]) for row in rows]
    complete_tiles(SqliteTransaction(connection), tree, fresh, Margin())
    for each in fresh:
        tree.append(each)
    connection.execute("update log_head set size = ?, stack = ?", (tree.size, tree.to_bytes()))


_STATEMENTS = (
    """insert into versions (agent, version, contract, release, unit, class, owner, lifecycle, state, approved_by,
         approved_at, created_at, seen_at)
       select 'agent-' || printf('%05d', n.i), '1.0.0', v.contract, v.release, 'unit-' || printf('%03d', n.i % :units),
         v.class, v.owner, case n.lot when 0 then 'paused' when 1 then 'retired' else 'live' end,
         case n.lot when 2 then 'draining' else 'approved' end, 'seed', :begin, :begin, :now
       from n, (select * from versions limit 1) as v where n.i < :agents""",
    """insert into tasks (id, agent, intent, on_behalf_of, chain, salt, input, state, outcome, created_at, ended_at)
       select 'task_' || id, agent, '', 'customer-' || (i % 5000) || '@shop.example', '["customer@shop.example"]',
         zeroblob(32), :shared,
         case when lot < 91 then 'done' when lot < 93 then 'failed' when lot < 94 then 'cancelled' else 'open' end,
         case when lot < 91 then 'success' when lot < 93 then 'failure' when lot < 94 then 'cancelled' else '' end,
         at, case when lot < 94 then at + (20 + i * 37 % 4000) * :second / 10 end
       from n""",
    """insert into runs (id, task, agent, version, release, state, attempt, output, reason, created_at, ended_at,
         waits_for)
       select 'run_' || n.id, 'task_' || n.id, n.agent, '1.0.0', v.release,
         case when lot < 91 then 'done' when lot < 93 then 'failed' when lot < 94 then 'cancelled'
           when lot < 97 then 'waiting' when lot < 98 then 'queued' else 'waiting' end,
         1, case when lot < 91 then :shared end,
         case when lot in (91, 92) then 'its answer did not pass its gate' else '' end, n.at,
         case when lot < 94 then n.at + (20 + i * 37 % 4000) * :second / 10 end,
         case when lot >= 94 and lot < 97 then 'apr_' || n.id when lot >= 98 then 'timer' else '' end
       from n join versions v on v.agent = n.agent""",
    """insert into attempts (run, number, executor, state, started_at, ended_at)
       select 'run_' || id, 1, 'seed/1/1', case when lot < 91 then 'done' when lot < 94 then 'failed' else 'waiting' end,
         at, at + :second from n""",
    """insert into steps (run, step, attempt, kind, name, asked, judged, sent, state, decision, approval, result, cost,
         at, ended_at)
       select 'run_' || n.id, k.s, 1, k.kind, k.name, :shared, :shared, :shared,
         case when n.lot >= 94 and k.s = :steps then 'waiting' else 'done' end, 'dec_' || n.id || k.s,
         case when n.lot >= 94 and k.s = :steps then 'apr_' || n.id else '' end, :shared, 200,
         n.at + k.s * :second / 10, n.at + k.s * :second / 10 + 40000
       from n, k where n.i >= :whole or k.s = 3""",
    """insert into charges (run, step, task, agent, version, unit, kind, name, amount, source, input_tokens,
         output_tokens, at)
       select 'run_' || n.id, k.s, 'task_' || n.id, n.agent, '1.0.0', v.unit, k.kind, k.name,
         case k.kind when 'model' then 900 else 200 end, case k.kind when 'model' then 'simulated' else 'live' end,
         case k.kind when 'model' then 800 else 0 end, case k.kind when 'model' then 60 else 0 end, n.at
       from n, k, versions v where v.agent = n.agent and (n.i >= :whole or k.s = 3)""",
    """insert into approvals (id, kind, run, step, task, agent, version, name, digest, proposed, needs, because,
         on_behalf_of, state, revision, asked_at, expires_at, decided_at)
       select 'apr_' || id, 'action', 'run_' || id, case when lot < 94 then 3 else :steps end, 'task_' || id, agent,
         '1.0.0', 'shop__issue_refund', :shared, :shared, '[[["care-lead",1]],[["treasurer",2]]]',
         'facts.delivered and amount <= 500: human-in-the-loop by care-lead', 'customer@shop.example',
         case when lot < 94 then 'used' else 'pending' end, 0, at, case when lot < 94 then at + :day else :until + i end,
         case when lot < 94 then at + :second end
       from n where lot % 20 = 3 or (lot >= 94 and lot < 97)""",
    """insert into votes (approval, person, answer, roles, digest, reason, at)
       select id, 'cara.lead@shop.example', 'approve', '["care-lead"]', digest, 'looked at it', decided_at
       from approvals where state = 'used'""",
    """insert into budgets (id, cap, spent) select 'run:run_' || id, 400000, 4400 from n""",
    """insert into budgets (id, cap, spent)
       select 'agent:' || agent || ':' || date(:now / 1000000, 'unixepoch'), 200000000, 1000000 from versions
       where agent like 'agent-%'""",
    """insert into payloads (digest, task, body) values (:shared, '', cast(
       '{"kind":"tool","name":"shop__issue_refund","arguments":{"order_id":"R-2","amount":450,"why":"broken"},'
       || '"value":{"refund_id":"rf-1"},"order_id":"R-2","message":"Please refund 450.00 of my order R-2."}' as blob))""",
)
# The header of each leaf as the log writes it, then the few fields that pages read.
_LOG = """
insert into log (leaf_index, stream, seq, kind, ref, at, body)
select place, stream, seq, kind, ref, at,
  cast('{"stream":"' || stream || '","seq":' || seq || ',"index":' || place || ',"kind":"' || kind || '","at":' || at
    || ',' || rest || '}' as blob)
from (
  select :size + row_number() over (order by n.i, e.seq) - 1 as place, 'run_' || n.id as stream, e.seq, e.kind,
    case e.kind when 'decision' then 'dec_' || n.id || e.s else 'run_' || n.id end as ref, n.at + e.seq as at,
    case e.kind
      when 'run.queued' then '"agent":"' || n.agent || '","task":"task_' || n.id || '","version":"1.0.0"'
      when 'attempt' then '"executor":"seed/1/1","number":1'
      else '"action":{"kind":"' || e.what || '","name":"' || e.name || '","step":' || e.s || '},"confidence":"0.9",'
        || '"constraints":["at most 60 calls in 60 s","price 0.01 EUR"],"decision":"dec_' || n.id || e.s || '",'
        || '"facts":{"delivered":true},"override":[],"principal":{"agent":"' || n.agent || '","version":"1.0.0"},'
        || '"run":"run_' || n.id || '","rung":"autonomous","rungs":[{"allowed":true,"policies":["agent/' || n.agent
        || '@1.0.0/' || e.name || '/1/act"],"rung":"autonomous"}],"task":"task_' || n.id || '","verdict":"permit"'
    end as rest
  from n join (
    select 1 as seq, 'run.queued' as kind, 0 as s, '' as what, '' as name union all select 2, 'attempt', 0, '', ''
    union all select 2 + s, 'decision', s, kind, name from k) as e
  where n.i >= :first)
"""
