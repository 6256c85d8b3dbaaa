-- What people have said no to in a task is looked for before every call of a tool in it.
create index approvals_rejected on approvals (task, name) where state = 'rejected';
