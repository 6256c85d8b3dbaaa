-- Where each schedule of a live contract stands; a changed cron line or time zone is another schedule.
create table schedules (
  agent text not null,
  trigger text not null,              -- cron line and time zone, and a number where a contract has the same twice
  since integer not null,             -- first seen; no earlier time is due
  last_due integer,                   -- the latest time that was fired, missed or given up
  refused integer,                    -- the latest time whose refusal is on record while it may still be fired
  primary key (agent, trigger)
) strict;
