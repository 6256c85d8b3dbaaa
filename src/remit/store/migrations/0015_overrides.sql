-- What people did not let stand of what an agent proposed: each becomes a case of the agent's evaluation set.
-- Content lies in payloads, under its task's salt; here are only digests, so that erasing a task erases its cases too.
create table overrides (
  id text primary key,
  approval text not null unique references approvals (id),  -- the last answer to a question stands; the log has all
  kind text not null check (kind in ('action', 'proposal', 'answer')),
  answer text not null check (answer in ('edit', 'reject')),
  category text not null,             -- why, from the taxonomy
  person text not null,
  agent text not null,
  version text not null,
  name text not null,                 -- the tool, or `answer`
  task text not null,
  run text not null,
  step integer not null,
  input text not null,                -- payload of what the run was given
  proposed text not null,             -- payload of what the agent proposed
  decided text not null default '',   -- payload of what it was changed to; empty: it must not be
  reason text not null,               -- payload of the person's own words
  at integer not null
) strict;
create index overrides_by_agent on overrides (agent, id);
create index overrides_by_run on overrides (run, step);

alter table votes add column category text not null default '';

-- What the agent said of its own certainty when it asked: an edit is judged with it before it is taken.
alter table approvals add column confidence text not null default '';
