-- name: add_task
insert into tasks (id, agent, intent, on_behalf_of, chain, salt, input, dedup, created_at)
values (:id, :agent, :intent, :on_behalf_of, :chain, :salt, :input, :dedup, :at)

-- name: add_run
insert into runs (id, task, agent, version, release, parent_run, parent_step, forked_at, hops, input, effects, created_at,
  ready_at, priority, undoes, asked_by, unit)
values (:id, :task, :agent, :version, :release, :parent_run, :parent_step, :forked_at, :hops, :input, :effects, :at, :at,
  :priority, :undoes, :asked_by, coalesce((select unit from versions where agent = :agent and version = :version), ''))

-- name: bind_subject
insert into subjects (task, kind, value, bound_by) values (:task, :kind, :value, :bound_by)
on conflict (task, kind) do nothing

-- name: task
select * from tasks where id = :id

-- name: taken_on
-- A task with what it was given: a row for each of its subjects, or one.
select tasks.*, payloads.body as given, subjects.kind as subject, subjects.value as bound from tasks
left join payloads on payloads.digest = tasks.input
left join subjects on subjects.task = tasks.id
where tasks.id = :id

-- name: tasks_among
select * from tasks where id in (select value from json_each(:tasks))

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
select * from runs where :ending <> '' and substr(id, length(id) - length(:ending) + 1) = :ending limit 2

-- name: subjects
select kind, value from subjects where task = :task order by kind

-- name: add_feedback
insert into feedback (task, sent_by, key, kind, score, said, at)
values (:task, :sent_by, :key, :kind, :score, :said, :at) on conflict (task, sent_by, key) do nothing

-- name: feedback
select * from feedback where task = :task order by number

-- name: begin_attempt
-- The attempt before must have ended, so two attempts of one run never hold the pen together.
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = '',
  claimed_by = null, claimed_until = null
where id = :run and attempt = :attempt and state in ('queued', 'waiting')

-- name: begin_claimed
-- Only for whoever still has the claim: what was given back may be somebody else's by now, and is counted as theirs.
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = '',
  claimed_by = null, claimed_until = null
where id = :run and attempt = :attempt and state in ('queued', 'waiting') and claimed_by = :executor

-- name: take_over
-- The next number fences the old attempt off; a sign of life of its executor since it was looked at refuses this.
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = ''
where id = :run and attempt = :attempt and state = 'running'
  and not exists (select 1 from executors where id = :was and ended_at is null and seen_at > :seen)

-- name: add_attempt
-- What another has begun is a refusal: it is sent together with the guard before it, and a fault would undo the whole batch.
insert into attempts (run, number, executor, state, started_at) values (:run, :number, :executor, 'running', :at)
on conflict (run, number) do nothing

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
  ready_at = case when ready_at is null or cast(:until as bigint) < ready_at then :until else ready_at end
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

-- name: withdraw_step
-- It was not sent: the step is as one that waits for its decision, which is made anew.
update steps set state = 'waiting' where run = :run and step = :step and state = 'decided'

-- name: parked_since
-- The first time that the run was parked for this reason.
select min(ended_at) as since from attempts where run = :run and state = 'waiting' and reason = :reason

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
select state, count(*) as count from runs group by state order by state

-- name: close_waiting
update steps set state = 'done', result = :result, ended_at = :at
where run = :run and step = :step and state = 'waiting'

-- name: attempt
select * from attempts where run = :run and number = :number

-- name: newest_steps
select step, asked from steps where run = :run order by step desc limit :limit

-- name: recent_steps
select step, asked from steps where run = :run and step <= :step order by step desc limit :limit

-- name: worked
-- An attempt whose run was cancelled worked until then.
select coalesce(sum(coalesce(attempts.ended_at, runs.ended_at, started_at) - started_at), 0) as ended,
  coalesce(max(case when attempts.ended_at is null and runs.ended_at is null then started_at end), 0) as since
from attempts join runs on runs.id = attempts.run where run = :run

-- name: guard_attempt
select 1 from runs where id = :run and attempt = :attempt and state = 'running'

-- name: guard_latest
-- Nobody has taken the run over, whether it goes on or not.
select 1 from runs where id = :run and attempt = :attempt

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
select id from runs where ready_at is not null and ready_at <= :now and claimed_by is null
order by ready_at, id limit :limit

-- name: has_ready_runs
select 1 as found from runs where ready_at is not null and ready_at <= :now and claimed_by is null limit 1

