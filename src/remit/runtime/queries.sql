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
