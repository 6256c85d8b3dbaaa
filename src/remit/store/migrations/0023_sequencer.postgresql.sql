-- Entries that were committed and wait for their place in the log. Whoever writes only adds; the sequencer takes away.
-- Identity values are taken at the insert and seen at the commit, so the sequencer never asks for "what is newer".
create table log_pending (
  id bigint generated always as identity primary key,
  stream text collate "C" not null,
  seq bigint not null,                -- given in the commit, so that an entry taken away from here is missed
  kind text collate "C" not null,
  ref text collate "C" not null,
  at bigint not null,
  body bytea not null
);

-- How many entries each stream has, those that wait included.
create table log_streams (
  stream text collate "C" primary key,
  seq bigint not null
);
