"""/tasks, /runs, /decisions and /events: work that agents are given, and how they did it."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from remit.core import ConflictError, digest
from remit.endpoints.events import EventReceipt
from remit.endpoints.idempotency import HEADER, read_key
from remit.endpoints.rest.bodies import (
    LONGEST_TEXT,
    BecauseGiven,
    EventGiven,
    FeedbackGiven,
    ForkGiven,
    RollbackGiven,
    TaskGiven,
)
from remit.endpoints.rest.caller import MOST_SECONDS, CallerDep, Done, PageDep
from remit.endpoints.rest.documents import does, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import FeedbackReceipt, RunReceipt, TaskReceipt
from remit.journal import RunState
from remit.operations import (
    Comparison,
    ComparisonViews,
    DecisionViews,
    Page,
    RollbackShown,
    RollbackViews,
    RunRow,
    RunShown,
    RunViews,
    StepContent,
    TaskRow,
    TaskShown,
    TaskViews,
    Verbs,
)

router = APIRouter(route_class=Operation, tags=["work"])
Filter = Annotated[str, Query(max_length=LONGEST_TEXT)]
# Events that come in here have the ids of one source, whoever sends them.
SOURCE = "api"


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


# --- tasks


@router.get("/tasks", response_model=Page[TaskRow], **sees(TaskViews.page, paged=True))
async def list_tasks(caller: CallerDep, page: PageDep, state: TaskState | None = None, agent: Filter = "") -> Response:
    stands = state.value if state else ""
    return await caller.shown(lambda views: views.tasks.page(state=stands, agent=agent, **page))


@router.get("/tasks/{task}", response_model=TaskShown, **sees(TaskViews.get, 404))
async def get_task(caller: CallerDep, task: str) -> Response:
    return await caller.shown(lambda views: views.tasks.get(task))


@router.post("/tasks", response_model=TaskReceipt, **does(Verbs.start, status=201, repeatable=True))
async def start_task(
    caller: CallerDep,
    given: TaskGiven,
    wait: Annotated[
        float, Query(ge=0, le=MOST_SECONDS, description="Seconds to wait until the run is over or waits.")
    ] = 0.0,
) -> Response:
    started = await caller.verbs.start(
        given.agent,
        given.input,
        on_behalf_of=given.on_behalf_of,
        intent=given.intent,
        key=_own_key(caller) or None,
        priority=given.priority,
    )
    run = await caller.rest.settled(started.run.id, wait) if wait else started.run
    receipt = TaskReceipt.of(run, is_new=started.is_new)
    return Done(receipt, 201, location=caller.path(f"/tasks/{receipt.task}"))


@router.post("/tasks/{task}/feedback", response_model=FeedbackReceipt, **does(Verbs.feedback, repeatable=True))
async def send_feedback(caller: CallerDep, task: str, given: FeedbackGiven) -> Response:
    key = _own_key(caller) or None
    sent = await caller.verbs.feedback(task, kind=given.kind, score=given.score, words=given.words, key=key)
    return Done(FeedbackReceipt.of(sent))


# --- runs


@router.get("/runs", response_model=Page[RunRow], **sees(RunViews.page, paged=True))
async def list_runs(
    caller: CallerDep, page: PageDep, state: RunState | None = None, agent: Filter = "", task: Filter = ""
) -> Response:
    stands = state.value if state else ""
    return await caller.shown(lambda views: views.runs.page(state=stands, agent=agent, task=task, **page))


@router.get("/runs/{run}", response_model=RunShown, **sees(RunViews.get, 404))
async def get_run(caller: CallerDep, run: str) -> Response:
    return await caller.shown(lambda views: views.runs.get(run))


@router.get("/runs/{run}/steps/{step}", response_model=StepContent, **sees(DecisionViews.step, 404))
async def get_step(caller: CallerDep, run: str, step: Annotated[int, Path(ge=1, le=1_000_000)]) -> Response:
    return await caller.shown(lambda views: views.decisions.step(run, step))


@router.get("/runs/{run}/comparison/{other}", response_model=Comparison, **sees(ComparisonViews.get, 404))
async def compare_runs(caller: CallerDep, run: str, other: str) -> Response:
    return await caller.shown(lambda views: views.comparison.get(run, other))


@router.post("/runs/{run}/cancellation", response_model=RunReceipt, **does(Verbs.cancel, repeatable=True))
async def cancel_run(caller: CallerDep, run: str, given: BecauseGiven) -> Response:
    return Done(RunReceipt.of(await caller.verbs.cancel(run, because=given.because)))


@router.post("/runs/{run}/forks", response_model=RunReceipt, **does(Verbs.fork, status=201))
async def fork_run(caller: CallerDep, run: str, given: ForkGiven) -> Response:
    forked = await caller.verbs.fork(
        run, given.step, effects=given.effects, current=given.current, because=given.because
    )
    return Done(RunReceipt.of(forked), 201, location=caller.path(f"/runs/{forked.id}"))


@router.post("/runs/{run}/retries", response_model=RunReceipt, **does(Verbs.retry, status=201))
async def retry_run(caller: CallerDep, run: str, given: BecauseGiven) -> Response:
    again = await caller.verbs.retry(run, because=given.because)
    return Done(RunReceipt.of(again), 201, location=caller.path(f"/runs/{again.id}"))


@router.get("/runs/{run}/rollback", response_model=RollbackShown, **sees(RollbackViews.get, 404))
async def get_rollback(caller: CallerDep, run: str) -> Response:
    return await caller.shown(lambda views: views.rollbacks.get(run))


@router.post("/runs/{run}/rollback", response_model=RunReceipt, **does(Verbs.rollback, status=201))
async def roll_back_run(caller: CallerDep, run: str, given: RollbackGiven) -> Response:
    begun = await caller.verbs.rollback(run, because=given.because, cancel=given.cancel)
    if begun is None:
        raise ConflictError("There is nothing to undo", which=run, why="it changed nothing, or that is undone already")
    return Done(RunReceipt.of(begun), 201, location=caller.path(f"/runs/{begun.id}"))


# --- decisions and events


@router.get("/decisions/{decision}", response_model=dict[str, Any], **sees(DecisionViews.explain, 404))
async def explain_decision(caller: CallerDep, decision: str) -> Response:
    return await caller.shown(lambda views: views.decisions.explain(decision))


@router.post("/events", response_model=EventReceipt, **does(Verbs.send, repeatable=True))
async def send_event(caller: CallerDep, given: EventGiven) -> Response:
    received = await caller.verbs.send(given.name, given.data, identifier=given.id or _own_key(caller), source=SOURCE)
    return Done(EventReceipt.of(received), kept=EventReceipt.of(received, recorded=True))


def _own_key(caller: CallerDep) -> str:
    """Returns a key nobody else can use: it holds on when the answer kept under it is forgotten."""
    key = read_key(caller.request.headers.getlist(HEADER))
    return f"{SOURCE}:{digest(f'{caller.actor.id} {key}'.encode())}" if key else ""
