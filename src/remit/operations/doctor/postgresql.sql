-- name: has_table
select 1 from pg_class where oid = to_regclass(:name)

-- name: server_facts
select current_setting('server_version_num')::bigint as version, current_setting('server_version') as shown,
  current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint as allowed,
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
  (select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend') as own,
  coalesce((select case when ssl then 1 else 0 end from pg_stat_ssl where pid = pg_backend_pid()), 0) as tls,
  case when inet_server_addr() is null or inet_client_addr() = inet_server_addr() then 1 else 0 end as is_here,
  case when pg_is_in_recovery() then 1 else 0 end as is_replica,
  current_setting('fsync') as fsync, current_setting('full_page_writes') as full_pages

-- name: server_rights
select case when (select rolsuper from pg_roles where rolname = current_user) then 1 else 0 end as super,
  case when has_table_privilege('log', 'update') or has_table_privilege('log', 'delete')
    or has_table_privilege('log', 'truncate') then 1 else 0 end as changes_log,
  case when has_table_privilege('runs', 'update') and has_table_privilege('log_pending', 'insert') then 1 else 0 end as works,
  current_user as name

-- name: server_time
select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now

-- name: waiting_entries
select count(*) as count, min(at) as oldest from (select at from log_pending order by id limit 100001) as waiting
