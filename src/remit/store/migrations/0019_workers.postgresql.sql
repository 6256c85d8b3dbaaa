-- Workers claim what can go on straight from `runs`: the most urgent first, and units take turns.
alter table runs add column unit text collate "C" not null default '';
alter table runs add column priority bigint not null default 5 check (priority between 0 and 9);  -- 9 is the most urgent
alter table runs add column claimed_by text collate "C";  -- the executor that will begin the next attempt, until `claimed_until`
alter table runs add column claimed_until bigint;
update runs set unit = coalesce(
  (select unit from versions where versions.agent = runs.agent and versions.version = runs.version), '');
-- What has something ready is found by one look for each agent, whatever waits behind it.
create index runs_to_claim on runs (priority, unit, agent, release, ready_at, id)
  where ready_at is not null and claimed_by is null and state in ('queued', 'waiting');
create index runs_claimed on runs (claimed_until) where claimed_by is not null;
