-- Who is logged in, and what opens the door. Of every secret only its SHA-256 is kept.
create table sessions (
  id text primary key,
  secret blob not null unique,        -- SHA-256 of the cookie
  person text not null,
  credential blob not null,           -- SHA-256 of the person's password hash then; a changed password ends the session
  created_at integer not null,
  seen_at integer not null,           -- the latest request, to the minute
  expires_at integer not null
) without rowid, strict;
create index sessions_by_person on sessions (person);
create index sessions_by_expiry on sessions (expires_at);

create table login_links (
  secret blob primary key,            -- SHA-256 of what the link ends with
  person text not null,
  by text not null,
  issued_at integer not null,
  expires_at integer not null,
  used_at integer                     -- null until it has opened the door, once
) without rowid, strict;
create index login_links_by_person on login_links (person);
create index login_links_by_expiry on login_links (expires_at);

create table tokens (
  id text primary key,                -- stands in the token itself
  secret blob not null,               -- SHA-256 of the whole token
  name text not null,
  owner text not null,                -- the person whose permissions bound it
  program text not null,              -- empty for a person's own
  permissions text not null,          -- JSON: what it was made for
  created_at integer not null,
  expires_at integer not null,
  used_at integer,                    -- the latest request, to the minute
  revoked_at integer,
  revoked_by text not null default ''
) without rowid, strict;
create index tokens_by_owner on tokens (owner, created_at);

create table login_failures (
  subject text not null,              -- person:ID or client:ADDRESS
  at integer not null,
  attempt text not null,              -- one attempt counts for its person and for its client
  primary key (subject, at, attempt)
) without rowid, strict;
create index login_failures_by_time on login_failures (at);
create index login_failures_by_attempt on login_failures (attempt);
