-- Executors: the processes that drive attempts. One whose heartbeat stopped has lost its attempts to others.
create table executors (
  id text primary key,                -- host/pid/unique
  host text not null,
  pid integer not null,
  started_at integer not null,
  seen_at integer not null,
  ended_at integer                    -- when it stopped by itself; null while it works, or when it was killed
) without rowid, strict;
create index executors_by_seen on executors (seen_at) where ended_at is null;

alter table runs add column input text not null default '';          -- digest of what it was given; empty: its task's
alter table runs add column parent_step integer;                     -- the hand-off of the parent that made it
alter table runs add column ready_at integer;                        -- when it can go on; null: somebody has to come first
alter table runs add column waits_for text not null default '';      -- approval, run, `switch`, `timer` or `release`
alter table runs add column effects integer not null default 1 check (effects in (0, 1));  -- 0: a fork without effects
update runs set ready_at = created_at where state in ('queued', 'waiting');
-- What can go on is found without looking at what waits: thousands of parked runs cost a reader nothing.
create index runs_ready on runs (ready_at) where ready_at is not null;
create index runs_by_parent on runs (parent_run) where parent_run is not null;
create index charges_by_task on charges (task);
create index steps_open on steps (run, step) where state in ('decided', 'unknown');
create index attempts_running on attempts (executor) where state = 'running';

-- A new kind of question, `stuck`: SQLite changes a check only by making the table anew, and its votes with it.
create table approvals_new (
  id text primary key,
  kind text not null check (kind in ('action', 'proposal', 'unknown', 'answer', 'stuck')),
  run text not null,
  step integer not null,              -- of a stuck run: the last attempt it was asked about
  task text not null,
  agent text not null,
  version text not null,
  name text not null,                 -- the tool, `answer`, or what the run is stuck at
  digest text not null,               -- of the action that is asked for; an edit changes it
  proposed text not null,             -- payload of the arguments that are asked for
  options text not null default '[]', -- what else the agent considered, with consequences: JSON
  needs text not null,                -- JSON: alternatives, each a list of {role, count}
  because text not null,
  on_behalf_of text not null,
  state text not null default 'pending'
    check (state in ('pending', 'approved', 'rejected', 'expired', 'used', 'withdrawn')),
  revision integer not null default 0,
  asked_at integer not null,
  expires_at integer not null,
  decided_at integer,
  used_at integer,
  reason text not null default ''
) strict;
insert into approvals_new select * from approvals;

create table votes_new (
  approval text not null references approvals_new (id),
  person text not null,
  answer text not null check (answer in ('approve', 'edit', 'reject')),
  roles text not null,                -- JSON: the roles they held when they answered
  digest text not null,               -- what they said it to
  reason text not null,
  at integer not null,
  primary key (approval, person, digest)
) without rowid, strict;
insert into votes_new select * from votes;

drop table votes;
drop table approvals;
alter table approvals_new rename to approvals;
alter table votes_new rename to votes;
create index approvals_by_state on approvals (state, asked_at);
create index approvals_by_run on approvals (run, step);
