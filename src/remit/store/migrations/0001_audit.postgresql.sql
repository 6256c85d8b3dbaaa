-- The log: one row per entry, never changed. `body` is the leaf, byte for byte; the other columns only find it.
create table log (
  leaf_index bigint primary key,
  stream text collate "C" not null,
  seq bigint not null,
  kind text collate "C" not null,
  ref text collate "C" not null,
  at bigint not null,
  body bytea not null,
  unique (stream, seq)
);
create index log_ref on log (ref);

-- Complete tiles of 256 hashes; `root` is the tree hash over them, and so one hash of the level above.
create table log_tiles (
  level bigint not null,
  number bigint not null,
  hashes bytea not null,
  root bytea not null,
  primary key (level, number)
);

-- How large the tree is, and the roots of its complete subtrees.
create table log_head (
  one bigint primary key check (one = 1),
  size bigint not null,
  stack bytea not null
);
insert into log_head (one, size, stack) values (1, 0, '');

create table log_checkpoints (
  size bigint primary key,
  at bigint not null,
  note text collate "C" not null
);

create function log_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception '% only grows', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger log_never_changes before update or delete or truncate on log
  for each statement execute function log_is_append_only();
create trigger log_tiles_never_change before update or delete or truncate on log_tiles
  for each statement execute function log_is_append_only();
create trigger log_checkpoints_never_change before update or delete or truncate on log_checkpoints
  for each statement execute function log_is_append_only();

-- Entries come by whole stretches, and each stretch is looked at once: it begins behind the last entry, has no gap, and so
-- it is with every stream in it.
create function log_grows_at_its_end() returns trigger language plpgsql as $$
declare
  first bigint; last bigint; count bigint;
begin
  select min(leaf_index), max(leaf_index), count(*) into first, last, count from added;
  if count = 0 then return null; end if;
  if last - first + 1 <> count or first <> coalesce((select max(leaf_index) + 1 from log where leaf_index < first), 0) then
    raise exception 'the log grows only at its end' using errcode = 'integrity_constraint_violation';
  end if;
  if exists (
    select 1 from (select stream, min(seq) as first, max(seq) as last, count(*) as count from added group by stream) s
    where s.last - s.first + 1 <> s.count
      or s.first <> coalesce((select max(l.seq) + 1 from log l where l.stream = s.stream and l.seq < s.first), 1)) then
    raise exception 'a stream of the log grows only at its end' using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create trigger log_only_at_the_end after insert on log referencing new table as added
  for each statement execute function log_grows_at_its_end();
