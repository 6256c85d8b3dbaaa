-- Keys under which programs ask for something once, with what was answered. No answer here holds content or a secret.
create table idempotency_keys (
  actor text not null,
  key text not null,
  fingerprint blob not null,          -- SHA-256 of method, path and body
  claim text not null,                -- of whoever does it now
  claimed_at integer not null,
  expires_at integer not null,
  status integer,                     -- null until it is done and answered
  headers text not null default '{}',
  body blob not null default x'',
  primary key (actor, key)
) without rowid, strict;
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);
