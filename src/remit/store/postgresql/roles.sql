-- Roles of one cell. Run it as the owner of the tables, again after each migration.
do $$
declare
  wanted text;
begin
  foreach wanted in array array[{names}] loop
    begin
      execute format('create role %I nologin', wanted);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end $$;

-- The whole server knows them, so a role remembers whose it is: shared by two cells, it would let each into the other.
do $$
declare
  mine constant text := 'Remit: ' || current_database();
  taken record;
begin
  for taken in
    select r.rolname, d.datname from pg_roles r join pg_database d on d.datname <> current_database()
    where r.rolname in ({names}) and shobj_description(r.oid, 'pg_authid') is distinct from mine and not d.datistemplate
      and (shobj_description(r.oid, 'pg_authid') = 'Remit: ' || d.datname
        or exists (select from aclexplode(d.datacl) a where a.grantee = r.oid))
    order by 1, 2 limit 1
  loop
    raise exception using
      message = format('The role %s belongs to the database %s of the same server', taken.rolname, taken.datname),
      hint = 'Give this cell a `name` of its own in remit.toml. If it has moved here from there, and nothing works there '
        'any more: remit database roles --apply --take-over';
  end loop;
  for taken in
    select r.rolname from pg_roles r
    where r.rolname in ({names}) and shobj_description(r.oid, 'pg_authid') is distinct from mine
  loop
    begin
      execute format('comment on role %I is %L', taken.rolname, mine);
    exception when insufficient_privilege then null; -- somebody else made it; where it may connect says whose it is, too
    end;
  end loop;
end $$;

-- Only they, and nobody else who has a login on this server, come in.
do $$ begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to {app}, {sequencer}, {auditor}', current_database());
end $$;
revoke create on schema public from public;
grant usage on schema public to {app}, {sequencer}, {auditor};

-- What decides: it keeps its books, and gives entries to whoever moves them into the log. It cannot change the log.
grant select, insert, update, delete on all tables in schema public to {app};
grant usage on all sequences in schema public to {app};
revoke insert, update, delete, truncate on log, log_tiles, log_head, log_checkpoints, migrations from {app};
revoke update, delete, truncate on log_pending from {app};

-- What moves entries: it adds to the log, and takes away only what it has moved. It sees nothing of the work.
revoke all on all tables in schema public from {sequencer};
grant select on log, log_tiles, log_head, log_checkpoints, log_pending, migrations to {sequencer};
grant insert on log, log_tiles, log_checkpoints to {sequencer};
grant update on log_head to {sequencer};
grant delete on log_pending to {sequencer};

-- Who looks at the log: digests and decisions, no content, no people's sessions.
revoke all on all tables in schema public from {auditor};
grant select on log, log_tiles, log_head, log_checkpoints to {auditor};
