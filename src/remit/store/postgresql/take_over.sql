-- Takes the roles of a cell's name from the database that had them; its owner does it, when nothing works there any more.
do $$
declare
  taken record;
begin
  for taken in
    select r.rolname, r.oid, d.datname from pg_roles r join pg_database d on d.datname <> current_database()
    where r.rolname in ({names}) and exists (select from aclexplode(d.datacl) a where a.grantee = r.oid)
  loop
    execute format('revoke all on database %I from %I', taken.datname, taken.rolname);
    if exists (select from pg_database d, aclexplode(d.datacl) a
        where d.datname = taken.datname and a.grantee = taken.oid) then
      raise exception using
        message = format('The role %s can still connect to the database %s', taken.rolname, taken.datname),
        hint = 'Do it as the owner of that database';
    end if;
  end loop;
  for taken in select r.rolname from pg_roles r where r.rolname in ({names}) loop
    execute format('comment on role %I is %L', taken.rolname, 'Remit: ' || current_database());
  end loop;
end $$;
