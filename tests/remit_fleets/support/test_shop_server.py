"""The shop's server over stdio, as Remit's tools reach it: its pins, its log, its faults, and how it ends."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.support.shops import SMALL_WORLD, for_owner, situation

from remit.contracts import read_fleet, read_lock
from remit.core import JsonValue
from remit.gateway import ToolCall, ToolError
from remit.gateway.tools import OutcomeUnknownError, Tools
from remit.gateway.upstreams import UpstreamBusyError
from remit_fleets.support import shop as shops
from remit_fleets.support.shop import CALL_LOG, DATABASE, Fault, Mail, effects_of, open_shop, put_in, set_fault
from remit_fleets.support.shop.__main__ import main
from remit_fleets.support.shop.definitions import DEFINITIONS
from remit_fleets.support.shop.faults import meets
from remit_fleets.support.shop.rules import due

pytestmark = pytest.mark.slow

# What a machine with much else to do may take to start, answer or end a process; nothing here waits for it to pass.
PATIENCE = 60.0
# As many calls as a server has places for by itself: who finds none would have to come back.
PLACES = 16
FLEET = read_fleet(Path(shops.__file__).parents[1])[0]
SERVER = "remit_fleets.support.shop"
ANN = SMALL_WORLD.customers[0]
FOUND, ORDER = situation("returned")
REFUND: dict[str, Any] = {
    "order_id": ORDER.order_id,
    "amount": due(ORDER, "returned", FOUND.sku).amount / 100,
    "reason": "returned",
    "sku": FOUND.sku,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a fleet's folder with a small shop in it."""
    with closing(open_shop(tmp_path / DATABASE, SMALL_WORLD)) as database:
        put_in(database, [Mail("T-1", ANN.email, "Hello", "I need help")])
    return tmp_path


@pytest.fixture
async def tools(folder: Path) -> AsyncIterator[Tools]:
    """Returns the fleet's tools in that folder."""
    tools = opened(folder)
    yield tools
    await tools.close()


def opened(folder: Path) -> Tools:
    servers = {name: each.model_copy(update={"connect_seconds": PATIENCE}) for name, each in FLEET.servers.items()}
    return Tools(servers, folder=folder, seconds=PATIENCE, result_bytes=1_000_000)


async def call(tools: Tools, tool: str, key: str = "r:1", **arguments: Any) -> Any:
    who = ToolCall(key, "task_1", "run_1", 1, "refund-desk@1.0.0", "a customer")
    return await tools.call(FLEET.tools[f"shop__{tool}"], who, for_owner(tool, arguments))


async def answered(tools: Tools, tool: str, key: str = "r:1", **arguments: Any) -> Any:
    """Calls under one key until the shop answers: that a server has ended is heard a moment later, and then told once."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(ToolError, OutcomeUnknownError, UpstreamBusyError):
                return await call(tools, tool, key, **arguments)
            await asyncio.sleep(0.05)


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / CALL_LOG).read_text(encoding="utf-8").splitlines()]


def broken(folder: Path, kind: Fault, seconds: float = 60) -> None:
    with closing(open_shop(folder / DATABASE)) as database:
        set_fault(database, kind, seconds)


def met(kind: Fault, *, is_met: bool = True) -> str:
    return next(key for key in (f"run:{k}" for k in range(99)) if meets(kind, key) is is_met)


def servers_of(parent: int) -> list[int]:
    """Returns the shop's processes that a process has started."""
    listed = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if SERVER in line]


def is_gone(process: int) -> bool:
    """Whether a process has ended, or ends soon."""
    for _ in range(int(PATIENCE * 100)):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


async def until_gone(process: int) -> bool:
    return await asyncio.to_thread(is_gone, process)


def test_the_lock_file_pins_what_the_server_defines() -> None:
    lock, findings = read_lock(Path(shops.__file__).parents[1], "shop")
    assert lock is not None
    assert not findings
    assert set(lock.tools) == set(DEFINITIONS) == {name.removeprefix("shop__") for name in FLEET.tools}


