-- What views ask PostgreSQL differently.

-- name: in_scope
-- What a switch would stop: versions that may act, and their runs that are not over.
with scoped as materialized (
  select agent, version from versions where lifecycle = 'live' and state in ('approved', 'draining')
    and (:kind = 'fleet' or (:kind = 'unit' and unit = :name) or (:kind = 'class' and class = :name)
      or (:kind = 'agent' and agent = :name) or (:kind = 'version' and agent || '@' || version = :name)
      or (:kind in ('tool', 'model') and release in (select value from json_each(:releases)))))
select (select count(*) from scoped) as versions,
  (select json_group_array(id) from (
    select agent || '@' || version as id from scoped order by agent, version limit :limit) as listed) as named,
  (select coalesce(cast(json_object_agg(state, count) as text), '{}') from (
    select state, count(*) as count from runs where state in ('queued', 'running', 'waiting')
      and (agent, version) in (select agent, version from scoped) group by state) as counted) as states