-- name: backlog
-- By an index of exactly these; more than the bound are not counted.
select count(*) as count from (
  select 1 from runs where ready_at is not null and claimed_by is null and state in ('queued', 'waiting')
    and ready_at <= :until limit :most) as waiting

-- name: backlog_of_each
select unit, agent, count(*) as count from (
  select unit, agent from runs where ready_at is not null and claimed_by is null and state in ('queued', 'waiting')
    and ready_at <= :until limit :most) as waiting
group by unit, agent

-- name: child
select * from runs where parent_run = :run and parent_step = :step

-- name: children
select * from runs where parent_run = :run order by created_at, id

-- name: guard_no_takers
select 1 where not exists (select 1 from runs where parent_run = :run and parent_step is not null
  and state in ('queued', 'running', 'waiting'))

-- name: lost_attempts
select count(*) as count from attempts where run = :run and state = 'lost' and number > :since

-- name: beat
insert into executors (id, host, pid, started_at, seen_at) values (:id, :host, :pid, :at, :at)
on conflict (id) do update set ended_at = null,
  seen_at = case when excluded.seen_at > executors.seen_at then excluded.seen_at else executors.seen_at end

-- name: database_time
-- Whoever opens SQLite's file is on its machine: it has no clock of its own.
select 0 as now where 0 = 1

-- name: say_loaded
insert into loaded (executor, releases) values (:id, :releases)
on conflict (executor) do update set releases = excluded.releases

-- name: loaded
select loaded.executor, loaded.releases from loaded join executors on executors.id = loaded.executor
where executors.ended_at is null

-- name: forget_loaded
delete from loaded where not exists (select 1 from executors where id = loaded.executor)

-- name: end_executor
update executors set ended_at = :at where id = :id

-- name: executor
select * from executors where id = :id

-- name: executors
select executors.*, (select count(*) from attempts where executor = executors.id and state = 'running') as attempts
from executors where ended_at is null or ended_at > :since order by started_at, id

-- name: heard_of
-- Processes of one machine that others hear of; whether one of them was killed, who is on that machine can see.
select id from executors where host = :host and ended_at is null and seen_at > :before

-- name: left_runs
-- Attempts under way that nobody drives: their process is not heard of any more, or was killed, or it is who asks and is
-- not `driving` them.
select runs.*, attempts.executor as executor, executors.seen_at as seen_at, executors.ended_at as executor_ended_at
from attempts join runs on runs.id = attempts.run and runs.attempt = attempts.number
left join executors on executors.id = attempts.executor
where attempts.state = 'running' and runs.state = 'running'
  and case when attempts.executor = :executor then runs.id not in (select value from json_each(:driving))
    else executors.id is null or executors.ended_at is not null or executors.seen_at <= :before
      or attempts.executor in (select value from json_each(:killed)) end
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
-- Of a task that was erased nothing new is written down.
select 1 where not exists (
  select 1 from runs where task = :task and effects = 1 and state in ('queued', 'running', 'waiting'))
  and not exists (select 1 from tasks where id = :task and erased_at is not null)

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
  and (steps.run, steps.step) > (:run, :step) order by steps.run, steps.step limit :limit

-- name: begin_claims
-- SQLite's writers come one after the other anyway.
select 1

