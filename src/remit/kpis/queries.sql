-- name: head
-- How far was counted, and how far there is something to count.
select entries, charges, coalesce((select max(leaf_index) + 1 from log), 0) as last_entry,
  coalesce((select max(rowid) from charges), 0) as last_charge
from figures_head

-- name: counted_to
select entries, charges from figures_head

-- name: advance
-- Whoever counts on has seen how far it was counted; nothing is counted twice.
update figures_head set entries = :entries, charges = :charges where entries = :from_entries and charges = :from_charges

-- name: touched
-- Tasks that some entries of the log speak of, as far as they are counted or to be counted: whatever changes a task has
-- an entry in the stream of one of its runs, in the same commit.
with streams as materialized (select distinct stream from log where leaf_index >= :first and leaf_index < :last)
select distinct t.id as task
from streams join runs r on r.id = streams.stream join tasks t on t.id = r.task
where (:agent = '' or t.agent = :agent)
  and (t.ended_at is not null or exists (select 1 from task_figures f where f.task = t.id))

-- name: ended
select t.id as task, t.agent, case when t.outcome = 'success' then 1 else 0 end as succeeded, t.created_at, t.ended_at,
  coalesce((select v.unit from runs r join versions v on v.agent = r.agent and v.version = r.version
    where r.task = t.id order by r.created_at, r.id limit 1), '') as unit
from tasks t where t.id in (select value from json_each(:tasks)) and t.ended_at is not null

-- name: charged
select c.task,
  coalesce(sum(c.amount) filter (where c.kind = 'tool'), 0) as tool,
  coalesce(sum(c.amount) filter (where c.kind = 'model'), 0) as model,
  coalesce(sum(c.amount) filter (where c.kind = 'person'), 0) as person,
  1 - min(c.priced) as unpriced,
  case when max(case when c.source = 'simulated' then 1 else 0 end) = 1 then 0
    else max(case when c.source = 'recorded' then 1 else 0 end) end as recorded,
  max(case when c.source = 'simulated' then 1 else 0 end) as simulated
from charges c where c.task in (select value from json_each(:tasks)) group by c.task

-- name: denied
-- In runs that act for the task; what a fork begins with was denied, and counted, in the run it was forked from. What
-- people have undone is their work, not the agent's: no rollback counts here or below.
select r.task, count(*) as denied
from runs r cross join steps s on s.run = r.id
where r.task in (select value from json_each(:tasks)) and r.effects = 1 and r.undoes is null
  and s.state = 'denied' and s.attempt > 0 group by r.task

-- name: questions
-- Every question of runs that act for a task, with the answers people gave; who carries a proposal out answers it by that.
select r.task, a.kind, a.state, a.asked_at, a.decided_at, count(v.person) + a.acted as answers,
  coalesce(max(v.at), case when a.acted = 1 then a.used_at end) as answered_at,
  coalesce(max(case when v.answer in ('edit', 'reject') then 1 else 0 end), 0) as corrected
from runs r
join (select *, case when kind = 'proposal' and state = 'used' then 1 else 0 end as acted from approvals) as a on a.run = r.id
left join votes v on v.approval = a.id
where r.task in (select value from json_each(:tasks)) and r.effects = 1 and r.undoes is null
group by r.task, a.id, a.kind, a.state, a.asked_at, a.decided_at, a.used_at, a.acted

-- name: said
-- What those served said of a task: of several scores the last one counts.
select f.task, max(case when f.kind = 'satisfaction' then 1 else 0 end) as rated,
  coalesce((select l.score from feedback l where l.task = f.task and l.kind = 'satisfaction'
    order by l.number desc limit 1), 0) as score,
  max(case when f.kind = 'appeal' then 1 else 0 end) as appeals,
  max(case when f.kind = 'person' then 1 else 0 end) as person_asked
from feedback f where f.task in (select value from json_each(:tasks)) group by f.task

-- name: counted
select * from task_figures where task in (select value from json_each(:tasks))

-- name: put_task
insert into task_figures (task, agent, unit, ended_at, succeeded, tool, model, person, unpriced, recorded, simulated,
  asked, intervened, answers, denied, resolution, waiting, rated, score, appeals, person_asked, answer_times)
