create table switches (
  scope text primary key,             -- fleet, unit:…, class:…, agent:…, version:…, tool:…, model:…, run:…
  stopped integer not null check (stopped in (0, 1)),
  because text not null,
  by text not null,
  at integer not null
) without rowid, strict;

create table locks (
  resource text primary key,
  holder text,                        -- run:step, null when free
  fence integer not null,
  until integer not null              -- a holder that vanished loses the lock then
) without rowid, strict;

create table rates (
  key text primary key,
  window integer not null,            -- number of the latest window since 1970
  calls integer not null
) without rowid, strict;
