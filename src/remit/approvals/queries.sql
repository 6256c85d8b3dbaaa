-- name: ask
insert into approvals (id, kind, run, step, task, agent, version, name, digest, proposed, options, needs, because,
  on_behalf_of, asked_at, expires_at, confidence)
values (:id, :kind, :run, :step, :task, :agent, :version, :name, :digest, :proposed, :options, :needs, :because,
  :on_behalf_of, :asked_at, :expires_at, :confidence)

-- name: vote
-- Somebody who answered to this content before has thought again: the last answer counts, the log has them all.
insert into votes (approval, person, answer, roles, digest, reason, category, at)
values (:approval, :person, :answer, :roles, :digest, :reason, :category, :at)
on conflict (approval, person, digest) do update set answer = excluded.answer, roles = excluded.roles,
  reason = excluded.reason, category = excluded.category, at = excluded.at

-- name: override
insert into overrides (id, approval, kind, answer, category, person, agent, version, name, task, run, step, input,
  proposed, decided, reason, at)
values (:id, :approval, :kind, :answer, :category, :person, :agent, :version, :name, :task, :run, :step, :input,
  :proposed, :decided, :reason, :at)
on conflict (approval) do update set answer = excluded.answer, category = excluded.category, person = excluded.person,
  decided = excluded.decided, reason = excluded.reason, at = excluded.at

-- name: forget_override
delete from overrides where approval = :approval

-- name: override_of
select * from overrides where approval = :approval

-- name: overrides
-- Of one agent by its index; of all when none is named.
select * from overrides where agent = :agent and (:category = '' or category = :category)
  and (:after = '' or id < :after)
union all
select * from overrides where :agent = '' and (:category = '' or category = :category)
  and (:after = '' or id < :after)
order by id desc limit :limit

-- name: overrides_of_run
select * from overrides where run = :run order by step, id

-- name: overrides_ending
select * from overrides where (:ending <> '' and substr(id, length(id) - length(:ending) + 1) = :ending) limit 2

-- name: override_counts
select category, count(*) as count from overrides where agent = :agent group by category
union all
select category, count(*) from overrides where :agent = '' group by category

-- name: decide
-- The revision makes two answers at once take turns.
update approvals set state = :state, digest = :digest, proposed = :proposed, reason = :reason,
  decided_at = :decided_at, revision = revision + 1
where id = :id and revision = :revision and state = 'pending' and expires_at > :now

-- name: reject
update approvals set state = 'rejected', digest = :digest, proposed = :proposed, reason = :reason,
  decided_at = :decided_at, revision = revision + 1
where id = :id and revision = :revision and state = 'pending' and expires_at > :now

-- name: pass_on
update approvals set needs = :needs, revision = revision + 1
where id = :id and revision = :revision and state = 'pending' and expires_at > :now

-- name: use
update approvals set state = 'used', used_at = :now
where id = :id and state = 'approved' and digest = :digest and expires_at > :now

-- name: give_back
update approvals set state = 'approved', used_at = null where id = :id and state = 'used'

-- name: close
update approvals set state = :state, decided_at = :now, reason = :reason where id = :id and state in ('pending', 'approved')

-- name: approval
select * from approvals where id = :id

-- name: approvals_ending
select * from approvals where :ending <> '' and substr(id, length(id) - length(:ending) + 1) = :ending limit 2

-- name: approvals
select * from approvals where (:state = '' or state = :state) order by asked_at desc, id desc limit :limit

-- name: approvals_waiting
select * from approvals where state = 'pending' and asked_at <= :since order by asked_at, id limit :limit

-- name: approvals_of
select * from approvals where run = :run order by asked_at, id

-- name: refused
select distinct name from approvals
where task = :task and state = 'rejected' and kind in ('action', 'proposal')

-- name: guard_unrefused
select 1 where not exists (select 1 from approvals
  where task = :task and name = :name and state = 'rejected' and kind in ('action', 'proposal'))

-- name: votes
select * from votes where approval = :approval order by at, person, digest

-- name: act_on
-- Only the proposal as it was looked at, while it is open: a rejection at the same moment wins or loses as a whole.
update approvals set state = 'used', reason = :reason, decided_at = :now, used_at = :now, revision = revision + 1
where id = :id and revision = :revision and state = 'pending' and expires_at > :now