values (:task, :agent, :unit, :ended_at, :succeeded, :tool, :model, :person, :unpriced, :recorded, :simulated,
  :asked, :intervened, :answers, :denied, :resolution, :waiting, :rated, :score, :appeals, :person_asked, :answer_times)
on conflict (task) do update set agent = excluded.agent, unit = excluded.unit, ended_at = excluded.ended_at,
  succeeded = excluded.succeeded, tool = excluded.tool, model = excluded.model, person = excluded.person,
  unpriced = excluded.unpriced, recorded = excluded.recorded, simulated = excluded.simulated, asked = excluded.asked,
  intervened = excluded.intervened, answers = excluded.answers, denied = excluded.denied,
  resolution = excluded.resolution, waiting = excluded.waiting, rated = excluded.rated, score = excluded.score,
  appeals = excluded.appeals, person_asked = excluded.person_asked, answer_times = excluded.answer_times

-- name: drop_task
-- A task that was opened again is counted when it ends again.
delete from task_figures where task = :task

-- name: add_day
insert into figure_days (scope, day, ended, succeeded, tool, model, person, unpriced, recorded, simulated, asked,
  intervened, answers, denied, resolution, waiting, rated, score, appeals, person_asked, waste)
values (:scope, :day, :ended, :succeeded, :tool, :model, :person, :unpriced, :recorded, :simulated, :asked,
  :intervened, :answers, :denied, :resolution, :waiting, :rated, :score, :appeals, :person_asked, :waste)
on conflict (day, scope) do update set ended = figure_days.ended + excluded.ended, succeeded = figure_days.succeeded + excluded.succeeded,
  tool = figure_days.tool + excluded.tool, model = figure_days.model + excluded.model, person = figure_days.person + excluded.person,
  unpriced = figure_days.unpriced + excluded.unpriced, recorded = figure_days.recorded + excluded.recorded,
  simulated = figure_days.simulated + excluded.simulated, asked = figure_days.asked + excluded.asked,
  intervened = figure_days.intervened + excluded.intervened, answers = figure_days.answers + excluded.answers,
  denied = figure_days.denied + excluded.denied, resolution = figure_days.resolution + excluded.resolution, waiting = figure_days.waiting + excluded.waiting,
  rated = figure_days.rated + excluded.rated, score = figure_days.score + excluded.score, appeals = figure_days.appeals + excluded.appeals,
  person_asked = figure_days.person_asked + excluded.person_asked, waste = figure_days.waste + excluded.waste

-- name: add_times
insert into figure_times (scope, kind, day, bucket, count, total) values (:scope, :kind, :day, :bucket, :count, :total)
on conflict (day, scope, kind, bucket) do update set count = figure_times.count + excluded.count, total = figure_times.total + excluded.total

-- name: add_spending
insert into spending_days (agent, day, unit, kind, source, calls, unpriced, input_tokens, output_tokens, amount)
values (:agent, :day, :unit, :kind, :source, :calls, :unpriced, :input_tokens, :output_tokens, :amount)
on conflict (day, agent, unit, kind, source) do update set calls = spending_days.calls + excluded.calls,
  unpriced = spending_days.unpriced + excluded.unpriced, input_tokens = spending_days.input_tokens + excluded.input_tokens,
  output_tokens = spending_days.output_tokens + excluded.output_tokens, amount = spending_days.amount + excluded.amount

-- name: add_spender
insert into spender_days (day, agent, amount) values (:day, :agent, :amount)
on conflict (day, agent) do update set amount = spender_days.amount + excluded.amount

-- name: known_days
-- The first and the last day anything was counted on; days before and after need no look.
select (select min(day) from figure_days) as first, (select max(day) + 1 from figure_days) as last

-- name: spent_days
select (select min(day) from spending_days) as first, (select max(day) + 1 from spending_days) as last

