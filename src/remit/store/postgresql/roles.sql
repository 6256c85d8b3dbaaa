-- Roles of one cell. Run it as the owner of the tables, again after each migration.
do $$ begin create role {app} nologin; exception when duplicate_object then null; end $$;
do $$ begin create role {sequencer} nologin; exception when duplicate_object then null; end $$;
do $$ begin create role {auditor} nologin; exception when duplicate_object then null; end $$;

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
