"""The server's side of stdio; the end of its input ends the process at once.

The SDK's own lets a call that is under way finish first. Here whoever started the server is gone then, and nobody hears
the answer. A write of the shop is one commit: it is there as a whole afterwards, or not at all.
"""

import asyncio
import math
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import ValidationError

Message = SessionMessage | Exception


@asynccontextmanager
async def speaking() -> AsyncGenerator[tuple[Any, Any]]:
    """Opens a server's two streams over standard input and output."""
    told, heard = anyio.create_memory_object_stream[Message](math.inf)
    answering, answers = anyio.create_memory_object_stream[SessionMessage](math.inf)
    input_, output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what is printed by mistake is no answer
    loop = asyncio.get_running_loop()
    threading.Thread(target=_hear, args=(loop, input_, told), name="input", daemon=True).start()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_answer, answers, output)
        yield heard, answering
        tasks.cancel_scope.cancel()


def _hear(loop: asyncio.AbstractEventLoop, lines: BinaryIO, told: MemoryObjectSendStream[Message]) -> None:
    for line in lines:
        loop.call_soon_threadsafe(told.send_nowait, _message(line))
    os._exit(0)


def _message(line: bytes) -> Message:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError as fault:
        return fault


async def _answer(answers: MemoryObjectReceiveStream[SessionMessage], output: BinaryIO) -> None:
    async for answer in answers:
        text = answer.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
        try:
            output.write(text.encode())
        except BrokenPipeError:
            os._exit(0)
