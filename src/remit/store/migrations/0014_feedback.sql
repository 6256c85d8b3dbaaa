-- What those served say of a task. Their words are content of the task and lie with its payloads, under this name.
create table feedback (
  number integer primary key,         -- in the order it came in: of several scores the last one counts
  task text not null,
  sent_by text not null,              -- who handed it in, not who said it
  key text not null,                  -- the sender's: the same key twice counts once
  kind text not null check (kind in ('appeal', 'person', 'satisfaction')),
  score integer check (score between 1 and 5),
  said text not null,                 -- payload: score and words
  at integer not null,
  unique (task, sent_by, key),
  check ((score is not null) = (kind = 'satisfaction'))
) strict;

-- What figures count of it.
alter table task_figures add column rated integer not null default 0;         -- 1: it has a score
alter table task_figures add column score integer not null default 0;         -- the last one
alter table task_figures add column appeals integer not null default 0;       -- 1: somebody appealed
alter table task_figures add column person_asked integer not null default 0;  -- 1: somebody asked for a person

alter table figure_days add column rated integer not null default 0;
alter table figure_days add column score integer not null default 0;
alter table figure_days add column appeals integer not null default 0;
alter table figure_days add column person_asked integer not null default 0;
alter table figure_days add column waste integer not null default 0;          -- charges of tasks that did not succeed

-- Days that were counted before know what failed tasks did cost, too.
with failed as materialized (
  select ended_at / 86400000000 as day, agent, unit, sum(tool + model + person) as amount
  from task_figures where succeeded = 0 group by 1, 2, 3
), wasted as materialized (
  select day, 'fleet' as scope, sum(amount) as amount from failed group by day
  union all select day, 'unit:' || unit, sum(amount) from failed group by day, unit
  union all select day, 'agent:' || agent, sum(amount) from failed group by day, agent
)
update figure_days set waste = wasted.amount from wasted
where wasted.day = figure_days.day and wasted.scope = figure_days.scope;
