-- name: schedules
select agent, trigger, since, last_due, refused from schedules

-- name: add_schedule
insert into schedules (agent, trigger, since) values (:agent, :trigger, :since) on conflict (agent, trigger) do nothing

-- name: remove_schedule
delete from schedules where agent = :agent and trigger = :trigger

-- name: advance_schedule
-- Whoever moves it on has seen where it stood; the same time is never passed twice.
update schedules set last_due = :due
where agent = :agent and trigger = :trigger and coalesce(last_due, since) = :after and :due > :after

-- name: note_refusal
update schedules set refused = :due
where agent = :agent and trigger = :trigger and (refused is null or refused < :due)

-- name: begin_outage
insert into outages (executor, upstream, since, why) values (:executor, :upstream, :since, :why)
on conflict (executor, upstream) do update set since = excluded.since, why = excluded.why

-- name: end_outage
delete from outages where executor = :executor and upstream = :upstream

-- name: forget_outages
-- Those of processes that are gone.
delete from outages where executor <> :executor
  and not exists (select 1 from executors where executors.id = outages.executor and ended_at is null)

-- name: call_parked
-- In the words of the index, which has no other runs.
update runs set ready_at = :at where id in (
  select id from runs where waits_for = :upstream and ready_at > :at and state = 'waiting'
    and substr(waits_for, 1, 6) in ('tools:', 'model:')
  order by ready_at, id limit :number)
returning id