async def test_reads_and_writes_reach_the_shop_and_are_as_defined(folder: Path, tools: Tools) -> None:
    found = await call(tools, "find_customer", email=ANN.email)
    assert found["customer_id"] == ANN.customer_id
    for tool, asked in (
        ("get_account", {"customer_id": ANN.customer_id}),
        ("list_orders", {"customer_id": ANN.customer_id}),
        ("get_order", {"order_id": ORDER.order_id}),
        ("quote_refund", {"order_id": ORDER.order_id, "reason": "returned"}),
        ("list_effects", {"ticket": "T-1"}),
        ("export_customers", {}),
    ):
        assert isinstance(await call(tools, tool, **asked), dict)
    made = await call(tools, "issue_refund", "r:2", **REFUND)
    assert (await call(tools, "list_refunds", order_id=ORDER.order_id))["refunds"][0]["refund_id"] == made["refund_id"]
    assert (await call(tools, "find_customer", email="nobody@else.example")) == {
        "known": False,
        "email": "nobody@else.example",
    }
    with closing(open_shop(folder / DATABASE)) as database:
        assert [effect.tool for effect in effects_of(database)] == ["export_customers", "issue_refund"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("issue_refund", REFUND | {"amount": 0}, "amount"),
        ("issue_refund", REFUND | {"amount": 12.345}, "amount"),
        ("issue_refund", REFUND | {"reason": "goodwill"}, "reason"),
        ("issue_refund", {"order_id": ORDER.order_id}, "required"),
        ("get_order", {"order_id": "S-1", "force": True}, "force"),
        ("list_refunds", {"order_id": "S-1"}, "there is no order S-1"),
    ],
)
async def test_what_the_shop_refuses_is_a_refusal_and_stands_in_the_log(
    folder: Path, tools: Tools, tool: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ToolError, match=words):
        await call(tools, tool, **arguments)
    assert [line.get("result") for line in log(folder)] == [None, "refused"]


async def test_the_log_has_a_line_before_and_after_each_call(folder: Path, tools: Tools) -> None:
    places = asyncio.Semaphore(PLACES)

    async def once(k: int) -> JsonValue:
        async with places:
            return await call(tools, "send_message", f"r:{k % 10}", ticket="T-1", text=f"Hello {k % 10}")

    await asyncio.gather(*(once(k) for k in range(20)))
    lines = log(folder)
    begun = [line["number"] for line in lines if line["phase"] == "begun"]
    ended = [line["number"] for line in lines if line["phase"] == "ended"]
    assert sorted(begun) == sorted(ended) == list(range(1, 21))
    results = [line["result"] for line in lines if line["phase"] == "ended"]
    assert (results.count("done"), results.count("repeated")) == (10, 10)


async def test_every_amount_in_cents_is_an_amount(tools: Tools) -> None:
    """That 0.01 divides an amount is a matter of binary fractions, and not of this shop."""
    order = max(SMALL_WORLD.orders.values(), key=lambda order: order.total)
    for k in range(1, 300, 7):
        await call(tools, "issue_refund", f"r:{k}", order_id=order.order_id, amount=k / 100, reason="late")


async def test_without_a_shop_the_standard_one_is_made_at_the_first_call(tmp_path: Path) -> None:
    tools = opened(tmp_path)
    assert not (tmp_path / DATABASE).exists()
    assert (await call(tools, "get_account", customer_id="C-11500"))["customer_id"] == "C-11500"
    await tools.close()


