-- name: open_budget
insert into budgets (id, cap) values (:id, :cap) on conflict (id) do nothing

-- name: hold
-- The cap is the holder's own: versions of an agent share its budget of the day, but not its cap. Kept for display.
update budgets set held = held + :amount, cap = :cap
where id = :id and (cast(:cap as bigint) is null or spent + held + :amount <= :cap)

-- name: keep_hold
insert into holds (run, step, amount, budgets) values (:run, :step, :amount, :budgets)

-- name: settle
update budgets set held = held - :held, spent = spent + :spent where id = :id

-- name: drop_hold
delete from holds where run = :run and step = :step

-- name: hold_of
select amount, budgets from holds where run = :run and step = :step

-- name: holds
select * from holds order by run, step

-- name: charge
insert into charges (run, step, task, agent, version, unit, kind, name, amount, priced, source, input_tokens, output_tokens, at)
values (:run, :step, :task, :agent, :version, :unit, :kind, :name, :amount, :priced, :source, :input_tokens, :output_tokens, :at)

-- name: budget
select * from budgets where id = :id

-- name: budgets
select * from budgets order by id

-- name: budgets_of_day
-- In the words of the index, which has no budgets of runs. The most used first, those without a cap last.
select * from budgets where substr(id, -10) = :day and substr(id, 1, 4) <> 'run:'
order by cast(held + spent as double precision) / nullif(cap, 0) desc nulls last, held + spent desc, id limit :limit

-- name: charges
select * from charges where (:run = '' or run = :run) order by at, run, step, kind, name, amount
