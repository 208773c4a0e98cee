"""Notices that a client has gone while its answer is being made, and ends its queries, at the server too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.types import Message, Receive

from lake.sql import asking

CLIENT_HAS_GONE = 499
"""Status in the log and in the counts; nobody receives it."""


@asynccontextmanager
async def watched(receive: Receive) -> AsyncIterator[tuple[Receive, asking.Asking]]:
    """In the block, queries belong to one asker, who leaves when the client disconnects.

    Yields
    ------
    What the application is to receive from, and the asker.
    """
    asker = asking.Asking()
    # One message is read ahead: an application that reads no body would never come to the disconnect behind it.
    messages: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)

    async def pump() -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                asker.leave()
            await messages.put(message)
            if message["type"] == "http.disconnect":
                return

    set_by_us = asking.current.set(asker)
    task = asyncio.create_task(pump())
    try:
        yield messages.get, asker
    finally:
        asking.current.reset(set_by_us)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
