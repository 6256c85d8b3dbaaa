-- What the registry tells PostgreSQL differently: what may act is changed alone, since every decision depends on it.

-- name: renew_release
-- alone

-- name: approve
-- alone

-- name: drain_others
-- alone

-- name: drain
-- alone

-- name: set_lifecycle
-- alone

-- name: seen
-- Every attempt of every worker says so: to some seconds it is enough, and they do not wait for each other.
update versions set seen_at = :at
where agent = :agent and version = :version and (seen_at is null or seen_at < :at - 5000000)

-- name: seen
-- rank: 60
-- many: agent text, version text, at bigint
update versions set seen_at = w.at from (select agent, version, max(at) as at from {rows} group by agent, version) w
where versions.agent = w.agent and versions.version = w.version
  and (versions.seen_at is null or versions.seen_at < w.at - 5000000)

-- name: guard_release
-- many: agent text, version text, release text
select v.i from {rows} join versions on versions.agent = v.agent and versions.version = v.version
  and versions.release = v.release
where versions.lifecycle = 'live' and versions.state in ('approved', 'draining')

-- name: keep_bundle
-- many: digest text, body text
insert into bundles (digest, body)
select distinct on (v.digest) v.digest, decode(v.body, 'base64') from {rows} order by v.digest
on conflict (digest) do nothing
