create table tasks (
  id text primary key,
  agent text not null,
  intent text not null default '',
  on_behalf_of text not null,
  chain text not null default '[]',   -- delegation chain, JSON array, the first is the person
  salt blob not null,                 -- names every payload of the task; deleting it severs the log from the content
  input text not null,
  dedup text,                         -- a trigger's de-duplication key; each agent has its own
  state text not null default 'open' check (state in ('open', 'done', 'failed', 'cancelled')),
  outcome text not null default '',
  created_at integer not null,
  ended_at integer,
  unique (agent, dedup)
) strict;

create table subjects (
  task text not null references tasks (id),
  kind text not null,
  value text not null,
  bound_by text not null,             -- 'input', or run:step of the call that found it out
  primary key (task, kind)
) strict;

create table runs (
  id text primary key,
  task text not null references tasks (id),
  agent text not null,
  version text not null,
  release text not null,
  parent_run text,
  forked_at integer,
  hops integer not null default 0,
  state text not null default 'queued'
    check (state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
  attempt integer not null default 0,
  secret blob,                        -- SHA-256 of the running attempt's secret
  output text,
  reason text not null default '',
  created_at integer not null,
  ended_at integer
) strict;
create index runs_by_task on runs (task);
create index runs_by_state on runs (state, created_at);

create table attempts (
  run text not null references runs (id),
  number integer not null,
  executor text not null,
  state text not null check (state in ('running', 'waiting', 'done', 'failed', 'lost')),
  started_at integer not null,
  ended_at integer,
  reason text not null default '',
  primary key (run, number)
) strict;

create table steps (
  run text not null references runs (id),
  step integer not null,
  attempt integer not null,
  kind text not null check (kind in ('tool', 'model', 'handoff', 'memory', 'value')),
  name text not null,
  asked text not null,                -- digest of the action as it came
  judged text not null default '',    -- digest of what was judged
  sent text not null default '',      -- digest of what was sent
  state text not null check (state in ('waiting', 'decided', 'done', 'denied', 'unknown')),
  decision text not null,
  approval text not null default '',
  person text not null default '',    -- who acts, when it is not the agent
  result text not null default '',
  is_error integer not null default 0,
  refused_at integer not null default 0,
  cost integer not null default 0,
  at integer not null,
  ended_at integer,
  primary key (run, step)
) without rowid, strict;
create index steps_by_decision on steps (decision);

create table payloads (
  digest text primary key,            -- hmac-sha256 under the task's salt
  task text not null,
  labels text not null default '',
  subject text not null default '',
  key_id text not null default '',
  body blob not null
) without rowid, strict;
create index payloads_by_task on payloads (task);
