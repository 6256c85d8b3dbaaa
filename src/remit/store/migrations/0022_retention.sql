-- When a task's content was erased, and its salt with it: what the log says of it names nothing any more.
alter table tasks add column erased_at integer;
-- What is still to be erased is found from its old end.
create index tasks_to_erase on tasks (ended_at) where erased_at is null and ended_at is not null;
