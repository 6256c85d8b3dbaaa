-- What figures ask PostgreSQL differently.

-- name: head
-- Charges wait in a queue until they are counted; `last_charge` is how many there would be with the next ones.
select entries, charges, coalesce((select max(leaf_index) + 1 from log), 0) as last_entry,
  charges + (select count(*) from (select 1 from charges_uncounted limit 10000) as fresh) as last_charge
from figures_head

-- name: unmarked
select number from charges_uncounted order by number limit cast(:last as bigint) - :first

-- name: mark
delete from charges_uncounted where number in (select cast(value as bigint) from json_each(:numbers))

-- name: new_spending
select agent, at / 86400000000 as day, unit, kind, source, count(*) as calls, cast(sum(1 - priced) as bigint) as unpriced,
  cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
  cast(sum(amount) as bigint) as amount
from (select * from charges_uncounted order by number limit cast(:last as bigint) - :first) as fresh group by 1, 2, 3, 4, 5

-- name: spenders
select coalesce(cast(json_object_agg(agent, amount) as text), '{}') as spent from (
  select agent, sum(amount) as amount from spender_days where day >= :first and day < :last group by agent) as found

-- name: latest_spenders
select coalesce(cast(json_object_agg(agent, amount) as text), '{}') as spent from (
  select agent, sum(amount) as amount from (
    select agent, amount from spender_days where day >= :first and day >= :last
    union all
    select agent, amount from charges_uncounted where at / 86400000000 >= :first) as charged
  group by agent) as found

-- name: blocked
-- What a tool or a model said may hold a NUL, which JSON of PostgreSQL does not take.
select coalesce(json_extract(replace(convert_from(p.body, 'UTF8'), '\u0000', '\ufffd'), '$.denied.reason'), 'erased') as why, count(*) as count
from steps s join runs r on r.id = s.run and r.effects = 1 and r.undoes is null left join payloads p on p.digest = s.result
where s.attempt > 0 and s.kind <> 'value' and s.state = 'denied' group by 1 order by 2 desc, 1

-- name: gates_before
select case when entry ->> 'reason' = 'the gate does not hold' then 'refuted' else 'passed' end as held, count(*) as count
from (select cast(replace(convert_from(body, 'UTF8'), '\u0000', '\ufffd') as jsonb) as entry from log where kind = 'decision') as decided
where exists (select 1 from jsonb_array_elements_text(entry -> 'constraints') as named where named like 'gate before: %')
group by 1

-- name: gates_after
select case when gate = 'holds' then 'passed' else 'refuted' end as held, count(*) as count
from (select cast(replace(convert_from(body, 'UTF8'), '\u0000', '\ufffd') as jsonb) ->> 'gate' as gate from log where kind = 'outcome') as ended
where gate in ('holds', 'does not hold') group by 1

-- name: put_task
-- many: task text, agent text, unit text, ended_at bigint, succeeded bigint, tool bigint, model bigint, person bigint, unpriced bigint, recorded bigint, simulated bigint, asked bigint, intervened bigint, answers bigint, denied bigint, resolution bigint, waiting bigint, rated bigint, score bigint, appeals bigint, person_asked bigint, answer_times text
with v as materialized (select * from {rows}),
  done as (
    insert into task_figures (task, agent, unit, ended_at, succeeded, tool, model, person, unpriced, recorded,
      simulated, asked, intervened, answers, denied, resolution, waiting, rated, score, appeals, person_asked,
      answer_times)
    select v.task, v.agent, v.unit, v.ended_at, v.succeeded, v.tool, v.model, v.person, v.unpriced, v.recorded,
      v.simulated, v.asked, v.intervened, v.answers, v.denied, v.resolution, v.waiting, v.rated, v.score, v.appeals,
      v.person_asked, v.answer_times from v
    on conflict (task) do update set agent = excluded.agent, unit = excluded.unit, ended_at = excluded.ended_at,
      succeeded = excluded.succeeded, tool = excluded.tool, model = excluded.model, person = excluded.person,
      unpriced = excluded.unpriced, recorded = excluded.recorded, simulated = excluded.simulated, asked = excluded.asked,
      intervened = excluded.intervened, answers = excluded.answers, denied = excluded.denied,
      resolution = excluded.resolution, waiting = excluded.waiting, rated = excluded.rated, score = excluded.score,
      appeals = excluded.appeals, person_asked = excluded.person_asked, answer_times = excluded.answer_times
    returning task)
select v.i from v join done on done.task = v.task

