-- What remit doctor looks at; nothing here changes anything.

-- name: has_table
select 1 from sqlite_master where type = 'table' and name = :name

-- name: tables_applied
select number, digest from migrations order by number

-- name: quick_check
pragma quick_check(5)

-- name: newest_entry
select max(at) as at from (select at from log order by leaf_index desc limit 1000)

-- name: log_size
select size from log_head

-- name: open_links
select distinct person from login_links where used_at is null and expires_at > :now

-- name: stops
select scope, because, by, at from switches where stopped = 1 order by scope

-- name: hello
select 1 as one

-- name: server_facts
-- Of PostgreSQL only, and so are the next ones.
select 0 as version, '' as shown, 0 as allowed, 0 as used, 0 as own, 0 as tls, 1 as is_here, 0 as is_replica,
  '' as fsync, '' as full_pages

-- name: server_rights
select 0 as super, 0 as changes_log, 1 as works, '' as name

-- name: server_time
select 0 as now

-- name: waiting_entries
select 0 as count, null as oldest

-- name: ready_since
-- What could go on, and since when the first of it.
select count(*) as count, min(ready_at) as first from (
  select ready_at from runs where ready_at is not null and ready_at <= :now order by ready_at limit 100001) as ready

-- name: releases_ready
-- What could go on for a while by now, or looks for its release again and again, by release.
select agent, version, release, count(*) as count from runs
where state in ('queued', 'waiting') and (ready_at <= :before or waits_for = 'release') group by agent, version, release

-- name: undecided_steps
-- Decided long ago, and no outcome: by runs that nobody drives any more they are taken up again, or asked about.
select steps.run, steps.step, steps.name, steps.at from steps join runs on runs.id = steps.run
where steps.state = 'decided' and steps.at < :before and runs.state <> 'running' order by steps.at, steps.run, steps.step
limit :limit

-- name: stranded_holds
-- Money held for steps that can spend it no more.
select holds.run, holds.step, holds.amount from holds
left join steps on steps.run = holds.run and steps.step = holds.step
where coalesce(steps.state, 'done') not in ('waiting', 'decided', 'unknown') order by holds.run, holds.step limit :limit

-- name: stale_locks
select resource, holder, until from locks where holder is not null and until < :before order by until, resource limit :limit

-- name: outages
-- Of processes at work; what others have left says nothing of now.
select upstream, min(since) as since, max(why) as why, count(*) as processes from outages
join executors on executors.id = outages.executor
where executors.ended_at is null and executors.seen_at > :seen group by upstream order by upstream
