-- What PostgreSQL does differently with the log: whole stretches of it come at once, from the sequencer.

-- name: insert_entry
-- many: leaf_index bigint, stream text, seq bigint, kind text, ref text, at bigint, body text
insert into log (leaf_index, stream, seq, kind, ref, at, body)
select v.leaf_index, v.stream, v.seq, v.kind, v.ref, v.at, decode(v.body, 'base64') from {rows} order by v.leaf_index

-- name: waiting_entries
select count(*) as count from (select 1 from log_pending limit :most) as waiting
