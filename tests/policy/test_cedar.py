"""There is one door to Cedar, and it always takes the schema."""

from pathlib import Path
from typing import Any

import pytest

import remit.policy
from remit.policy.cedar import Handles, parse_policy, parse_schema


def test_nothing_else_speaks_to_cedar() -> None:
    folder = Path(remit.policy.__file__).parent
    assert [path.name for path in folder.glob("*.py") if "import cedarpy" in path.read_text()] == ["cedar.py"]
    assert not [
        path.name for path in folder.glob("*.py") if "from cedarpy" in path.read_text() and path.stem != "cedar"
    ]


def test_entities_that_do_not_fit_the_schema_are_refused() -> None:
    schema: dict[str, Any] = {"N": {"entityTypes": {"A": {}}, "actions": {}}}
    with pytest.raises(ValueError, match="entity"):
        Handles.parse(parse_schema(schema), {}, [{"uid": {"type": "N::B", "id": "x"}, "attrs": {}, "parents": []}])


def test_one_text_is_one_policy() -> None:
    assert parse_policy("forbid (principal, action, resource);")["effect"] == "forbid"
    with pytest.raises(ValueError, match="template"):
        parse_policy("forbid (principal == ?principal, action, resource);")
    with pytest.raises(ValueError, match="end of input"):
        parse_policy("forbid (principal")
