-- What decisions were judged by, so that a run can be judged again: org policies change, and no release holds them.
create table bundles (
  digest text primary key,            -- of the source, not of its packed form
  body blob not null                  -- as the policy package packs it
) strict;
