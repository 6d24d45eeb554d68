"""A worker of the SDK, in a thread, for as long as a block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stepwell import Worker, task
from storage.access_keys import NewKey


@contextmanager
def serving_function(
    endpoint: str, key: NewKey, name: str, function: Callable[..., object]
) -> Iterator[None]:
    """Serve a function with a key."""
    worker = Worker(
        [task(name)(function)],
        endpoint=endpoint,
        access_key_id=key.key_id,
        secret_access_key=key.secret,
    )
    loops: list[asyncio.AbstractEventLoop] = []
    is_running = threading.Event()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        is_running.set()
        await worker.run()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    is_running.wait()
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(worker.stop)
        thread.join()
