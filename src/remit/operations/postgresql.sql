-- name: probe
-- A replica and a database that was set to read only answer, and take nothing.
select 1 where not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off'

-- name: erase_task
-- That no run may go on for it is seen in other rows.
-- alone

-- name: drop_tokens
delete from tokens where id in (select json_array_elements_text(cast(:tokens as json)))

-- name: server
select current_setting('server_version') as version, pg_database_size(current_database()) as bytes

-- name: waiting
select count(*) as count, min(at) as oldest from (select at from log_pending order by id limit 100001) as waiting

-- name: has_migrations
select 1 from pg_class where oid = to_regclass('migrations')
