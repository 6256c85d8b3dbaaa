-- How far figures have counted: entries of the log, and charges by rowid, which grows with every charge.
create table figures_head (
  one integer primary key check (one = 1),
  entries integer not null,
  charges integer not null
) strict;

insert into figures_head (one, entries, charges) values (1, 0, 0);

-- What was counted of each task that has ended. The tables below are sums over these rows, and change by differences.
create table task_figures (
  task text primary key,
  agent text not null,
  unit text not null,                 -- of the version of its first run
  ended_at integer not null,
  succeeded integer not null,
  tool integer not null,              -- charges by kind, micro-units
  model integer not null,
  person integer not null,
  unpriced integer not null,          -- 1: some price is not known
  recorded integer not null,          -- 1: a recorded model took part, and no simulated one
  simulated integer not null,         -- 1: a simulated model took part
  asked integer not null,             -- 1: people were asked as planned
  intervened integer not null,        -- 1: people had to step in
  answers integer not null,           -- how many answers people gave
  denied integer not null,            -- how many actions were denied
  resolution integer not null,        -- microseconds from taken on to ended
  waiting integer not null,           -- of which some question to people was open
  answer_times text not null          -- JSON: microseconds each answered question was open
) without rowid, strict;
create index task_figures_by_end on task_figures (ended_at, agent, unit);

-- The day comes first: what is counted now lies together, and a scope's days are found one by one.
create table figure_days (
  day integer not null,               -- UTC days since 1970, of the task's end
  scope text not null,                -- fleet, unit:…, agent:…
  ended integer not null,
  succeeded integer not null,
  tool integer not null,
  model integer not null,
  person integer not null,
  unpriced integer not null,
  recorded integer not null,
  simulated integer not null,
  asked integer not null,
  intervened integer not null,
  answers integer not null,
  denied integer not null,
  resolution integer not null,
  waiting integer not null,
  primary key (day, scope)
) without rowid, strict;

-- How times are distributed: 32 buckets for each doubling, so a bucket is at most 1/32 wide.
create table figure_times (
  day integer not null,
  scope text not null,
  kind text not null check (kind in ('resolution', 'answer')),
  bucket integer not null,
  count integer not null,
  total integer not null,             -- microseconds of all of them, for the mean of the bucket
  primary key (day, scope, kind, bucket)
) without rowid, strict;

-- Every charge by the day it was booked, whatever became of its task; agent '' is all agents of the unit together.
create table spending_days (
  day integer not null,
  agent text not null,
  unit text not null,
  kind text not null,
  source text not null,
  calls integer not null,
  unpriced integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  amount integer not null,
  primary key (day, agent, unit, kind, source)
) without rowid, strict;

-- The same by agent only, for who spends most.
create table spender_days (
  day integer not null,
  agent text not null,
  amount integer not null,
  primary key (day, agent)
) without rowid, strict;

-- Budgets of one day without a look at those of runs.
create index budgets_by_day on budgets (substr(id, -10)) where substr(id, 1, 4) <> 'run:';
