"""A store that was in use before figures knew of waste: days that were counted then are told it."""

from pathlib import Path

from remit.store import SqliteDatabase, load_migrations, migrate

TASK = (
    "insert into task_figures (task, agent, unit, ended_at, succeeded, tool, model, person, unpriced, recorded,"
    " simulated, asked, intervened, answers, denied, resolution, waiting, answer_times)"
    " values (?, ?, ?, ?, ?, ?, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '[]')"
)
DAY_SUMS = (
    "insert into figure_days (day, scope, ended, succeeded, tool, model, person, unpriced, recorded, simulated, asked,"
    " intervened, answers, denied, resolution, waiting) values (?, ?, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
)
DAY = 86_400_000_000


def test_days_that_were_counted_before_know_what_failed_tasks_did_cost(tmp_path: Path) -> None:
    connection = SqliteDatabase("sqlite:///store.db", folder=tmp_path).connect()
    every = load_migrations()
    migrate(connection, [one for one in every if one.number < 14])
    tasks = [
        ("a", "ada", "care", 3 * DAY, 0, 10),
        ("b", "ada", "care", 4 * DAY - 1, 1, 100),
        ("c", "bob", "care", 3 * DAY + 5, 0, 20),
        ("d", "cy", "sales", 4 * DAY, 0, 40),
    ]
    connection.executemany(TASK, tasks)
    scopes = ("fleet", "unit:care", "unit:sales", "agent:ada", "agent:bob", "agent:cy")
    connection.executemany(DAY_SUMS, [(day, scope) for day in (3, 4) for scope in scopes])
    migrate(connection, every)
    rows = connection.execute("select day, scope, waste from figure_days where waste > 0 order by day, scope")
    assert [tuple(row) for row in rows] == [
        (3, "agent:ada", 11),
        (3, "agent:bob", 21),
        (3, "fleet", 32),
        (3, "unit:care", 32),
        (4, "agent:cy", 41),
        (4, "fleet", 41),
        (4, "unit:sales", 41),
    ]
    connection.close()
