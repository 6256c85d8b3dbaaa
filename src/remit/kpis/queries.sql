-- name: tasks
select t.id, t.agent, t.state, t.outcome, t.created_at, t.ended_at,
  coalesce((select sum(c.amount) from charges c where c.task = t.id), 0) as cost,
  coalesce((select min(c.priced) from charges c where c.task = t.id), 1) as priced,
  coalesce((select min(c.source = 'live') from charges c where c.task = t.id), 1) as live,
  exists(select 1 from approvals a where a.task = t.id and a.kind in ('action', 'proposal')) as asked,
  exists(select 1 from approvals a left join votes v on v.approval = a.id
         where a.task = t.id and (a.kind in ('unknown', 'answer', 'stuck') or v.answer in ('edit', 'reject'))) as intervened
from tasks t where (:agent = '' or t.agent = :agent) and t.created_at >= :since

-- name: answers
select a.asked_at, a.decided_at from approvals a where a.decided_at is not null and a.asked_at >= :since and (:agent = '' or a.agent = :agent)

-- name: steps
-- What a fork begins with was done, and counted, in the run it was forked from.
select s.kind, s.state, count(*) as count from steps s where s.attempt > 0 group by s.kind, s.state
