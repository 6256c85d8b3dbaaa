"""Named SQL: `queries.sql` beside the package that owns it, one statement under each `-- name:` line."""

import re
from functools import cache
from importlib.resources import files

from remit.core import NotFoundError
from remit.store.model import Query

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)


class Queries:
    """The statements of one package, by name."""

    def __init__(self, package: str, text: str) -> None:
        self._package = package
        parts = _NAME.split(text)
        self._queries = {
            name: Query(f"{package.rpartition('.')[2]}.{name}", _without_comments(sql))
            for name, sql in zip(parts[1::2], parts[2::2], strict=True)
        }

    def __getitem__(self, name: str) -> Query:
        if name not in self._queries:
            raise NotFoundError(
                "No such query", which=name, why=f"{self._package} has: {', '.join(sorted(self._queries))}"
            )
        return self._queries[name]

    def names(self) -> list[str]:
        """Returns every name, sorted."""
        return sorted(self._queries)


@cache
def load_queries(package: str) -> Queries:
    """Reads `queries.sql` of `package`, such as `remit.journal`."""
    return Queries(package, files(package).joinpath("queries.sql").read_text(encoding="utf-8"))


def _without_comments(sql: str) -> str:
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(lines).strip().rstrip(";")
