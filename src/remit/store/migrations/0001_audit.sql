-- The log: one row per entry, never changed. `body` is the leaf, byte for byte; the other columns only find it.
create table log (
  leaf_index integer primary key,
  stream text not null,
  seq integer not null,
  kind text not null,
  ref text not null,
  at integer not null,
  body blob not null,
  unique (stream, seq)
) strict;

create index log_ref on log (ref);

-- Complete tiles of 256 hashes; `root` is the tree hash over them, and so one hash of the level above.
create table log_tiles (
  level integer not null,
  number integer not null,
  hashes blob not null,
  root blob not null,
  primary key (level, number)
) strict;

-- How large the tree is, and the roots of its complete subtrees.
create table log_head (
  one integer primary key check (one = 1),
  size integer not null,
  stack blob not null
) strict;

insert into log_head (one, size, stack) values (1, 0, x'');

create table log_checkpoints (
  size integer primary key,
  at integer not null,
  note text not null
) strict;

create trigger log_no_update before update on log begin
  select raise(abort, 'the log is append-only');
end;

create trigger log_no_delete before delete on log begin
  select raise(abort, 'the log is append-only');
end;

-- Without it `insert or replace` would remove a row and no delete trigger would fire.
create trigger log_only_at_the_end before insert on log
when new.leaf_index <> (select coalesce(max(leaf_index) + 1, 0) from log)
  or new.seq <> (select coalesce(max(seq), 0) + 1 from log where stream = new.stream)
begin
  select raise(abort, 'the log grows only at its end');
end;

create trigger log_tiles_no_update before update on log_tiles begin
  select raise(abort, 'tiles are append-only');
end;

create trigger log_tiles_no_delete before delete on log_tiles begin
  select raise(abort, 'tiles are append-only');
end;

create trigger log_checkpoints_no_update before update on log_checkpoints begin
  select raise(abort, 'checkpoints are append-only');
end;

create trigger log_checkpoints_no_delete before delete on log_checkpoints begin
  select raise(abort, 'checkpoints are append-only');
end;