-- name: day_sums
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select sum(ended) as ended, sum(succeeded) as succeeded, sum(tool) as tool, sum(model) as model, sum(person) as person,
  sum(unpriced) as unpriced, sum(recorded) as recorded, sum(simulated) as simulated, sum(asked) as asked,
  sum(intervened) as intervened, sum(answers) as answers, sum(denied) as denied, sum(resolution) as resolution,
  sum(waiting) as waiting, sum(rated) as rated, sum(score) as score, sum(appeals) as appeals,
  sum(person_asked) as person_asked, sum(waste) as waste
from days cross join figure_days f on f.day = days.day and f.scope = :scope

-- name: day_times
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select kind, bucket, sum(count) as count, sum(total) as total
from days cross join figure_times f on f.day = days.day and f.scope = :scope group by kind, bucket

-- name: part_sums
-- A day of which only a part is asked for is added up task by task.
select count(*) as ended, sum(succeeded) as succeeded, sum(tool) as tool, sum(model) as model, sum(person) as person,
  sum(unpriced) as unpriced, sum(recorded) as recorded, sum(simulated) as simulated, sum(asked) as asked,
  sum(intervened) as intervened, sum(answers) as answers, sum(denied) as denied, sum(resolution) as resolution,
  sum(waiting) as waiting, sum(rated) as rated, sum(score) as score, sum(appeals) as appeals,
  sum(person_asked) as person_asked, sum((1 - succeeded) * (tool + model + person)) as waste
from task_figures
where ended_at >= :since and ended_at < :until and (:agent = '' or agent = :agent) and (:unit = '' or unit = :unit)

-- name: part_times
-- All in one row, as lists: thousands of rows cost more to fetch than to count.
select '[' || coalesce(group_concat(resolution), '') || ']' as resolutions,
  '[' || coalesce(group_concat(case when answer_times <> '[]' then answer_times end), '') || ']' as answer_times
from task_figures
where ended_at >= :since and ended_at < :until and (:agent = '' or agent = :agent) and (:unit = '' or unit = :unit)

-- name: each_day
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select f.* from days cross join figure_days f on f.day = days.day and f.scope = :scope

-- name: times_of_each_day
-- A row for each day, with bucket, count and total after one another: hundreds of rows a day cost more to fetch than to add.
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select f.day, '[' || group_concat(bucket || ',' || count || ',' || total) || ']' as times
from days cross join figure_times f on f.day = days.day and f.scope = :scope and f.kind = 'resolution' group by f.day

-- name: outcomes_of_days
-- Of some scopes, day by day.
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select f.scope, f.day, f.ended as tasks, f.ended - f.succeeded as failed, f.recorded + f.simulated as not_live
from days cross join figure_days f on f.day = days.day and f.scope in (select value from json_each(:scopes))

-- name: outcomes_of_all
-- Of every agent that did something since a day.
select substr(scope, 7) as agent, cast(sum(ended - succeeded) as bigint) as failed, cast(sum(ended) as bigint) as tasks
from figure_days where day >= :first and scope >= 'agent:' and scope < 'agent;' group by scope

-- name: late_of_days
-- Of some scopes, day by day, tasks whose time to resolution is in this bucket or a later one.
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select f.scope, f.day, cast(sum(f.count) as bigint) as late
from days cross join figure_times f on f.day = days.day and f.scope in (select value from json_each(:scopes))
  and f.kind = 'resolution' and f.bucket >= :bucket and f.day >= :first and f.day < :last
group by f.scope, f.day

-- name: outcomes_since
-- Of some agents, the tasks that ended since each of some moments, `first` the earliest. The index alone tells whose tasks
-- these are, so rows of other agents are not looked at.
with mine as materialized (select task, agent, ended_at from task_figures
  where ended_at >= :first and agent in (select value from json_each(:agents)))
select m.agent, cast(w.value as bigint) as since, count(*) as tasks, count(*) filter (where f.succeeded = 0) as failed,
  count(*) filter (where f.resolution >= :late) as late
from mine m cross join json_each(:moments) w cross join task_figures f
where f.task = m.task and m.ended_at >= cast(w.value as bigint) group by m.agent, w.value

-- name: open_tasks
select count(*) as count from tasks where state = 'open' and created_at >= :since and created_at < :until

