-- What the ledger tells PostgreSQL differently: budgets that many share come last, each changed once for all of a batch.

-- name: open_budget
-- rank: 89
-- many: id text, cap bigint
insert into budgets (id, cap) select distinct on (v.id) v.id, v.cap from {rows} order by v.id, v.i
on conflict (id) do nothing

-- name: hold
-- rank: 90
-- locks: budgets.id but run:

-- name: hold
-- All that a batch wants of one budget fits under the smallest cap, or each is tried alone.
-- many: id text, amount bigint, cap bigint
with v as materialized (select * from {rows}),
  w as materialized (select id, cast(sum(amount) as bigint) as amount, min(cap) as cap from v group by id),
  done as (
    update budgets set held = budgets.held + w.amount, cap = w.cap from w
    where budgets.id = w.id and (w.cap is null or budgets.spent + budgets.held + w.amount <= w.cap)
    returning budgets.id)
select v.i from v join done on done.id = v.id

-- name: keep_hold
-- many: run text, step bigint, amount bigint, budgets text
with v as materialized (select * from {rows}),
  done as (insert into holds (run, step, amount, budgets) select v.run, v.step, v.amount, v.budgets from v
    returning run, step)
select v.i from v join done on done.run = v.run and done.step = v.step

-- name: settle
-- rank: 90
-- locks: budgets.id but run:
-- many: id text, held bigint, spent bigint
with v as materialized (select * from {rows}),
  w as materialized (select id, cast(sum(held) as bigint) as held, cast(sum(spent) as bigint) as spent from v group by id),
  done as (
    update budgets set held = budgets.held - w.held, spent = budgets.spent + w.spent from w
    where budgets.id = w.id returning budgets.id)
select v.i from v join done on done.id = v.id

-- name: drop_hold
-- many: run text, step bigint
delete from holds using {rows} where holds.run = v.run and holds.step = v.step returning v.i

-- name: charge
-- A charge is kept, and waits to be counted.
with kept as (
  insert into charges (run, step, task, agent, version, unit, kind, name, amount, priced, source, input_tokens,
    output_tokens, at)
  values (:run, :step, :task, :agent, :version, :unit, :kind, :name, :amount, :priced, :source, :input_tokens,
    :output_tokens, :at) returning *)
insert into charges_uncounted (agent, at, unit, kind, source, amount, priced, input_tokens, output_tokens)
select agent, at, unit, kind, source, amount, priced, input_tokens, output_tokens from kept

-- name: charge
-- many: run text, step bigint, task text, agent text, version text, unit text, kind text, name text, amount bigint, priced bigint, source text, input_tokens bigint, output_tokens bigint, at bigint
with v as materialized (select * from {rows}),
  kept as (
    insert into charges (run, step, task, agent, version, unit, kind, name, amount, priced, source, input_tokens,
      output_tokens, at)
    select v.run, v.step, v.task, v.agent, v.version, v.unit, v.kind, v.name, v.amount, v.priced, v.source,
      v.input_tokens, v.output_tokens, v.at from v order by v.i),
  queued as (
    insert into charges_uncounted (agent, at, unit, kind, source, amount, priced, input_tokens, output_tokens)
    select v.agent, v.at, v.unit, v.kind, v.source, v.amount, v.priced, v.input_tokens, v.output_tokens from v order by v.i)
select v.i from v

-- name: budgets_of_day
-- In the words of the index here.
select * from budgets where right(id, 10) = :day and substr(id, 1, 4) <> 'run:'
order by cast(held + spent as double precision) / nullif(cap, 0) desc nulls last, held + spent desc, id limit :limit