-- name: add_day
-- many: scope text, day bigint, ended bigint, succeeded bigint, tool bigint, model bigint, person bigint, unpriced bigint, recorded bigint, simulated bigint, asked bigint, intervened bigint, answers bigint, denied bigint, resolution bigint, waiting bigint, rated bigint, score bigint, appeals bigint, person_asked bigint, waste bigint
with v as materialized (select * from {rows}),
  done as (
    insert into figure_days (scope, day, ended, succeeded, tool, model, person, unpriced, recorded, simulated,
      asked, intervened, answers, denied, resolution, waiting, rated, score, appeals, person_asked, waste)
    select v.scope, v.day, v.ended, v.succeeded, v.tool, v.model, v.person, v.unpriced, v.recorded, v.simulated,
      v.asked, v.intervened, v.answers, v.denied, v.resolution, v.waiting, v.rated, v.score, v.appeals,
      v.person_asked, v.waste from v
    on conflict (day, scope) do update set ended = figure_days.ended + excluded.ended, succeeded = figure_days.succeeded + excluded.succeeded,
      tool = figure_days.tool + excluded.tool, model = figure_days.model + excluded.model, person = figure_days.person + excluded.person,
      unpriced = figure_days.unpriced + excluded.unpriced, recorded = figure_days.recorded + excluded.recorded,
      simulated = figure_days.simulated + excluded.simulated, asked = figure_days.asked + excluded.asked,
      intervened = figure_days.intervened + excluded.intervened, answers = figure_days.answers + excluded.answers,
      denied = figure_days.denied + excluded.denied, resolution = figure_days.resolution + excluded.resolution, waiting = figure_days.waiting + excluded.waiting,
      rated = figure_days.rated + excluded.rated, score = figure_days.score + excluded.score, appeals = figure_days.appeals + excluded.appeals,
      person_asked = figure_days.person_asked + excluded.person_asked, waste = figure_days.waste + excluded.waste
    returning day, scope)
select v.i from v join done on done.day = v.day and done.scope = v.scope

-- name: add_times
-- many: scope text, kind text, day bigint, bucket bigint, count bigint, total bigint
with v as materialized (select * from {rows}),
  done as (
    insert into figure_times (scope, kind, day, bucket, count, total)
    select v.scope, v.kind, v.day, v.bucket, v.count, v.total from v
    on conflict (day, scope, kind, bucket) do update set count = figure_times.count + excluded.count, total = figure_times.total + excluded.total
    returning day, scope, kind, bucket)
select v.i from v join done on done.day = v.day and done.scope = v.scope and done.kind = v.kind and done.bucket = v.bucket

-- name: add_spending
-- many: agent text, day bigint, unit text, kind text, source text, calls bigint, unpriced bigint, input_tokens bigint, output_tokens bigint, amount bigint
with v as materialized (select * from {rows}),
  done as (
    insert into spending_days (agent, day, unit, kind, source, calls, unpriced, input_tokens, output_tokens, amount)
    select v.agent, v.day, v.unit, v.kind, v.source, v.calls, v.unpriced, v.input_tokens, v.output_tokens, v.amount
      from v
    on conflict (day, agent, unit, kind, source) do update set calls = spending_days.calls + excluded.calls,
      unpriced = spending_days.unpriced + excluded.unpriced, input_tokens = spending_days.input_tokens + excluded.input_tokens,
      output_tokens = spending_days.output_tokens + excluded.output_tokens, amount = spending_days.amount + excluded.amount
    returning day, agent, unit, kind, source)
select v.i from v join done on done.day = v.day and done.agent = v.agent and done.unit = v.unit and done.kind = v.kind and done.source = v.source

-- name: add_spender
-- many: day bigint, agent text, amount bigint
with v as materialized (select * from {rows}),
  done as (
    insert into spender_days (day, agent, amount)
    select v.day, v.agent, v.amount from v
    on conflict (day, agent) do update set amount = spender_days.amount + excluded.amount
    returning day, agent)
select v.i from v join done on done.day = v.day and done.agent = v.agent

-- name: days_of_runs
-- Entries that wait for their place in the log speak as well: each time, until they have it.
with streams as materialized (
  select stream from log where leaf_index >= :first and leaf_index < :last union select stream from log_pending)
select distinct r.created_at / 86400000000 as day from streams join runs r on r.id = streams.stream

-- name: days_of_tasks
with streams as materialized (
  select stream from log where leaf_index >= :first and leaf_index < :last union select stream from log_pending)
select distinct t.created_at / 86400000000 as day
from streams join runs r on r.id = streams.stream join tasks t on t.id = r.task

-- name: part_times
select '[' || coalesce(string_agg(cast(resolution as text), ','), '') || ']' as resolutions,
  '[' || coalesce(string_agg(answer_times, ',') filter (where answer_times <> '[]'), '') || ']' as answer_times
from task_figures
where ended_at >= :since and ended_at < :until and (:agent = '' or agent = :agent) and (:unit = '' or unit = :unit)

-- name: times_of_each_day
with recursive days (day) as (select cast(:first as bigint) where :first < :last union all select day + 1 from days where day + 1 < :last)
select f.day, '[' || string_agg(concat_ws(',', bucket, count, total), ',') || ']' as times
from days join figure_times f on f.day = days.day and f.scope = :scope and f.kind = 'resolution' group by f.day

-- name: days_of_approvals
with streams as materialized (
  select stream from log where leaf_index >= :first and leaf_index < :last union select stream from log_pending)
select distinct a.asked_at / 86400000000 as day
from streams join runs r on r.id = streams.stream join runs o on o.task = r.task join approvals a on a.run = o.id
