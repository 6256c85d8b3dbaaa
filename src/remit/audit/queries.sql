-- name: head
select log_head.size, log_head.stack, signed.size as signed_size, signed.at as signed_at, signed.note
from log_head
left join (select size, at, note from log_checkpoints order by size desc limit 1) as signed on true

-- name: set_head
update log_head set size = :size, stack = :stack where one = 1

-- name: last_seq
select coalesce(max(seq), 0) as seq from log where stream = :stream

-- name: insert_entry
insert into log (leaf_index, stream, seq, kind, ref, at, body)
values (:leaf_index, :stream, :seq, :kind, :ref, :at, :body)

-- name: insert_tile
insert into log_tiles (level, number, hashes, root) values (:level, :number, :hashes, :root)

-- name: insert_checkpoint
insert into log_checkpoints (size, at, note) values (:size, :at, :note) on conflict do nothing

-- name: tile
select hashes from log_tiles where level = :level and number = :number

-- name: tile_roots
select root from log_tiles where level = :level and number >= :first and number < :end order by number

-- name: leaves
select body from log where leaf_index >= :first and leaf_index < :end order by leaf_index

-- name: entry
select ref, body from log where leaf_index = :leaf_index

-- name: entries_of_stream
select ref, body from log where stream = :stream order by seq

-- name: entry_by_ref
select ref, body from log where ref = :ref order by leaf_index limit 1

-- name: happened_since
select kind, stream, ref from log where leaf_index >= :first order by leaf_index limit :limit

-- name: entries_since
select ref, body from log where leaf_index >= :first and kind in (select value from json_each(:kinds))
order by leaf_index limit :limit

-- name: waiting_entries
-- SQLite gives an entry its place in its own commit.
select 0 as count where :most > 0
