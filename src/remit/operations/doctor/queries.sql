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
