-- What people are asked, the soonest to expire first: every page shows how much that is, and nobody sorts all of it for that.
create index approvals_pending on approvals (expires_at, id) where state = 'pending';
