"""Runs async functions on one event loop, on a thread of its own.

The loop belongs to the user's code: when that blocks it, the worker's conversation with
the server goes on elsewhere.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence

from stepwell.calls import Call, run_async
from stepwell.threads import Finish

_CLOSE_SECONDS = 1.0


class LoopRunner:
    """Runs async functions; `finish` hears of what ended in a round of the loop."""

    def __init__(self, size: int, finish: Finish) -> None:
        self._size = size
        self._finish = finish
        self._waiting: deque[Call] = deque()
        self._running = 0
        self._ended: list[tuple[str, bytes]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, calls: Sequence[Call]) -> None:
        """Begin these calls on the loop; the first ones start it."""
        loop = self._loop or self._start()
        loop.call_soon_threadsafe(self._begin, calls)

    def cancel(self, call: Call) -> None:
        """Cancel one call; one that has not begun ends when it would begin."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_cancel, call)

    def close(self) -> None:
        """Cancel what still runs, stop the loop and wait a moment for its thread."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_SECONDS)

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._run_loop, args=(loop,), name="stepwell-async", daemon=True
        )
        self._thread.start()
        return loop

    def _run_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            _cancel_all(loop)
        finally:
            loop.close()

    def _begin(self, calls: Sequence[Call]) -> None:
        self._waiting.extend(calls)
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        assert self._loop is not None, "calls begin on the loop that was started"
        while self._waiting and self._running < self._size:
            call = self._waiting.popleft()
            self._running += 1
            call.asyncio_task = self._loop.create_task(self._run(call))

    async def _run(self, call: Call) -> None:
        item = await run_async(call)
        self._running -= 1
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._ended.append((call.token, item))

    def _hand_over(self) -> None:
        ended, self._ended = self._ended, []
        self._finish(ended)
        self._begin_waiting()


def _cancel(call: Call) -> None:
    """Cancel a call that runs; one that is yet to begin sees its context's flag."""
    if call.begun and call.asyncio_task is not None:
        call.asyncio_task.cancel()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(TimeoutError):
        leftovers = asyncio.gather(*tasks, return_exceptions=True)
        loop.run_until_complete(asyncio.wait_for(leftovers, _CLOSE_SECONDS))
    loop.run_until_complete(loop.shutdown_asyncgens())
