-- Reads for people, across tables. Nothing here changes anything.

-- name: runs
-- The newest of all. One row more than a page tells whether others follow.
select r.*, t.on_behalf_of, t.outcome as task_outcome,
  coalesce((select sum(c.amount) from charges c where c.task = r.task and c.run = r.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = r.task and c.run = r.id) as sources
from runs r join tasks t on t.id = r.task
where (:after = '' or r.id < :after)
order by r.id desc limit :limit

-- name: runs_in_state
select r.*, t.on_behalf_of, t.outcome as task_outcome,
  coalesce((select sum(c.amount) from charges c where c.task = r.task and c.run = r.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = r.task and c.run = r.id) as sources
from runs r join tasks t on t.id = r.task
where r.state = :state
  and (:after = '' or (r.created_at, r.id) < (select created_at, id from runs where id = :after))
order by r.created_at desc, r.id desc limit :limit

-- name: runs_of_agent
select r.*, t.on_behalf_of, t.outcome as task_outcome,
  coalesce((select sum(c.amount) from charges c where c.task = r.task and c.run = r.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = r.task and c.run = r.id) as sources
from runs r join tasks t on t.id = r.task
where r.agent = :agent and (:state = '' or r.state = :state)
  and (:after = '' or (r.created_at, r.id) < (select created_at, id from runs where id = :after))
order by r.created_at desc, r.id desc limit :limit

-- name: runs_of_task
select r.*, t.on_behalf_of, t.outcome as task_outcome,
  coalesce((select sum(c.amount) from charges c where c.task = r.task and c.run = r.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = r.task and c.run = r.id) as sources
from runs r join tasks t on t.id = r.task
where r.task = :task order by r.created_at, r.id limit :limit

-- name: run
select r.*, t.on_behalf_of, t.outcome as task_outcome,
  coalesce((select sum(c.amount) from charges c where c.task = r.task and c.run = r.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = r.task and c.run = r.id) as sources
from runs r join tasks t on t.id = r.task
where r.id = :run

-- name: run_states_of_agent
select state, count(*) as count from runs where agent = :agent group by state order by state

-- name: run_agents
select agent, count(*) as count from runs group by agent order by count desc, agent limit :limit

-- name: run_agents_in_state
select agent, count(*) as count from runs where state = :state group by agent order by count desc, agent limit :limit

-- name: attempts
select * from attempts where run = :run order by number

-- name: step_charges
select step, sum(amount) as amount, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
  min(priced) as priced, json_group_array(distinct source) as sources
from charges where task = (select task from runs where id = :run) and run = :run group by step

-- name: tasks
select t.*, coalesce((select sum(c.amount) from charges c where c.task = t.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = t.id) as sources,
  (select count(*) from runs r where r.task = t.id) as runs
from tasks t where (:after = '' or t.id < :after) order by t.id desc limit :limit

-- name: tasks_in_state
select t.*, coalesce((select sum(c.amount) from charges c where c.task = t.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = t.id) as sources,
  (select count(*) from runs r where r.task = t.id) as runs
from tasks t where t.state = :state
  and (:after = '' or (t.created_at, t.id) < (select created_at, id from tasks where id = :after))
order by t.created_at desc, t.id desc limit :limit

-- name: tasks_of_agent
select t.*, coalesce((select sum(c.amount) from charges c where c.task = t.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = t.id) as sources,
  (select count(*) from runs r where r.task = t.id) as runs
from tasks t where t.agent = :agent and (:state = '' or t.state = :state)
  and (:after = '' or (t.created_at, t.id) < (select created_at, id from tasks where id = :after))
order by t.created_at desc, t.id desc limit :limit

-- name: task
select t.*, coalesce((select sum(c.amount) from charges c where c.task = t.id), 0) as cost,
  (select json_group_array(distinct c.source) from charges c where c.task = t.id) as sources,
  (select count(*) from runs r where r.task = t.id) as runs
from tasks t where t.id = :task

-- name: done_for
-- Tool calls that had their effect. A fork keeps those of the run it came from, under the same decision.
select s.decision, s.run, s.step, s.name, s.judged, s.person, s.ended_at, r.agent, r.version
from runs r join steps s on s.run = r.id
where r.task = :task and r.effects = 1 and s.kind = 'tool' and s.state = 'done' and s.is_error = 0
order by s.ended_at, s.run, s.step limit :limit

-- name: ended_badly
-- What was refused or came to a bad end, each with the log's word about how it ended.
select s.decision, s.run, s.step, s.name, s.state, s.asked, s.judged, s.result, s.approval, s.refused_at, s.ended_at,
  r.agent, r.version, l.body
from runs r join steps s on s.run = r.id left join log l on l.ref = s.decision and l.kind = 'outcome'
where r.task = :task and (s.state = 'denied' or s.is_error = 1)
order by s.ended_at, s.run, s.step, l.leaf_index limit :limit

-- name: decided_without_step
-- Decisions that never became a step: they were refused before.
select l.body, l.ref, r.id as run, r.agent, r.version
from runs r join log l on l.stream = r.id
where r.task = :task and l.kind = 'decision' and not exists (select 1 from steps s where s.decision = l.ref)
order by l.leaf_index limit :limit

-- name: tasks_ending
select id from tasks where :ending <> '' and substr(id, length(id) - length(:ending) + 1) = :ending limit 2

-- name: task_states_of_agent
select state, count(*) as count from tasks where agent = :agent group by state order by state

-- name: agents
-- Of each agent the version that takes its work, or else the newest.
select v.*, (select count(*) from versions w where w.agent = v.agent) as versions
from versions v
where v.version = (select w.version from versions w where w.agent = v.agent
    order by w.state = 'approved' desc, w.approved_at desc nulls last, w.created_at desc, w.version desc limit 1)
  and v.agent > :after and (:unit = '' or v.unit = :unit) and (:lifecycle = '' or v.lifecycle = :lifecycle)
  and (:search = '' or instr(v.agent, :search) > 0 or instr(v.owner, :search) > 0)
order by v.agent limit :limit

-- name: agent_units
select unit, count(*) as count from (select distinct unit, agent from versions) as found
group by unit order by count desc, unit limit :limit

-- name: agent_lifecycles
select lifecycle, count(*) as count from (select distinct lifecycle, agent from versions) as found
group by lifecycle order by lifecycle

-- name: run_counts
select agent, state, count(*) as count from runs where agent in (select value from json_each(:agents))
group by agent, state order by agent, state

-- name: pending
-- What people are asked, the soonest to expire first, each with what says who may not answer it.
select a.*, v.unit as agents_unit, v.owner as agents_owner, t.chain as asked_by
from (select * from approvals where state = 'pending' order by expires_at, id limit :limit) as a
left join versions v on v.agent = a.agent and v.version = a.version left join tasks t on t.id = a.task
order by a.expires_at, a.id

-- name: answered_not_live
select 1 as found from charges where task = (select task from runs where id = :run) and run = :run and source <> 'live' limit 1

-- name: approvals
select * from approvals where (:state = '' or state = :state) and (:after = '' or id < :after)
order by id desc limit :limit

-- name: in_scope
-- What a switch would stop: versions that may act, and their runs that are not over.
with scoped as materialized (
  select agent, version from versions where lifecycle = 'live' and state in ('approved', 'draining')
    and (:kind = 'fleet' or (:kind = 'unit' and unit = :name) or (:kind = 'class' and class = :name)
      or (:kind = 'agent' and agent = :name) or (:kind = 'version' and agent || '@' || version = :name)
      or (:kind in ('tool', 'model') and release in (select value from json_each(:releases)))))
select (select count(*) from scoped) as versions,
  (select json_group_array(id) from (
    select agent || '@' || version as id from scoped order by agent, version limit :limit)) as named,
  (select json_group_object(state, count) from (
    select state, count(*) as count from runs where state in ('queued', 'running', 'waiting')
      and (agent, version) in (select agent, version from scoped) group by state)) as states

-- name: log_newest
select leaf_index, kind, stream, ref, body from log where leaf_index < :before and leaf_index >= :from
  and (:kind = '' or kind = :kind)
order by leaf_index desc limit :limit

-- name: log_of_stream
select leaf_index, kind, stream, ref, body from log where stream = :stream and leaf_index < :before
  and (:kind = '' or kind = :kind)
order by seq desc limit :limit

-- name: log_of_ref
select leaf_index, kind, stream, ref, body from log where ref = :ref and leaf_index < :before
  and (:kind = '' or kind = :kind)
order by leaf_index desc limit :limit

-- name: log_kinds
select kind, count(*) as count from log where leaf_index >= :from group by kind order by count desc, kind

-- name: log_signed_at
select at from log_checkpoints order by size desc limit 1

-- name: votes_of
select approval, answer, at from votes where person = :person order by at desc, approval desc, digest desc limit :limit

-- name: steps_denied
-- The newest tool calls refused at one check, and whether a text of their task bears a label.
select s.*, r.agent, r.version, r.task,
  case when exists (select 1 from payloads p where p.task = r.task and instr(p.labels, :label) > 0) then 1 else 0 end
    as labelled
from steps s join runs r on r.id = s.run
where s.state = 'denied' and s.refused_at = :check and s.kind = 'tool'
order by s.ended_at desc, s.run, s.step limit :limit

-- name: steps_failed
-- The newest calls with a bad end, each with the log's word about it.
select s.*, r.agent, r.version, r.task, 0 as labelled, l.body
from (select * from steps where is_error = 1 order by ended_at desc, run, step limit :limit) s
join runs r on r.id = s.run join log l on l.ref = s.decision and l.kind = 'outcome'
where s.kind = 'tool' order by s.ended_at desc, s.run, s.step, l.leaf_index

-- name: agent_longest_at_work
-- Of the agents that may act, the one that began to work first.
select v.agent, min(r.created_at) as since
from (select distinct agent from versions where lifecycle = 'live' and state in ('approved', 'draining')) v
join runs r on r.agent = v.agent
  and r.created_at = (select min(o.created_at) from runs o where o.agent = v.agent)
group by v.agent order by since, v.agent limit 1

-- name: attempts_lost
-- Runs whose process died and that another process took over.
select a.run, a.number, a.ended_at, r.agent, r.version, r.state, r.attempt as tries
from attempts a join runs r on r.id = a.run
where a.state = 'lost' and r.state <> 'cancelled' and r.attempt > a.number
order by a.ended_at desc, a.run, a.number limit :limit

-- name: runs_stopped
select count(*) as count from runs where state = 'waiting' and waits_for = 'switch'

-- name: outages_now
-- Of processes at work, the first that said so first; what others have left says nothing of now.
select outages.upstream, outages.executor, outages.since, outages.why, executors.host, executors.pid from outages
join executors on executors.id = outages.executor
where executors.ended_at is null and executors.seen_at > :seen
order by outages.upstream, outages.since, outages.executor

-- name: parked_for
-- In the words of the index, which has no other runs.
select waits_for as upstream, count(*) as runs, min(ready_at) as next from runs
where state = 'waiting' and substr(waits_for, 1, 6) in ('tools:', 'model:') group by waits_for order by waits_for