-- name: open_tasks_of_agent
select count(*) as count from tasks
where agent = :agent and created_at >= :since and created_at < :until and state = 'open'

-- name: open_tasks_of_unit
select count(*) as count from tasks t where state = 'open' and created_at >= :since and created_at < :until
  and t.agent in (select agent from versions where unit = :unit)
  and :unit = (select v.unit from runs r join versions v on v.agent = r.agent and v.version = r.version
    where r.task = t.id order by r.created_at, r.id limit 1)

-- name: unmarked
-- Charges that new_spending has added up and that have to be marked as counted: SQLite numbers them without a gap.
select 0 as number limit 0

-- name: mark
update charges set at = at where 0 = 1

-- name: new_spending
-- What was charged since it was counted: at most that many charges, each after the other.
select agent, at / 86400000000 as day, unit, kind, source, count(*) as calls, sum(1 - priced) as unpriced,
  sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(amount) as amount
from charges where rowid > :first and rowid <= :last group by 1, 2, 3, 4, 5

-- name: spending_of_agents
select agent, unit, kind, source, sum(calls) as calls, sum(unpriced) as unpriced, sum(input_tokens) as input_tokens,
  sum(output_tokens) as output_tokens, sum(amount) as amount
from spending_days where agent > '' and day >= :first group by agent, unit, kind, source

-- name: spending_of_one
-- Of one agent; of all agents of each unit together, when none is named. The agent is the same in all: grouping by it
-- would cost a third of the time.
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select :agent as agent, unit, kind, source, sum(calls) as calls, sum(unpriced) as unpriced,
  sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(amount) as amount
from days cross join spending_days s on s.day = days.day and s.agent = :agent group by unit, kind, source

-- name: charges_of_days
-- How many charges the sums of some days hold: with every one that is added this grows.
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select coalesce(sum(calls), 0) as charges from days cross join spending_days s on s.day = days.day and s.agent = ''

-- name: spenders
-- What each agent was charged on some days.
select json_group_object(agent, amount) as spent from (
  select agent, sum(amount) as amount from spender_days where day >= :first and day < :last group by agent)

-- name: latest_spenders
-- What each was charged since, and what is not rolled up of all days asked for.
select json_group_object(agent, amount) as spent from (
  select agent, sum(amount) as amount from (
    select agent, amount from spender_days where day >= :first and day >= :last
    union all
    select agent, amount from charges where rowid > (select charges from figures_head) and at / 86400000000 >= :first)
  group by agent)

-- name: steps
-- What a fork begins with was done, and counted, in the run it was forked from.
select s.kind, s.state, count(*) as count from steps s where s.attempt > 0 group by s.kind, s.state

-- name: actions
-- Every decided action of runs that act for a task, by how it came about. What a fork begins with was counted before.
select case when s.state = 'denied' then 'denied' when s.person <> '' then 'human_led'
    when exists (select 1 from approvals a
      where a.run = s.run and a.step = s.step and a.kind = 'action' and a.state = 'used') then 'approved'
    else 'autonomous' end as how, count(*) as count
from steps s join runs r on r.id = s.run and r.effects = 1 and r.undoes is null
where s.attempt > 0 and s.kind <> 'value' and s.state <> 'waiting' group by 1

-- name: blocked
select coalesce(json_extract(cast(p.body as text), '$.denied.reason'), 'erased') as why, count(*) as count
from steps s join runs r on r.id = s.run and r.effects = 1 and r.undoes is null left join payloads p on p.digest = s.result
where s.attempt > 0 and s.kind <> 'value' and s.state = 'denied' group by 1 order by 2 desc, 1

-- name: gates_before
-- A gate that was asked stands among a decision's constraints; one that did not hold is what refused it.
select case when json_extract(entry, '$.reason') = 'the gate does not hold' then 'refuted' else 'passed' end as held, count(*) as count
from (select cast(body as text) as entry from log where kind = 'decision')
where exists (select 1 from json_each(entry, '$.constraints') where instr(value, 'gate before: ') = 1) group by 1

