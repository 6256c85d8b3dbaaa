-- What the journal tells PostgreSQL differently: the run's row is locked by whoever writes as one of its attempts, so that
-- no other attempt begins between the look and the commit; and statements of many commits are sent as one.
--
-- A set locks the rows of runs in order of their ids: answers, ends of takers and cancels come from other processes, and two
-- sets that lock the same rows in two orders wait for each other. Rows of attempts are locked by whoever has their run's.

-- name: open_step
insert into steps (run, step, attempt, kind, name, asked, judged, sent, state, decision, approval, at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, :sent, :state, :decision, :approval, :at
from runs where id = :run and attempt = :attempt and state = 'running' for no key update
on conflict (run, step) do update set attempt = excluded.attempt, judged = excluded.judged, sent = excluded.sent,
  state = excluded.state, decision = excluded.decision, approval = excluded.approval
where steps.state = 'waiting' and steps.asked = excluded.asked

-- name: open_step
-- many: run text, step bigint, attempt bigint, kind text, name text, asked text, judged text, sent text, state text, decision text, approval text, at bigint
with v as materialized (select * from {rows}),
  held as materialized (select id, attempt from runs where id in (select run from v) and state = 'running'
    order by id for no key update),
  done as (
    insert into steps (run, step, attempt, kind, name, asked, judged, sent, state, decision, approval, at)
    select v.run, v.step, v.attempt, v.kind, v.name, v.asked, v.judged, v.sent, v.state, v.decision, v.approval, v.at
    from v join held on held.id = v.run and held.attempt = v.attempt
    on conflict (run, step) do update set attempt = excluded.attempt, judged = excluded.judged, sent = excluded.sent,
      state = excluded.state, decision = excluded.decision, approval = excluded.approval
    where steps.state = 'waiting' and steps.asked = excluded.asked
    returning run, step)
select v.i from v join done on done.run = v.run and done.step = v.step

-- name: deny_step
insert into steps (run, step, attempt, kind, name, asked, judged, state, decision, approval, result, refused_at, at, ended_at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, 'denied', :decision, :approval, :result, :refused_at, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running' for no key update
on conflict (run, step) do update set state = 'denied', decision = excluded.decision, result = excluded.result,
  refused_at = excluded.refused_at, ended_at = excluded.ended_at
where steps.state = 'waiting' and steps.asked = excluded.asked

-- name: deny_step
-- many: run text, step bigint, attempt bigint, kind text, name text, asked text, judged text, decision text, approval text, result text, refused_at bigint, at bigint
with v as materialized (select * from {rows}),
  held as materialized (select id, attempt from runs where id in (select run from v) and state = 'running'
    order by id for no key update),
  done as (
    insert into steps (run, step, attempt, kind, name, asked, judged, state, decision, approval, result, refused_at, at,
      ended_at)
    select v.run, v.step, v.attempt, v.kind, v.name, v.asked, v.judged, 'denied', v.decision, v.approval, v.result,
      v.refused_at, v.at, v.at
    from v join held on held.id = v.run and held.attempt = v.attempt
    on conflict (run, step) do update set state = 'denied', decision = excluded.decision, result = excluded.result,
      refused_at = excluded.refused_at, ended_at = excluded.ended_at
    where steps.state = 'waiting' and steps.asked = excluded.asked
    returning run, step)
select v.i from v join done on done.run = v.run and done.step = v.step

-- name: keep_value
insert into steps (run, step, attempt, kind, name, asked, state, decision, result, at, ended_at)
select :run, :step, :attempt, 'value', :name, :asked, 'done', '', :result, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running' for no key update
on conflict (run, step) do nothing

-- name: keep_value
-- many: run text, step bigint, attempt bigint, name text, asked text, result text, at bigint
with v as materialized (select * from {rows}),
  held as materialized (select id, attempt from runs where id in (select run from v) and state = 'running'
    order by id for no key update),
  done as (
    insert into steps (run, step, attempt, kind, name, asked, state, decision, result, at, ended_at)
    select v.run, v.step, v.attempt, 'value', v.name, v.asked, 'done', '', v.result, v.at, v.at
    from v join held on held.id = v.run and held.attempt = v.attempt
    on conflict (run, step) do nothing returning run, step)
select v.i from v join done on done.run = v.run and done.step = v.step

-- name: keep_recorded
insert into steps (run, step, attempt, kind, name, asked, judged, state, decision, result, is_error, at, ended_at)
select :run, :step, :attempt, :kind, :name, :asked, :judged, 'done', :decision, :result, :is_error, :at, :at
from runs where id = :run and attempt = :attempt and state = 'running' for no key update
on conflict (run, step) do nothing

-- name: act_on_step
update steps set judged = :judged, sent = :sent, state = 'decided', decision = :decision, person = :person
where run = :run and step = :step and state = 'waiting'
  and exists (select 1 from runs where id = :run and state = 'waiting' for no key update)

-- name: guard_attempt
select 1 from runs where id = :run and attempt = :attempt and state = 'running' for no key update

-- name: guard_attempt
-- many: run text, attempt bigint
with v as materialized (select * from {rows}),
  held as materialized (select id, attempt from runs where id in (select run from v) and state = 'running'
    order by id for no key update)
select v.i from v join held on held.id = v.run and held.attempt = v.attempt

-- name: guard_latest
select 1 from runs where id = :run and attempt = :attempt for no key update

-- name: take_over
-- Its executor's row is locked as it is now, or a sign of life at the same moment would not be seen.
with was as materialized (select ended_at, seen_at from executors where id = :was for no key update)
update runs set state = 'running', attempt = attempt + 1, secret = :secret, ready_at = null, waits_for = ''
where id = :run and attempt = :attempt and state = 'running'
  and not exists (select 1 from was where ended_at is null and seen_at > :seen)

-- name: guard_open
select 1 from steps where run = :run and step = :step and state = 'decided' for no key update

-- name: guard_alone
-- alone

-- name: guard_no_open_runs
-- alone

-- name: guard_not_undoing
-- alone

-- name: guard_no_takers
-- alone

-- name: close_step
-- many: run text, step bigint, result text, is_error bigint, cost bigint, at bigint
update steps set state = 'done', result = v.result, is_error = v.is_error, cost = v.cost, ended_at = v.at
from {rows} where steps.run = v.run and steps.step = v.step and steps.state = 'decided' returning v.i

-- name: add_payload
-- Only runs of one task have payloads in common. Two that add one at the same moment in two processes fail together, and
-- are tried again one by one, where it is no fault.
-- many: digest text, task text, labels text, body text
insert into payloads (digest, task, labels, body)
select distinct on (v.digest) v.digest, v.task, v.labels, decode(v.body, 'base64') from {rows}
where not exists (select 1 from payloads p where p.digest = v.digest) order by v.digest, v.i

-- name: add_task
-- many: id text, agent text, intent text, on_behalf_of text, chain text, salt text, input text, dedup text, at bigint
with v as materialized (select * from {rows}),
  done as (
    insert into tasks (id, agent, intent, on_behalf_of, chain, salt, input, dedup, created_at)
    select v.id, v.agent, v.intent, v.on_behalf_of, v.chain, decode(v.salt, 'base64'), v.input, v.dedup, v.at from v
    returning id)
select v.i from v join done on done.id = v.id

-- name: add_run
-- many: id text, task text, agent text, version text, release text, parent_run text, parent_step bigint, forked_at bigint, hops bigint, input text, effects bigint, at bigint, priority bigint, undoes text, asked_by text
with v as materialized (select * from {rows}),
  done as (
    insert into runs (id, task, agent, version, release, parent_run, parent_step, forked_at, hops, input, effects,
      created_at, ready_at, priority, undoes, asked_by, unit)
    select v.id, v.task, v.agent, v.version, v.release, v.parent_run, v.parent_step, v.forked_at, v.hops, v.input,
      v.effects, v.at, v.at, v.priority, v.undoes, v.asked_by, coalesce(versions.unit, '')
    from v left join versions on versions.agent = v.agent and versions.version = v.version
    returning id)
select v.i from v join done on done.id = v.id

-- name: bind_subject
-- many: task text, kind text, value text, bound_by text
insert into subjects (task, kind, value, bound_by)
select distinct on (v.task, v.kind) v.task, v.kind, v.value, v.bound_by from {rows} order by v.task, v.kind, v.i
on conflict (task, kind) do nothing

-- name: begin_attempt
-- many: run text, attempt bigint, secret text
with v as materialized (select * from {rows}),
  held as materialized (select id from runs where id in (select run from v) order by id for no key update)
update runs set state = 'running', attempt = runs.attempt + 1, secret = decode(v.secret, 'base64'), ready_at = null,
  waits_for = '', claimed_by = null, claimed_until = null
from v join held on held.id = v.run
where runs.id = v.run and runs.attempt = v.attempt and runs.state in ('queued', 'waiting') returning v.i

-- name: add_attempt
-- many: run text, number bigint, executor text, at bigint
with v as materialized (select * from {rows}),
  done as (
    insert into attempts (run, number, executor, state, started_at)
    select v.run, v.number, v.executor, 'running', v.at from v
    on conflict (run, number) do nothing returning run, number)
select v.i from v join done on done.run = v.run and done.number = v.number

-- name: end_attempt
-- many: state text, at bigint, reason text, run text, number bigint
update attempts set state = v.state, ended_at = v.at, reason = v.reason
from {rows} where attempts.run = v.run and attempts.number = v.number and attempts.state = 'running' returning v.i

-- name: park_run
-- many: run text, attempt bigint, reason text, waits_for text, until bigint
with v as materialized (select * from {rows}),
  held as materialized (select id from runs where id in (select run from v) order by id for no key update)
update runs set state = 'waiting', secret = null, reason = v.reason, waits_for = v.waits_for,
  ready_at = case when runs.ready_at is null or v.until < runs.ready_at then v.until else runs.ready_at end
from v join held on held.id = v.run
where runs.id = v.run and runs.attempt = v.attempt and runs.state = 'running' returning v.i

-- name: ready_run
-- many: run text, at bigint
with v as materialized (select run, min(at) as at from {rows} group by run),
  held as materialized (select id from runs where id in (select run from v) order by id for no key update)
update runs set ready_at = v.at from v join held on held.id = v.run
where runs.id = v.run and runs.state in ('running', 'waiting') and (runs.ready_at is null or runs.ready_at > v.at)

-- name: end_run
-- many: state text, output text, reason text, at bigint, run text, attempt bigint
with v as materialized (select * from {rows}),
  held as materialized (select id from runs where id in (select run from v) order by id for no key update)
update runs set state = v.state, secret = null, output = v.output, reason = v.reason, ended_at = v.at, ready_at = null,
  waits_for = ''
from v join held on held.id = v.run
where runs.id = v.run and runs.attempt = v.attempt and runs.state = 'running' returning v.i

-- name: end_task
-- many: state text, outcome text, at bigint, task text
update tasks set state = v.state, outcome = v.outcome, ended_at = v.at
from {rows} where tasks.id = v.task and tasks.state = 'open' returning v.i

-- name: database_time
select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now

-- name: beat
-- rank: 60
-- many: id text, host text, pid bigint, at bigint
with v as materialized (select * from {rows}),
  done as (
    insert into executors (id, host, pid, started_at, seen_at)
    select distinct on (v.id) v.id, v.host, v.pid, v.at, v.at from v order by v.id, v.at desc
    on conflict (id) do update set seen_at = greatest(executors.seen_at, excluded.seen_at), ended_at = null returning id)
select v.i from v join done on done.id = v.id

-- name: begin_claimed
-- many: run text, attempt bigint, secret text, executor text
with v as materialized (select * from {rows}),
  held as materialized (select id from runs where id in (select run from v) order by id for no key update),
  begun as (
  update runs set state = 'running', attempt = runs.attempt + 1, secret = decode(v.secret, 'base64'), ready_at = null,
    waits_for = '', claimed_by = null, claimed_until = null
  from v join held on held.id = v.run
  where runs.id = v.run and runs.attempt = v.attempt and runs.state in ('queued', 'waiting')
    and runs.claimed_by = v.executor
  returning v.i
)
select i from begun

-- name: begin_claims
-- One worker claims at a time, and the others do not wait for it: they claim at their next look. It is a statement of its
-- own, so that `claim` sees whatever those before it have claimed.
-- rank: 60
select set_config('remit.claims', case when pg_try_advisory_xact_lock(90210) then 'mine' else '' end, true)

-- name: claim
-- rank: 61
with recursive heads as (
  (select priority, unit, agent, release from runs
    where ready_at is not null and claimed_by is null and state in ('queued', 'waiting')
      and current_setting('remit.claims', true) = 'mine'
    order by priority, unit, agent, release, ready_at limit 1)
  union all
  select next.* from heads cross join lateral (
    select runs.priority, runs.unit, runs.agent, runs.release from runs
    where runs.ready_at is not null and runs.claimed_by is null and runs.state in ('queued', 'waiting')
      and (runs.priority, runs.unit, runs.agent, runs.release)
        > (heads.priority, heads.unit, heads.agent, heads.release)
    order by runs.priority, runs.unit, runs.agent, runs.release, runs.ready_at limit 1) as next
),
-- Who holds a place, when places are limited.
active as materialized (
  select agent, unit from runs where cast(:limited as bigint) = 1 and state = 'running'
  union all
  select agent, unit from runs where cast(:limited as bigint) = 1 and claimed_by is not null
    and state in ('queued', 'waiting')
),
agents_at_work as materialized (select agent, count(*) as count from active group by agent),
units_at_work as materialized (select unit, count(*) as count from active group by unit),
agent_limits as materialized (
  select key as agent, cast(value as bigint) as most from json_each_text(cast(:agent_limits as json))
),
lanes as materialized (
  select heads.*,
    coalesce(agent_limits.most, :agent_limit) - coalesce(agents_at_work.count, 0) as agent_room,
    :unit_limit - coalesce(units_at_work.count, 0) as unit_room
  from heads
  left join agent_limits on agent_limits.agent = heads.agent
  left join agents_at_work on agents_at_work.agent = heads.agent
  left join units_at_work on units_at_work.unit = heads.unit
  where heads.release not in (select json_array_elements_text(cast(:unknown as json)))
),
candidates as (
  select found.id, lanes.agent, lanes.unit, lanes.priority, found.ready_at, lanes.agent_room, lanes.unit_room,
    row_number() over (partition by lanes.priority, lanes.unit order by found.ready_at, found.id) as turn
  from lanes cross join lateral (
    select runs.id, runs.ready_at from runs
    where runs.ready_at <= :now and runs.claimed_by is null and runs.state in ('queued', 'waiting')
      and runs.priority = lanes.priority and runs.unit = lanes.unit
      and runs.agent = lanes.agent and runs.release = lanes.release
    order by runs.ready_at, runs.id
    limit (select 4 + 2 * cast(:room as bigint) / greatest(1, count(*)) from lanes)) as found
  where lanes.agent_room > 0 and lanes.unit_room > 0
),
served as materialized (
  select key as lane, cast(value as bigint) as at from json_each_text(cast(:served as json))
),
-- The first of a unit that was served long ago counts as more urgent, the others behind it do not.
ranked as (
  select candidates.*, row_number() over (order by
    case turn when 1
      then least(9, candidates.priority + (:now - greatest(ready_at, coalesce(served.at, 0))) / cast(:ageing as bigint))
      else candidates.priority end desc,
    turn, coalesce(served.at, 0), ready_at, candidates.id) as place
  from candidates left join served on served.lane = candidates.priority || '/' || candidates.unit
),
numbered as (select *, row_number() over (partition by agent order by place) as of_agent from ranked),
allowed as (
  select id, place, unit_room, row_number() over (partition by unit order by place) as of_unit
  from numbered where of_agent <= agent_room
),
chosen as materialized (
  select id from allowed where of_unit <= unit_room order by place limit cast(:room as bigint)
),
-- What somebody is just cancelling is not waited for.
locked as materialized (
  select runs.id from runs where runs.id in (select id from chosen)
    and runs.claimed_by is null and runs.state in ('queued', 'waiting')
  order by runs.id for update skip locked
)
update runs set claimed_by = :executor, claimed_until = :until
from locked where runs.id = locked.id
returning runs.*

-- name: release_claims
-- rank: 62
update runs set claimed_by = null, claimed_until = null
where id in (select id from runs where claimed_by = :executor and state <> 'running' order by id for update)

-- name: expire_claims
-- Any number of processes do this at once.
-- rank: 62
update runs set claimed_by = null, claimed_until = null
where id in (
  select id from runs where claimed_by is not null and claimed_until <= :now order by id for update skip locked)
