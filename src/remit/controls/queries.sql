-- name: switch
insert into switches (scope, stopped, because, by, at) values (:scope, :stopped, :because, :by, :at)
on conflict (scope) do update set stopped = excluded.stopped, because = excluded.because, by = excluded.by, at = excluded.at

-- name: switches
select * from switches order by scope

-- name: stopped_among
select * from switches where stopped = 1 and scope in (select value from json_each(:scopes)) order by scope limit 1

-- name: guard_switches
-- At most seven scopes: fleet, unit, class, agent, version, run, and the tool or model.
select 1 where not exists (
  select 1 from switches where stopped = 1 and scope in (:s0, :s1, :s2, :s3, :s4, :s5, :s6))

-- name: take_lock
-- `seen` is the number a free resource had when it was looked at; -1 takes it whatever happened since.
insert into locks (resource, holder, fence, until) values (:resource, :holder, 1, :until)
on conflict (resource) do update set holder = excluded.holder, fence = locks.fence + 1, until = excluded.until
where (locks.holder is null or locks.until <= :now or locks.holder = excluded.holder)
  and (:seen < 0 or locks.fence = :seen)
returning resource, fence

-- name: release_lock
update locks set holder = null where resource = :resource and holder = :holder

-- name: open_places
insert into locks (resource, holder, fence, until) select value, null, 0, 0 from json_each(:places) where true
on conflict (resource) do nothing

-- name: take_place
-- The one it has already, or one that is free: which one is all the same.
update locks set holder = :holder, fence = fence + 1, until = :until where resource = (
  select resource from locks where resource in (select value from json_each(:places))
    and (holder is null or until <= :now or holder = :holder)
  order by case when holder = :holder then 0 else 1 end, resource limit 1)
returning resource, fence

-- name: free_places
select count(*) as free from locks where resource in (select value from json_each(:places))
  and (holder is null or until <= :now)

-- name: fence_of
select fence, case when holder is null or until <= :now then 1 else 0 end as free from locks where resource = :resource

-- name: locks
select * from locks where holder is not null order by resource

-- name: locks_of
select resource from locks where holder = :holder

-- name: count_call
-- A new window begins at one; a window that has passed (the clock of another process is behind) counts as the latest.
insert into rates (key, "window", calls) select :key, :window, 1 where :most > 0
on conflict (key) do update set
  calls = case when excluded."window" > rates."window" then 1 else rates.calls + 1 end,
  "window" = case when excluded."window" > rates."window" then excluded."window" else rates."window" end
where excluded."window" > rates."window" or rates.calls < :most
