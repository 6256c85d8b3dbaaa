-- name: register
insert into versions (agent, version, contract, release, unit, class, owner, created_at)
values (:agent, :version, :contract, :release, :unit, :class, :owner, :at)

-- name: renew_release
-- A prototype's text may still change; an approved one never does.
update versions set contract = :contract, release = :release, unit = :unit, class = :class, owner = :owner
where agent = :agent and version = :version and state = 'pending' and release <> :release

-- name: approve
update versions set state = 'approved', lifecycle = 'live', approved_by = :by, approved_at = :at
where agent = :agent and version = :version and release = :release
  and (state = 'pending' or state = 'approved' and :again = 1) and lifecycle <> 'retired'

-- name: drain_others
update versions set state = 'draining' where agent = :agent and version <> :version and state = 'approved'

-- name: has_name
select 1 from versions where (:kind = 'unit' and unit = :name) or (:kind = 'class' and class = :name)
  or (:kind = 'agent' and agent = :name) or (:kind = 'version' and agent || '@' || version = :name) limit 1

-- name: names
select distinct name from (
  select case :kind when 'unit' then unit when 'class' then class when 'agent' then agent else agent || '@' || version end
    as name from versions) as named
where :search = '' or instr(name, :search) > 0 order by name limit :limit

-- name: drain
update versions set state = 'draining' where agent = :agent and version = :version and state = 'approved'

-- name: set_lifecycle
update versions set lifecycle = :lifecycle where agent = :agent and version = :version and lifecycle <> 'retired'

-- name: version
select * from versions where agent = :agent and version = :version

-- name: versions_among
select * from versions where agent in (select value from json_each(:agents))

-- name: versions_of
select * from versions where agent = :agent order by created_at, version

-- name: versions
select * from versions order by agent, created_at, version

-- name: current
select * from versions where agent = :agent and state = 'approved' and lifecycle = 'live'
order by approved_at desc nulls last, version desc limit 1

-- name: seen
update versions set seen_at = :at where agent = :agent and version = :version

-- name: guard_release
select 1 from versions
where agent = :agent and version = :version and release = :release
  and lifecycle = 'live' and state in ('approved', 'draining')

-- name: keep_release
insert into releases (digest, body) values (:digest, :body) on conflict (digest) do nothing

-- name: keep_bundle
insert into bundles (digest, body) values (:digest, :body) on conflict (digest) do nothing

-- name: bundle
select body from bundles where digest = :digest

-- name: release
select body from releases where digest = :digest
