-- name: add_task
insert into tasks (id, agent, intent, on_behalf_of, chain, salt, input, dedup, created_at)
values (:id, :agent, :intent, :on_behalf_of, :chain, :salt, :input, :dedup, :at)

-- name: add_run
insert into runs (id, task, agent, version, release, parent_run, hops, created_at)
values (:id, :task, :agent, :version, :release, :parent_run, :hops, :at)

-- name: bind_subject
insert into subjects (task, kind, value, bound_by) values (:task, :kind, :value, :bound_by)
on conflict (task, kind) do nothing

-- name: task
select * from tasks where id = :id

-- name: task_by_dedup
select * from tasks where agent = :agent and dedup = :dedup

-- name: tasks
select * from tasks order by id desc limit :limit

-- name: run
select * from runs where id = :id

-- name: runs
select * from runs where (:state = '' or state = :state) order by created_at desc, id desc limit :limit

-- name: runs_of_task
select * from runs where task = :task order by created_at, id

-- name: runs_ending
select * from runs where :ending <> '' and substr(id, -length(:ending)) = :ending limit 2

-- name: subjects
select kind, value from subjects where task = :task

-- name: begin_attempt
-- The attempt before must have ended, so two attempts of one run never hold the pen together.
update runs set state = 'running', attempt = attempt + 1, secret = :secret
where id = :run and attempt = :attempt and state in ('queued', 'waiting')

-- name: take_over
-- A dead process left its attempt open; the next number fences it off.
update runs set state = 'running', attempt = attempt + 1, secret = :secret
where id = :run and attempt = :attempt and state = 'running'

-- name: add_attempt
insert into attempts (run, number, executor, state, started_at) values (:run, :number, :executor, 'running', :at)

-- name: lose_attempt
update attempts set state = 'lost', ended_at = :at where run = :run and number = :number and state = 'running'

-- name: end_attempt
update attempts set state = :state, ended_at = :at, reason = :reason
where run = :run and number = :number and state = 'running'

-- name: park_run
update runs set state = 'waiting', secret = null, reason = :reason
where id = :run and attempt = :attempt and state = 'running'

-- name: end_run
update runs set state = :state, secret = null, output = :output, reason = :reason, ended_at = :at
where id = :run and attempt = :attempt and state = 'running'

-- name: stop_run
update runs set state = 'cancelled', secret = null, reason = :reason, ended_at = :at
where id = :run and state in ('queued', 'running', 'waiting')

-- name: end_task
update tasks set state = :state, outcome = :outcome, ended_at = :at where id = :task and state = 'open'

-- name: open_step
-- Only the running attempt writes, and only to a step that is new or was waiting for this decision.
insert into steps (run, step, attempt, kind, name, asked, judged, sent, state, decision, approval, at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, :sent, :state, :decision, :approval, :at
from runs where id = :run and attempt = :attempt and state = 'running'
on conflict (run, step) do update set attempt = excluded.attempt, judged = excluded.judged, sent = excluded.sent,
  state = excluded.state, decision = excluded.decision, approval = excluded.approval
where steps.state = 'waiting' and steps.asked = excluded.asked

-- name: act_on_step
-- A person acts on a proposal while the run waits.
update steps set judged = :judged, sent = :sent, state = 'decided', decision = :decision, person = :person
where run = :run and step = :step and state = 'waiting'
  and exists (select 1 from runs where id = :run and state = 'waiting')

-- name: deny_step
insert into steps (run, step, attempt, kind, name, asked, judged, state, decision, approval, result, refused_at, at, ended_at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, 'denied', :decision, :approval, :result, :refused_at, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running'
on conflict (run, step) do update set state = 'denied', decision = excluded.decision, result = excluded.result,
  refused_at = excluded.refused_at, ended_at = excluded.ended_at
where steps.state = 'waiting' and steps.asked = excluded.asked

-- name: close_step
update steps set state = 'done', result = :result, is_error = :is_error, cost = :cost, ended_at = :at
where run = :run and step = :step and state in ('decided', 'unknown')

-- name: doubt_step
update steps set state = 'unknown', approval = :approval where run = :run and step = :step and state = 'decided'

-- name: keep_value
insert into steps (run, step, attempt, kind, name, asked, state, decision, result, at, ended_at)
select :run, :step, :attempt, 'value', :name, :asked, 'done', '', :result, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running'
on conflict (run, step) do nothing

-- name: step
select * from steps where run = :run and step = :step

-- name: steps
select * from steps where run = :run order by step

-- name: add_payload
insert into payloads (digest, task, labels, body) values (:digest, :task, :labels, :body) on conflict (digest) do nothing

-- name: payload
select body from payloads where digest = :digest

-- name: running_runs
select * from runs where state = 'running' order by created_at, id

-- name: queued_runs
select * from runs where state = 'queued' order by created_at, id limit :limit

-- name: counts
select state, count(*) as count from runs group by state

-- name: close_waiting
update steps set state = 'done', result = :result, ended_at = :at
where run = :run and step = :step and state = 'waiting'

-- name: attempt
select * from attempts where run = :run and number = :number

-- name: recent_steps
select step, asked from steps where run = :run and step <= :step order by step desc limit :limit

-- name: worked
-- An attempt whose run was cancelled worked until then.
select coalesce(sum(coalesce(attempts.ended_at, runs.ended_at, started_at) - started_at), 0) as ended,
  coalesce(max(case when attempts.ended_at is null and runs.ended_at is null then started_at end), 0) as since
from attempts join runs on runs.id = attempts.run where run = :run

-- name: guard_attempt
select 1 from runs where id = :run and attempt = :attempt and state = 'running'
