-- name: add_task
insert into tasks (id, agent, intent, on_behalf_of, chain, salt, input, dedup, created_at)
values (:id, :agent, :intent, :on_behalf_of, :chain, :salt, :input, :dedup, :at)

-- name: add_run
insert into runs (id, task, agent, version, release, parent_run, parent_step, forked_at, hops, input, effects, created_at,
  ready_at)
values (:id, :task, :agent, :version, :release, :parent_run, :parent_step, :forked_at, :hops, :input, :effects, :at, :at)

-- name: bind_subject
insert into subjects (task, kind, value, bound_by) values (:task, :kind, :value, :bound_by)
on conflict (task, kind) do nothing

-- name: task
select * from tasks where id = :id

-- name: tasks_among
select t.* from json_each(:tasks) as listed join tasks t on t.id = listed.value

-- name: task_by_dedup
select * from tasks where agent = :agent and dedup = :dedup

-- name: tasks
select * from tasks order by id desc limit :limit

-- name: run
select * from runs where id = :id

-- name: runs
select * from runs where (:state = '' or state = :state) order by created_at desc, id desc limit :limit

-- name: runs_since
select * from runs where (:agent = '' or agent = :agent) and created_at >= :since order by id desc
limit :limit

-- name: runs_of_task
select * from runs where task = :task order by created_at, id

-- name: runs_ending
select * from runs where :ending <> '' and substr(id, -length(:ending)) = :ending limit 2

-- name: subjects
select kind, value from subjects where task = :task

-- name: add_feedback
insert into feedback (task, sent_by, key, kind, score, said, at)
values (:task, :sent_by, :key, :kind, :score, :said, :at) on conflict (task, sent_by, key) do nothing

-- name: feedback
select * from feedback where task = :task order by number

-- name: begin_attempt
-- The attempt before must have ended, so two attempts of one run never hold the pen together.
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = ''
where id = :run and attempt = :attempt and state in ('queued', 'waiting')

-- name: take_over
-- The next number fences the old attempt off; a sign of life of its executor since it was looked at refuses this.
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = ''
where id = :run and attempt = :attempt and state = 'running'
  and not exists (select 1 from executors where id = :was and ended_at is null and seen_at > :seen)

-- name: add_attempt
insert into attempts (run, number, executor, state, started_at) values (:run, :number, :executor, 'running', :at)

-- name: lose_attempt
update attempts set state = 'lost', ended_at = :at where run = :run and number = :number and state = 'running'

-- name: stop_attempt
update attempts set state = 'lost', ended_at = :at where run = :run and state = 'running'

-- name: end_attempt
update attempts set state = :state, ended_at = :at, reason = :reason
where run = :run and number = :number and state = 'running'

-- name: park_run
-- An answer that came while the attempt was working has set `ready_at`, and stays.
update runs set state = 'waiting', secret = null, reason = :reason, waits_for = :waits_for,
  ready_at = case when ready_at is null or (:until is not null and :until < ready_at) then :until else ready_at end
where id = :run and attempt = :attempt and state = 'running'

-- name: end_run
update runs set state = :state, secret = null, output = :output, reason = :reason, ended_at = :at, ready_at = null,
  waits_for = ''
where id = :run and attempt = :attempt and state = 'running'

-- name: stop_run
update runs set state = 'cancelled', secret = null, reason = :reason, ended_at = :at, ready_at = null, waits_for = ''
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
where run = :run and step = :step and state = 'decided'

-- name: close_doubted
update steps set state = 'done', result = :result, is_error = :is_error, cost = :cost, ended_at = :at
where run = :run and step = :step and state = 'unknown'

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

-- name: guard_open
select 1 from steps where run = :run and step = :step and state = 'decided'

-- name: ready_run
-- What a run waited for has come; one that is just being parked keeps the sign.
update runs set ready_at = :at where id = :run and state in ('running', 'waiting') and (ready_at is null or ready_at > :at)

-- name: ready_stopped
-- A switch was reset: whoever waits for one may look again, and whoever is just being parked.
update runs set ready_at = :at where (state = 'waiting' and waits_for = 'switch' or state = 'running')
  and (ready_at is null or ready_at > :at)

-- name: ready_runs
select id from runs where ready_at is not null and ready_at <= :now order by ready_at limit :limit

-- name: child
select * from runs where parent_run = :run and parent_step = :step

-- name: children
select * from runs where parent_run = :run order by created_at, id

-- name: lost_attempts
select count(*) as count from attempts where run = :run and state = 'lost' and number > :since

-- name: beat
insert into executors (id, host, pid, started_at, seen_at) values (:id, :host, :pid, :at, :at)
on conflict (id) do update set seen_at = excluded.seen_at, ended_at = null

-- name: end_executor
update executors set ended_at = :at where id = :id

-- name: executor
select * from executors where id = :id

-- name: executors
select executors.*, (select count(*) from attempts where executor = executors.id and state = 'running') as attempts
from executors where ended_at is null or ended_at > :since order by started_at

-- name: left_runs
-- Attempts under way, with the last sign of life of whoever drives them.
select runs.*, attempts.executor as executor, executors.seen_at as seen_at, executors.ended_at as executor_ended_at
from attempts join runs on runs.id = attempts.run and runs.attempt = attempts.number
left join executors on executors.id = attempts.executor
where attempts.state = 'running' and runs.state = 'running'
order by runs.created_at, runs.id limit :limit

-- name: forget_executors
delete from executors where seen_at < :before
  and not exists (select 1 from attempts where executor = executors.id and state = 'running')

-- name: copy_steps
-- A fork begins with what was done before it.
insert into steps (run, step, attempt, kind, name, asked, judged, sent, state, decision, approval, person, result,
  is_error, refused_at, cost, at, ended_at)
select :fork, step, 0, kind, name, asked, judged, sent, state, decision, approval, person, result, is_error, refused_at,
  0, at, ended_at
from steps where run = :run and step < :step and state in ('done', 'denied')

-- name: reopen_task
update tasks set state = 'open', outcome = '', ended_at = null
where id = :task and (state in ('failed', 'cancelled') or outcome = 'failure')

-- name: guard_alone
select 1 where not exists (
  select 1 from runs where task = :task and effects = 1 and state in ('queued', 'running', 'waiting'))

-- name: recorded_like
-- What a fork does twice, its first run must have done twice.
select * from steps where run = :run and asked = :asked and state = 'done' order by step limit 1
offset (select count(*) from steps where run = :fork and step < :step and asked = :asked and state = 'done')

-- name: keep_recorded
-- In a fork without effects: what the first run got for the same action.
insert into steps (run, step, attempt, kind, name, asked, judged, state, decision, result, is_error, at, ended_at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, 'done', :decision, :result, :is_error, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running'
on conflict (run, step) do nothing

-- name: guard_no_open_runs
select 1 where not exists (select 1 from runs where agent = :agent and version = :version
  and state in ('queued', 'running', 'waiting'))

-- name: open_steps
-- Steps that were decided in runs that are over, and whose outcome nobody has told, or nobody has heeded.
select steps.run, steps.step from steps join runs on runs.id = steps.run
where steps.state in ('decided', 'unknown') and runs.state in ('done', 'failed', 'cancelled')
