-- Which releases a process has loaded, and so can drive. Apart from `executors`, whose rows are written with each attempt.
create table loaded (
  executor text primary key,
  releases text not null              -- a JSON list of digests
) without rowid, strict;
