"""Several processes on one store: nothing is lost, and nothing passes its guard."""

import subprocess
import sys
from pathlib import Path

from remit.store import Query
from store.opened import open_store

PROCESSES = 3
EACH = 100
CAP = PROCESSES * EACH - 50

# Every process opens the file by itself, the first of them makes it; each says how many of its commits stood.
COUNTER = """
import sys
from pathlib import Path
from remit.store import Commit, Committed, Query, Statement
from store.opened import open_store

ADD = Statement(Query("test.add", '''
    insert into budgets (id, cap, spent) values ('shared', {cap}, 1)
    on conflict (id) do update set spent = budgets.spent + 1 where budgets.spent < budgets.cap'''), {{}})
with open_store(Path(sys.argv[1])) as store:
    futures = [store.writer.submit(Commit([ADD])) for _ in range({each})]
    print(sum(isinstance(future.result(), Committed) for future in futures))
"""


def test_guarded_increments_of_several_processes_add_up(tmp_path: Path) -> None:
    script = f"import sys; sys.path[:0] = {sys.path!r}\n{COUNTER.format(cap=CAP, each=EACH)}"
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    stood = [int(process.communicate()[0]) for process in running]
    assert sum(stood) == CAP
    with open_store(tmp_path) as store:
        row = store.database.read_one(Query("test.spent", "select spent from budgets where id = 'shared'"))
    assert row is not None
    assert row["spent"] == CAP
