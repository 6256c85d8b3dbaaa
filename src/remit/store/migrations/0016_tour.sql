-- What the tour looks for: the newest refusals of each check, failed calls, attempts that died, one's own answers.
create index steps_denied on steps (refused_at, ended_at) where state = 'denied';
create index steps_failed on steps (ended_at) where is_error = 1;
create index attempts_lost on attempts (ended_at) where state = 'lost';
create index votes_by_person on votes (person, at);
