-- What a process asks of its own database, and what is forgotten.

-- name: probe
-- Changes nothing, and yet is written: a full disk and a file that may not be written are found.
update migrations set applied_at = applied_at where number = 1

-- name: applied
select number, digest from migrations order by number

-- name: tasks_to_erase
-- Those that are over in every way: no run may go on, no outcome is unknown, no question is open.
select tasks.id as id, (select count(*) from payloads where payloads.task = tasks.id) as payloads
from tasks
where tasks.erased_at is null and tasks.ended_at < :before and tasks.state in ('done', 'failed', 'cancelled')
  and not exists (select 1 from runs where runs.task = tasks.id and runs.state in ('queued', 'running', 'waiting'))
  and not exists (select 1 from steps join runs on runs.id = steps.run
    where runs.task = tasks.id and steps.state in ('decided', 'unknown'))
  and not exists (select 1 from approvals where approvals.task = tasks.id and approvals.state = 'pending')
order by tasks.ended_at, tasks.id limit :limit

-- name: erase_task
update tasks set erased_at = :at, salt = :salt, intent = ''
where id = :task and erased_at is null and state in ('done', 'failed', 'cancelled')
  and not exists (select 1 from runs where runs.task = tasks.id and runs.state in ('queued', 'running', 'waiting'))

-- name: erase_payloads
delete from payloads where task = :task

-- name: erase_subjects
delete from subjects where task = :task

-- name: tokens_to_drop
select id from tokens where coalesce(revoked_at, expires_at) < :before order by id limit :limit

-- name: drop_tokens
delete from tokens where id in (select value from json_each(:tokens))

-- name: server
select sqlite_version() as version,
  (select page_count from pragma_page_count()) * (select page_size from pragma_page_size()) as bytes

-- name: sizes
-- Nobody waits for a count of millions.
select (select count(*) from (select 1 from tasks limit 100001) as some_tasks) as tasks,
  (select count(*) from (select 1 from runs limit 100001) as some_runs) as runs,
  (select size from log_head) as entries

-- name: waiting
-- Entries that wait for their place in the log: SQLite's get it in their own commit.
select 0 as count, null as oldest

-- name: has_migrations
select 1 from sqlite_master where type = 'table' and name = 'migrations'
