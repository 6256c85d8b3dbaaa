-- Which tool servers and model routes a process does not ask at the moment, because they were out of reach.
create table outages (
  executor text not null,
  upstream text not null,             -- `tools:SERVER` or `model:ROUTE`
  since integer not null,
  why text not null,                  -- the last failure, in the words of whoever met it; gone with the outage
  primary key (executor, upstream)
) without rowid, strict;
-- Runs that are parked for an upstream, in the order in which they come back.
create index runs_parked on runs (waits_for, ready_at)
  where state = 'waiting' and substr(waits_for, 1, 6) in ('tools:', 'model:');
