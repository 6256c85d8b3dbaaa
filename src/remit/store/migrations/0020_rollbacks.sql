-- A rollback is a run that undoes another one; each of its steps is the compensation of one step of that run.
alter table runs add column undoes text;                             -- the run that it undoes
alter table runs add column asked_by text not null default '';       -- who had it undone; empty when a contract says so
create index runs_undoing on runs (undoes) where undoes is not null;
create table compensations (
  rollback text not null,
  number integer not null,                -- the step of the rollback
  run text not null,
  step integer not null,                  -- what that step undoes
  primary key (rollback, number)
);
create index compensations_of on compensations (run, step);
