-- A run's charges are found among its task's: each charge is written to one index, where it was three.
create index charges_of_task on charges (task, run);
drop index charges_by_task;
drop index charges_by_run;
drop index charges_by_agent;
