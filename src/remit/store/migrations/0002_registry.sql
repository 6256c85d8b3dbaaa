create table versions (
  agent text not null,
  version text not null,
  contract text not null,             -- digest of the contract and the schemas it refers to
  release text not null,              -- digest of contract, model routes and tool definitions together
  unit text not null,
  class text not null,
  owner text not null,
  lifecycle text not null default 'prototype'
    check (lifecycle in ('prototype', 'live', 'paused', 'retired')),
  state text not null default 'pending' check (state in ('pending', 'approved', 'draining', 'refused')),
  approved_by text,
  approved_at integer,
  created_at integer not null,
  seen_at integer,
  primary key (agent, version)
) strict;

-- What a release was made of, so that its runs can go on when the folder has a newer one.
create table releases (
  digest text primary key,
  body blob not null
) strict;
