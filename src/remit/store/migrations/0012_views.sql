-- What people look through: the newest first, of one agent, or in one state.
create index runs_by_agent on runs (agent, created_at);
create index runs_by_state_and_agent on runs (state, agent, version);
create index tasks_by_state on tasks (state, created_at);
create index tasks_by_agent on tasks (agent, created_at);
create index approvals_by_agent on approvals (agent, asked_at);
