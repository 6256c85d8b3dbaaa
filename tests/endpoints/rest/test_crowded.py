"""Too much work waits: whose own bound it is hears 429, everybody else 503, both when to come back."""

from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.rest.counter import open_counter
from tests.gateway.desk import limits

GIVEN = {"agent": "refund-desk", "input": {"order_id": "R-1", "message": "please"}}


@pytest.mark.parametrize(
    ("bound", "status", "error"), [("queued_runs", 503, "CrowdedError"), ("queued_runs_per_unit", 429, "OwnCrowdError")]
)
async def test_a_start_beyond_a_bound_is_told_when_to_come_back(
    tmp_path: Path, bound: str, status: int, error: str
) -> None:
    async with open_counter(tmp_path, change=limits(**{bound: 1})) as counter:
        key = {"idempotency-key": "first"}
        first = await counter.post("/tasks", GIVEN, headers=key)
        assert first.status_code == 201
        refused = await counter.post("/tasks", GIVEN, headers={"idempotency-key": "second"})
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
        assert 1 <= int(refused.headers["retry-after"]) <= 300
        assert refused.json()["error"] == error
        # What was done is said again, however much waits, and the refused key is free.
        assert (await counter.post("/tasks", GIVEN, headers=key)).headers["idempotent-replayed"] == "true"
        assert (await counter.post("/tasks", GIVEN, headers={"idempotency-key": "second"})).status_code == status
        event: dict[str, Any] = {"name": "nobody.listens", "data": {}}
        assert (await counter.post("/events", event)).status_code == 200
