"""Cues: whoever looks hears of what changed, once and soon; nobody slow costs anybody anything."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.app.test_serve import serving
from tests.web.visitors import knock, named, open_cell

from remit.app.serve import http_app
from remit.audit import Happened
from remit.web.live import MOST_ENTRIES, MOST_PER_PERSON, MOST_TOPICS, Live, Pace, topics_of

RUN = "run_1"


@dataclass
class Record:
    """A log that a test writes."""

    entries: list[Happened] = field(default_factory=list[Happened])
    looks: int = 0

    def write(self, *kinds: str, stream: str = RUN) -> None:
        self.entries += [Happened(kind, stream, stream) for kind in kinds]

    def happened(self, index: int, limit: int) -> list[Happened]:
        self.looks += 1
        return self.entries[index : index + limit]

    async def wait(self, position: int) -> int:
        for _ in range(1_000):
            if len(self.entries) != position:
                break
            await asyncio.sleep(0.001)
        return len(self.entries)

    def live(self, *, recheck: float = 60.0) -> Live:
        return Live(
            size=lambda: len(self.entries),
            happened=self.happened,
            position=lambda: len(self.entries),
            wait=self.wait,
            pace=Pace(coalesce=0.01, keepalive=0.05, recheck=recheck),
        )


def listen(live: Live, *topics: str, since: int = 0, session: str = "ses", valid: bool = True) -> AsyncGenerator[str]:
    return live.listen(person=session, topics=topics, since=since, is_valid=lambda: valid)


async def said(stream: AsyncGenerator[str]) -> str:
    """Returns the next thing that is no comment."""
    async with asyncio.timeout(5):
        async for event in stream:
            if not event.startswith(":"):
                return event
    return "the end"


@asynccontextmanager
async def listening(live: Live, *topics: str, since: int = 0) -> AsyncGenerator[AsyncGenerator[str]]:
    async with aclosing(listen(live, *topics, since=since)) as stream:
        assert (await anext(stream)).startswith(":")
        yield stream


def test_entries_are_cues_for_whoever_shows_what_they_are_about() -> None:
    assert topics_of(Happened("decision", RUN, "dec_1")) == {"log", "runs", f"run:{RUN}"}
    assert "approvals" in topics_of(Happened("run.parked", RUN, RUN))
    assert "approvals" in topics_of(Happened("approval", RUN, "apr_1"))
    assert topics_of(Happened("switch", "cell", "fleet")) == {"log", "switches", "agents", "runs"}
    assert topics_of(Happened("release.approved", "cell", "x")) == {"log", "agents"}
    assert topics_of(Happened("login", "cell", "x")) == {"log", "people"}
    assert topics_of(Happened("something.new", "cell", "x")) == {"log"}


async def test_a_cue_names_the_topics_somebody_listens_to_and_no_others() -> None:
    record = Record()
    async with listening(record.live(), "runs", "log") as stream:
        await anext(stream)  # it has caught up
        record.write("decision", "switch", stream="run_2")
        assert await said(stream) == "id: 2\nevent: cue\ndata: log runs switches\n\nevent: top\ndata: \n\n"
        record.write("release.approved", stream="cell")
        assert await said(stream) == "id: 3\nevent: cue\ndata: log\n\n"


async def test_what_happened_between_the_page_and_its_stream_is_a_cue() -> None:
    record = Record()
    record.write("decision", "decision")
    async with listening(record.live(), "runs", since=1) as stream:
        assert "data: runs" in await said(stream)
    async with listening(record.live(), "runs", since=2) as stream:
        assert (await anext(stream)).startswith(":")


async def test_a_flood_is_told_once_as_everything() -> None:
    record = Record()
    async with listening(record.live(), "agents") as stream:
        record.write(*["decision"] * (MOST_ENTRIES + 5))
        assert "data: agents approvals switches\n" in await said(stream)


async def test_a_slow_client_holds_topics_and_no_events() -> None:
    record = Record()
    live = record.live()
    async with listening(live, "runs") as slow:
        await anext(slow)
        for _ in range(20):
            record.write("decision")
            await asyncio.sleep(0.005)
        assert (await said(slow)).count("event: cue") == 1


async def test_many_listeners_are_one_look_at_the_log() -> None:
    record = Record()
    live = record.live()
    streams = [listen(live, "runs", session=f"ses_{number}") for number in range(20)]
    for stream in streams:
        await anext(stream)
        await anext(stream)
    record.looks = 0
    record.write("decision")
    assert all("runs" in told for told in await asyncio.gather(*map(said, streams)))
    assert record.looks <= 2
    for stream in streams:
        await stream.aclose()


async def test_a_session_has_some_streams_and_gets_a_place_back() -> None:
    live = Record().live()
    streams = [listen(live) for _ in range(MOST_PER_PERSON)]
    for stream in streams:
        await anext(stream)
    assert not live.has_room("ses")
    assert live.has_room("another")
    await streams[0].aclose()
    assert live.has_room("ses")
    for stream in streams:
        await stream.aclose()


async def test_nobody_listens_to_more_topics_than_a_page_has() -> None:
    record = Record()
    async with listening(record.live(), *(f"run:{number}" for number in range(MOST_TOPICS)), "runs") as stream:
        record.write("decision")
        assert await anext(stream) == ": still here\n\n"


async def test_who_is_put_out_hears_that_and_nothing_more() -> None:
    stream = listen(Record().live(recheck=0.0), "runs", valid=False)
    assert await said(stream) == "event: gone\ndata: session\n\n"
    assert await said(stream) == "the end"


async def test_a_process_that_stops_ends_every_stream_at_once() -> None:
    live = Record().live()
    async with listening(live, "runs") as stream:
        waiting = asyncio.create_task(said(stream))
        await asyncio.sleep(0.01)
        live.end()
        async with asyncio.timeout(1):
            await waiting
        assert not live.has_room("another")


async def test_nobody_listening_is_nobody_looking() -> None:
    record = Record()
    live = record.live()
    async with listening(live, "runs"):
        pass
    record.write("decision")
    await asyncio.sleep(0.05)
    record.looks = 0
    record.write("decision")
    await asyncio.sleep(0.05)
    assert record.looks == 0


async def test_over_http_a_switch_is_heard_and_stopping_waits_for_nobody(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        secret = (await cell.access.redeem(await cell.access.issue_link(named("viewer"), by="t"), client="t")).secret
        async with serving(cell) as port, asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            size = cell.log.size()
            request = (
                f"GET /live?topics=runs&since={size} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: remit={secret}\r\n\r\n"
            )
            writer.write(request.encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert "text/event-stream" in head
            assert "no-store" in head
            await cell.operations.stop("fleet", because="a test", by=named("operator"))
            await reader.readuntil(b"event: cue")
            await reader.readuntil(b"event: top")
            ended = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - ended < 4  # the server's patience is five seconds
        with suppress(ConnectionError):
            assert b"0\r\n\r\n" in await reader.read()
        writer.close()


async def test_where_there_is_no_room_a_page_is_told_to_come_again(tmp_path: Path) -> None:
    async with open_cell(tmp_path) as cell:
        app = http_app(cell)
        app.state.end_streams()
        async with knock(cell, "viewer", app=app) as browser:
            answer = await browser.get("/live?topics=runs")
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
