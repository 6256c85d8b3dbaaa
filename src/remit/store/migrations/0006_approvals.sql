create table approvals (
  id text primary key,
  kind text not null check (kind in ('action', 'proposal', 'unknown', 'answer')),
  run text not null,
  step integer not null,
  task text not null,
  agent text not null,
  version text not null,
  name text not null,                 -- the tool, or 'answer'
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
create index approvals_by_state on approvals (state, asked_at);
create index approvals_by_run on approvals (run, step);

create table votes (
  approval text not null references approvals (id),
  person text not null,
  answer text not null check (answer in ('approve', 'edit', 'reject')),
  roles text not null,                -- JSON: the roles they held when they answered
  digest text not null,               -- what they said it to
  reason text not null,
  at integer not null,
  primary key (approval, person, digest)
) without rowid, strict;
