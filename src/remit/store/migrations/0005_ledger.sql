create table budgets (
  id text primary key,                -- run:…, agent:…:DAY, unit:…:DAY
  cap integer,                        -- micro-units, as of the latest hold; null is metered only
  held integer not null default 0 check (held >= 0),
  spent integer not null default 0
) without rowid, strict;

create table holds (
  run text not null,
  step integer not null,
  amount integer not null check (amount >= 0),
  budgets text not null,              -- JSON array of budget ids
  primary key (run, step)
) without rowid, strict;

create table charges (
  run text not null,
  step integer not null,
  task text not null,
  agent text not null,
  version text not null,
  unit text not null,
  kind text not null check (kind in ('tool', 'model', 'person')),
  name text not null,
  amount integer not null,
  priced integer not null default 1,  -- 0: no price is known, the amount is not the whole truth
  source text not null default 'live' check (source in ('live', 'recorded', 'simulated')),
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  at integer not null
) strict;
create index charges_by_run on charges (run);
create index charges_by_agent on charges (agent, at);