async def test_the_server_ends_when_its_input_ends_also_in_the_middle_of_a_call(folder: Path) -> None:
    broken(folder, "slow")
    tools = opened(folder)
    await call(tools, "get_order", met("slow", is_met=False), order_id=ORDER.order_id)
    (process,) = servers_of(os.getpid())
    slow = asyncio.create_task(call(tools, "get_order", met("slow"), order_id=ORDER.order_id))
    async with asyncio.timeout(PATIENCE):
        while [line["phase"] for line in log(folder)] != ["begun", "ended", "begun"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await tools.close()
    assert await until_gone(process)
    with pytest.raises(Exception, match="shop"):
        await slow
    assert [line["phase"] for line in log(folder)] == ["begun", "ended", "begun"]


PARENT = f"""
import asyncio, sys
from pathlib import Path
from tests.remit_fleets.support.test_shop_server import call, opened
async def work():
    tools = opened(Path(sys.argv[1]))
    await call(tools, "find_customer", email="{ANN.email}")
    print("ready", flush=True)
    await asyncio.sleep(60)
asyncio.run(work())
"""


def test_the_server_ends_when_whoever_started_it_is_killed(folder: Path) -> None:
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": f"{root / 'src'}:{root}"}
    command = [sys.executable, "-c", PARENT, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (process,) = servers_of(parent.pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert is_gone(process)


async def test_a_killed_server_is_started_again_and_has_forgotten_nothing(folder: Path, tools: Tools) -> None:
    first = await call(tools, "issue_refund", **REFUND)
    (process,) = servers_of(os.getpid())
    os.kill(process, signal.SIGKILL)
    assert await until_gone(process)
    assert await answered(tools, "issue_refund", **REFUND) == first
    with closing(open_shop(folder / DATABASE)) as database:
        assert len(effects_of(database)) == 1


async def test_a_shop_that_is_down_ends_and_does_not_start(folder: Path, tools: Tools) -> None:
    await call(tools, "get_order", order_id=ORDER.order_id)
    broken(folder, "down")
    with pytest.raises(Exception, match="shop"):
        await call(tools, "issue_refund", **REFUND)
    with pytest.raises(ToolError, match="nothing happened"):
        await call(tools, "issue_refund", **REFUND)
    broken(folder, "down", 0)
    await answered(tools, "issue_refund", **REFUND)
    with closing(open_shop(folder / DATABASE)) as database:
        assert len(effects_of(database)) == 1


async def test_a_lost_reply_is_of_a_write_that_happened_and_its_key_tells_it(folder: Path, tools: Tools) -> None:
    key = met("lost-reply")
    broken(folder, "lost-reply")
    await call(tools, "get_order", key, order_id=ORDER.order_id)  # reads are answered
    with pytest.raises(Exception, match="shop"):
        await call(tools, "issue_refund", key, **REFUND)
    with closing(open_shop(folder / DATABASE)) as database:
        (effect,) = effects_of(database)
    again = await answered(tools, "issue_refund", key, **REFUND)
    assert again["refund_id"] == effect.detail["refund_id"]
    ended = [line["phase"] for line in log(folder) if line["key"] == key and line["tool"] == "issue_refund"]
    assert ended == ["begun", "begun", "ended"]


async def test_a_slow_shop_answers_later(folder: Path, tools: Tools) -> None:
    await call(tools, "get_order", met("slow"), order_id=ORDER.order_id)
    broken(folder, "slow")
    loop = asyncio.get_running_loop()
    started = loop.time()
    await call(tools, "get_order", met("slow"), order_id=ORDER.order_id)
    assert loop.time() - started >= 1


async def test_a_wrong_answer_is_somebody_elses(folder: Path, tools: Tools) -> None:
    broken(folder, "wrong-answer")
    wrong = await call(tools, "get_order", met("wrong-answer"), order_id=ORDER.order_id)
    right = await call(tools, "get_order", met("wrong-answer", is_met=False), order_id=ORDER.order_id)
    assert (right["order_id"], right["customer_id"]) == (ORDER.order_id, ORDER.customer_id)
    assert wrong["known"]
    assert wrong["order_id"] != ORDER.order_id


async def test_several_processes_write_at_once_and_each_write_happens_once(folder: Path) -> None:
    order = max(SMALL_WORLD.orders.values(), key=lambda order: order.total)
    several = [opened(folder) for _ in range(3)]

    places = asyncio.Semaphore(PLACES)

    async def write(tools: Tools, k: int) -> None:
        async with places:
            await call(tools, "issue_refund", f"r:{k}", order_id=order.order_id, amount=1.0, reason="late")
            await call(tools, "send_message", f"m:{k}", ticket="T-1", text=f"Hello {k}")

    # Each key is used by two of the three.
    await asyncio.gather(*(write(several[(k + n) % 3], k) for k in range(40) for n in range(2)))
    assert len(servers_of(os.getpid())) == 3
    await asyncio.gather(*(tools.close() for tools in several))
    with closing(open_shop(folder / DATABASE)) as database:
        effects = effects_of(database)
        paid = database.execute("SELECT sum(amount) FROM refunds").fetchone()[0]
    assert len(effects) == len({effect.key for effect in effects}) == 80
    assert paid == 4_000
    lines = log(folder)
    assert len([line for line in lines if line["phase"] == "begun"]) == 160
    assert [line["result"] for line in lines if line["phase"] == "ended"].count("done") == 80


def test_the_command_line_shows_customers_takes_tickets_and_breaks_the_shop(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--database", str(folder / DATABASE))
    main((*at, "customers", "--first", "2"))
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["customer_id"] for one in shown] == ["C-10001", "C-10002"]
    main((*at, "ticket", "T-2", ANN.email, "Hello", "Where is it?"))
    main((*at, "fault", "slow", "--seconds", "60"))
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        assert database.execute("SELECT customer_id FROM tickets WHERE ticket = 'T-2'").fetchone() == (ANN.customer_id,)
        assert database.execute("SELECT kind FROM faults").fetchall() == [("slow",)]
        main((*at, "fault", "--clear"))
        assert database.execute("SELECT kind FROM faults").fetchall() == []
    for wrong in (("fault",), ("fault", "slow", "--clear"), ("fault", "sleepy")):
        with pytest.raises(SystemExit):
            main((*at, *wrong))