-- name: gates_after
select case when gate = 'holds' then 'passed' else 'refuted' end as held, count(*) as count
from (select json_extract(cast(body as text), '$.gate') as gate from log where kind = 'outcome')
where gate in ('holds', 'does not hold') group by 1

-- name: answered
-- What became of each question of runs that act for a task; one that was withdrawn needed no answer.
select case when a.state = 'pending' then 'open' when a.state = 'rejected' then 'rejected'
    when exists (select 1 from votes v where v.approval = a.id and v.answer = 'edit') then 'edited'
    else 'approved' end as answer, count(*) as count
from approvals a join runs r on r.id = a.run and r.effects = 1 and r.undoes is null
where a.state not in ('withdrawn', 'expired') group by 1

-- name: taken_over
-- A person carried something out, or had to be asked about an answer, an unknown outcome or a run that was stuck.
select distinct r.task from approvals a join runs r on r.id = a.run and r.effects = 1 and r.undoes is null
where a.kind = 'proposal' and a.state = 'used' or a.kind in ('unknown', 'answer', 'stuck') and a.state <> 'withdrawn'

-- name: log_end
select coalesce((select max(leaf_index) + 1 from log), 0) as last

-- name: days_of_runs
-- The days on which those runs began that some entries of the log speak of.
with streams as materialized (select distinct stream from log where leaf_index >= :first and leaf_index < :last)
select distinct r.created_at / 86400000000 as day from streams cross join runs r on r.id = streams.stream

-- name: days_of_tasks
with streams as materialized (select distinct stream from log where leaf_index >= :first and leaf_index < :last)
select distinct t.created_at / 86400000000 as day
from streams cross join runs r on r.id = streams.stream cross join tasks t on t.id = r.task

-- name: span_of_runs
-- The first and the last day there are any of, by the ends of the index.
select min(first) / 86400000000 as first, max(last) / 86400000000 as last from (
  select (select min(created_at) from runs where state = states.value) as first,
    (select max(created_at) from runs where state = states.value) as last
  from json_each(:states) as states) as spans

-- name: runs_of_days
-- Each state of each day is a stretch of the index by state.
select cast(days.value as bigint) as day, states.value as state, (
  select count(*) from runs r where r.state = states.value
    and r.created_at >= cast(days.value as bigint) * 86400000000
    and r.created_at < (cast(days.value as bigint) + 1) * 86400000000) as count
from json_each(:days) as days cross join json_each(:states) as states

-- name: span_of_tasks
-- The first and the last day there are any of, by the ends of the index.
select min(first) / 86400000000 as first, max(last) / 86400000000 as last from (
  select (select min(created_at) from tasks where state = states.value) as first,
    (select max(created_at) from tasks where state = states.value) as last
  from json_each(:states) as states) as spans

-- name: tasks_of_days
select cast(days.value as bigint) as day, states.value as state, (
  select count(*) from tasks t where t.state = states.value
    and t.created_at >= cast(days.value as bigint) * 86400000000
    and t.created_at < (cast(days.value as bigint) + 1) * 86400000000) as count
from json_each(:days) as days cross join json_each(:states) as states

-- name: days_of_approvals
with streams as materialized (select distinct stream from log where leaf_index >= :first and leaf_index < :last)
select distinct a.asked_at / 86400000000 as day
from streams cross join runs r on r.id = streams.stream cross join runs o on o.task = r.task
cross join approvals a on a.run = o.id

-- name: span_of_approvals
-- The first and the last day there are any of, by the ends of the index.
select min(first) / 86400000000 as first, max(last) / 86400000000 as last from (
  select (select min(asked_at) from approvals where state = states.value) as first,
    (select max(asked_at) from approvals where state = states.value) as last
  from json_each(:states) as states) as spans

-- name: approvals_of_days
select cast(days.value as bigint) as day, states.value as state, (
  select count(*) from approvals a where a.state = states.value
    and a.asked_at >= cast(days.value as bigint) * 86400000000
    and a.asked_at < (cast(days.value as bigint) + 1) * 86400000000) as count
from json_each(:days) as days cross join json_each(:states) as states
