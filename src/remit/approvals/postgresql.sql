-- What approvals tell PostgreSQL differently.

-- name: reject
-- What has passed `guard_unrefused` is durable before the no has its receipt, and what comes later sees the no.
-- alone

-- name: guard_unrefused
-- many: task text, name text
select v.i from {rows} where not exists (select 1 from approvals
  where task = v.task and approvals.name = v.name and state = 'rejected' and kind in ('action', 'proposal'))
