"""A slow upstream keeps its own places and nobody else; who finds none is told when to come back, each at another time."""

import asyncio
import itertools

import pytest

from remit.core import Limits
from remit.gateway.breaker import BreakerState, Pauses
from remit.gateway.upstreams import (
    LATEST,
    MOST_PROBES_A_SECOND,
    Upstream,
    UpstreamBusyError,
    Upstreams,
    UpstreamState,
    upstream_kind,
)

LIMITS = Limits(busy_seconds=0.2, upstream_failures=3)


class Watch:
    """A clock that stands still unless it is set forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def upstream(places: int = 2, watch: Watch | None = None, *, pauses: Pauses | None = None) -> Upstream:
    return Upstream(
        "tools:shop", places=places, limits=LIMITS, now=watch or Watch(), pauses=pauses or Pauses(first=1.0)
    )


async def shut(upstream: Upstream) -> None:
    """Makes its breaker open."""
    for _ in range(LIMITS.upstream_failures):
        with await upstream.enter() as place:
            place.failed("refused")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("tools:shop", "tool server"), ("tools:my_shop__refund", "tool"), ("model:a__b", "model route")],
)
def test_a_tool_is_told_from_its_server_by_its_name(name: str, kind: str) -> None:
    assert upstream_kind(name) == kind


async def test_as_many_calls_as_there_are_places_are_under_way() -> None:
    shop = upstream(places=2)
    first, _second = await shop.enter(), await shop.enter()
    with pytest.raises(UpstreamBusyError, match="tools:shop is busy: 2 calls are under way"):
        await shop.enter()
    first.leave()
    first.leave()
    (await shop.enter()).leave()
    assert (shop.state.under_way, shop.state.places) == (1, 2)


async def test_who_waits_gets_the_place_that_is_left() -> None:
    shop = upstream(places=1)
    first = await shop.enter()
    waiting = asyncio.create_task(shop.enter())
    await asyncio.sleep(0)
    assert shop.state.waiting == 1
    first.leave()
    (await waiting).leave()
    assert (shop.state.waiting, shop.state.under_way) == (0, 0)


async def test_nobody_waits_when_that_is_not_likely_to_help() -> None:
    watch = Watch()
    shop = upstream(places=1, watch=watch)
    await shop.enter()
    watch.now += 1.0  # the call under way has taken a second already
    before = asyncio.get_running_loop().time()
    with pytest.raises(UpstreamBusyError):
        await shop.enter()
    assert asyncio.get_running_loop().time() - before < LIMITS.busy_seconds


async def test_those_who_are_sent_away_come_back_one_after_another_at_the_pace_of_the_upstream() -> None:
    watch = Watch()
    shop = upstream(places=2, watch=watch)
    for _ in range(2):
        place = await shop.enter()
        watch.now += 4.0
        place.leave()
    for _ in range(2):
        await shop.enter()
    times: list[float] = []
    for _ in range(5):
        with pytest.raises(UpstreamBusyError) as busy:
            await shop.enter()
        times.append(busy.value.seconds)
    gaps = {round(later - earlier, 6) for earlier, later in itertools.pairwise(times)}
    assert gaps == {2.0}  # four seconds each, two at once
    assert times[0] == 4.0


async def test_nobody_is_sent_away_for_longer_than_the_bound_or_comes_back_at_the_same_moment_as_all_others() -> None:
    watch = Watch()
    shop = upstream(places=1, watch=watch)
    await shop.enter()
    watch.now += 30.0
    times: list[float] = []
    for _ in range(100):
        with pytest.raises(UpstreamBusyError) as busy:
            await shop.enter()
        times.append(busy.value.seconds)
    assert max(times) <= LATEST
    assert len(set(times)) == len(times)


async def test_an_open_breaker_lets_nobody_enter_and_says_when_to_come_back() -> None:
    shop = upstream()
    await shut(shop)
    times: list[float] = []
    for _ in range(3):
        with pytest.raises(UpstreamBusyError, match="is out of reach: refused") as busy:
            await shop.enter()
        times.append(busy.value.seconds)
    assert times == pytest.approx([1.0, 1.0 + 1 / MOST_PROBES_A_SECOND, 1.0 + 2 / MOST_PROBES_A_SECOND])
    assert shop.is_shut


async def test_one_probe_enters_and_opens_the_door_when_it_is_answered() -> None:
    watch = Watch()
    shop = upstream(watch=watch)
    await shut(shop)
    watch.now += 1.0
    probe = await shop.enter()
    with pytest.raises(UpstreamBusyError, match="out of reach"):
        await shop.enter()
    probe.answered()
    assert shop.state.breaker is BreakerState.CLOSED
    (await shop.enter()).leave()


async def test_a_probe_that_was_not_made_lets_the_next_one_make_it() -> None:
    watch = Watch()
    shop = upstream(watch=watch)
    await shut(shop)
    watch.now += 1.0
    (await shop.enter()).leave()
    (await shop.enter()).answered()
    assert not shop.is_shut


async def test_a_call_that_holds_a_place_is_not_tried_again_while_the_breaker_is_open() -> None:
    watch = Watch()
    shop = upstream(watch=watch)
    held = await shop.enter()
    held.begin()
    await shut(shop)
    assert held.is_shut
    with pytest.raises(UpstreamBusyError):
        held.begin()
    watch.now += 1.0
    held.begin()  # as the probe
    held.answered()
    assert not shop.is_shut


async def test_a_caller_that_gives_up_waiting_keeps_no_place() -> None:
    shop = upstream(places=1)
    first = await shop.enter()
    waiting = asyncio.create_task(shop.enter())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    first.leave()
    assert (shop.state.under_way, shop.state.waiting) == (0, 0)
    (await shop.enter()).leave()


async def test_openings_and_closings_are_told_and_nothing_else() -> None:
    told: list[UpstreamState] = []
    upstreams = Upstreams(LIMITS, pauses=Pauses(first=0.0, last=0.0))
    upstreams.tell(told.append)
    shop = upstreams.get("tools:shop", places=4)
    assert upstreams.get("tools:shop", places=1) is shop
    await shut(shop)
    for _ in range(2):
        with await shop.enter() as place:
            place.failed("refused")
    with await shop.enter() as place:
        place.answered()
    assert [(state.name, state.breaker) for state in told] == [
        ("tools:shop", BreakerState.HALF_OPEN),  # with no pause, a probe may be made at once
        ("tools:shop", BreakerState.CLOSED),
    ]
    assert [state.name for state in upstreams.states()] == ["tools:shop"]


async def test_those_who_were_sent_away_are_called_before_their_time_when_there_is_room() -> None:
    called: list[tuple[str, int]] = []
    parked = [1, 0]

    async def call(name: str, number: int) -> int:
        called.append((name, number))
        return parked.pop(0)

    upstreams = Upstreams(LIMITS)
    upstreams.tell(lambda _: None, call)
    shop = upstreams.get("tools:shop", places=1)
    first = await shop.enter()
    await asyncio.sleep(0.25)
    with pytest.raises(UpstreamBusyError):
        await shop.enter()
    first.leave()
    await asyncio.sleep(0.1)
    assert [name for name, _ in called] == ["tools:shop"]
    upstreams.close()
    await asyncio.sleep(0.3)
    assert len(called) == 1


async def test_who_is_being_parked_while_others_are_called_is_called_too_though_nobody_calls_the_upstream_any_more() -> (
    None
):
    parked, came = list[str](), list[str]()

    async def call(name: str, number: int) -> int:
        found, parked[:] = parked[:number], parked[number:]
        came.extend(found)
        return len(found)

    watch = Watch()
    shop = Upstream("tools:shop", places=1, limits=LIMITS, now=watch, on_room=call)
    first = await shop.enter()
    watch.now += 10.0  # it hangs: nobody waits for it
    with pytest.raises(UpstreamBusyError):
        await shop.enter()
    first.leave()
    await asyncio.sleep(0.05)
    assert came == []
    parked.append("late")
    watch.now += 0.3
    await asyncio.sleep(0.5)
    assert came == ["late"]
    watch.now += 5.0
    await asyncio.sleep(0.5)
    parked.append("of another process")
    assert came == ["late"], "nobody was sent away lately: it is not looked for them all the time"
    watch.now += 5.0
    (await shop.enter()).leave()
    await asyncio.sleep(0.05)
    assert came == ["late", "of another process"]
    shop.close()


async def test_nobody_is_called_to_an_upstream_that_is_out_of_reach_by_then() -> None:
    called = list[int]()

    async def call(name: str, number: int) -> int:
        called.append(number)
        return number

    watch = Watch()
    shop = Upstream("tools:shop", places=1, limits=LIMITS, now=watch, on_room=call)
    first = await shop.enter()
    watch.now += 10.0
    with pytest.raises(UpstreamBusyError):
        await shop.enter()
    first.leave()
    await asyncio.sleep(0.05)
    assert len(called) == 1, "and the next call is due soon"
    await shut(shop)
    assert shop.is_shut
    await asyncio.sleep(0.4)
    assert len(called) == 1
    shop.close()