-- name: claim
-- A lane is what has one priority, unit, agent and release: one look finds the next lane, whatever waits in this one. Then
-- come the first of each lane that has room; what is chosen of them is put in order at the end.
with recursive heads (head) as (
  select (select rowid from runs indexed by runs_to_claim
    where ready_at is not null and claimed_by is null and state in ('queued', 'waiting')
    order by priority, unit, agent, release, ready_at limit 1)
  union all
  select coalesce(
    (select next.rowid from runs as next indexed by runs_to_claim
      where next.ready_at is not null and next.claimed_by is null and next.state in ('queued', 'waiting')
        and next.priority = runs.priority and next.unit = runs.unit and next.agent = runs.agent
        and next.release > runs.release order by next.release, next.ready_at limit 1),
    (select next.rowid from runs as next indexed by runs_to_claim
      where next.ready_at is not null and next.claimed_by is null and next.state in ('queued', 'waiting')
        and next.priority = runs.priority and next.unit = runs.unit and next.agent > runs.agent
      order by next.agent, next.release, next.ready_at limit 1),
    (select next.rowid from runs as next indexed by runs_to_claim
      where next.ready_at is not null and next.claimed_by is null and next.state in ('queued', 'waiting')
        and next.priority = runs.priority and next.unit > runs.unit
      order by next.unit, next.agent, next.release, next.ready_at limit 1),
    (select next.rowid from runs as next indexed by runs_to_claim
      where next.ready_at is not null and next.claimed_by is null and next.state in ('queued', 'waiting')
        and next.priority > runs.priority
      order by next.priority, next.unit, next.agent, next.release, next.ready_at limit 1))
  from heads join runs on runs.rowid = heads.head
),
-- Who holds a place, when places are limited.
active (agent, unit) as materialized (
  select agent, unit from runs indexed by runs_by_state where :limited = 1 and state = 'running'
  union all
  select agent, unit from runs indexed by runs_claimed where :limited = 1 and claimed_by is not null
    and state in ('queued', 'waiting')
),
agents_at_work (agent, count) as materialized (select agent, count(*) from active group by agent),
units_at_work (unit, count) as materialized (select unit, count(*) from active group by unit),
-- What is given as JSON is read once, and not again for each that looks into it.
agent_limits (agent, most) as materialized (select key, value from json_each(:agent_limits)),
served (lane, at) as materialized (select key, value from json_each(:served)),
lanes as materialized (
  select runs.priority, runs.unit, runs.agent, runs.release,
    coalesce(agent_limits.most, :agent_limit) - coalesce(agents_at_work.count, 0) as agent_room,
    :unit_limit - coalesce(units_at_work.count, 0) as unit_room
  from heads join runs on runs.rowid = heads.head
    left join agent_limits on agent_limits.agent = runs.agent
    left join agents_at_work on agents_at_work.agent = runs.agent
    left join units_at_work on units_at_work.unit = runs.unit
  where runs.release not in (select value from json_each(:unknown)) and agent_room > 0 and unit_room > 0
),
candidates as (
  select runs.id, runs.agent, runs.unit, runs.priority, runs.ready_at, lanes.agent_room, lanes.unit_room,
    row_number() over (partition by runs.priority, runs.unit order by runs.ready_at, runs.id) as turn
  from lanes join runs on runs.rowid in (
    select found.rowid from runs as found indexed by runs_to_claim
    where found.ready_at <= :now and found.claimed_by is null and found.state in ('queued', 'waiting')
      and found.priority = lanes.priority and found.unit = lanes.unit
      and found.agent = lanes.agent and found.release = lanes.release
    order by found.ready_at, found.id limit (select 4 + 2 * :room / max(1, count(*)) from lanes))
),
-- The first of a unit that was served long ago counts as more urgent, the others behind it do not.
ranked as (
  select candidates.*, row_number() over (order by
    case turn when 1 then min(9, candidates.priority + (:now - max(ready_at, coalesce(served.at, 0))) / :ageing)
      else candidates.priority end desc,
    turn, coalesce(served.at, 0), ready_at, candidates.id) as place
  from candidates left join served on served.lane = candidates.priority || '/' || candidates.unit
),
numbered as (select *, row_number() over (partition by agent order by place) as of_agent from ranked),
allowed as (
  select id, place, unit_room, row_number() over (partition by unit order by place) as of_unit
  from numbered where of_agent <= agent_room
)
update runs set claimed_by = :executor, claimed_until = :until
where id in (select id from allowed where of_unit <= unit_room order by place limit :room)
returning *

-- name: give_back
update runs set claimed_by = null, claimed_until = null where id = :run and claimed_by = :executor

-- name: release_claims
update runs set claimed_by = null, claimed_until = null where claimed_by = :executor and state <> 'running'

-- name: expire_claims
-- Whoever claimed these has not begun them in time.
update runs set claimed_by = null, claimed_until = null where claimed_by is not null and claimed_until <= :now

-- name: add_compensation
insert into compensations (rollback, number, run, step) values (:rollback, :number, :run, :step)

-- name: compensated
select run, step from compensations where rollback = :rollback and number = :number

-- name: compensations_of
-- What was tried to undo a run, the latest first, and what came of it.
select c.rollback, c.number, c.step, r.state as rollback_state, s.kind, s.state, s.is_error, s.result, s.approval
from compensations c join runs r on r.id = c.rollback left join steps s on s.run = c.rollback and s.step = c.number
where c.run = :run order by r.created_at desc, c.rollback desc, c.number desc

-- name: guard_not_undoing
-- One rollback at a time undoes a run.
select 1 where not exists (
  select 1 from runs where undoes = :run and state in ('queued', 'running', 'waiting'))

-- name: rollbacks_of
select * from runs where undoes = :run order by created_at, id

-- name: undo_task
update tasks set outcome = 'undone' where id = :task
