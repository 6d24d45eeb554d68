"""Waiting for futures, but not for ever."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class Patience(Generic[_Result]):
    """Gives up futures that are not done in time; all are given the same time.

    They are looked at by one timer, which costs a tenth of one for each, as
    `asyncio.wait_for` sets it.
    """

    def __init__(self, seconds: float) -> None:
        """Take how long to wait for each future."""
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[_Result]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, future: asyncio.Future[_Result]) -> _Result:
        """Return what a future is set to; raise TimeoutError where that takes too long.

        The future is done then.
        """
        loop = asyncio.get_running_loop()
        waiting = self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)
        return await future

    def _look(self) -> None:
        """Give up what has waited long enough; look again when the next will have."""
        loop = asyncio.get_running_loop()
        waiting, now = self._waiting, loop.time()
        while waiting and (waiting[0][0] <= now or waiting[0][1].done()):
            _, future = waiting.popleft()
            if not future.done():
                future.set_exception(TimeoutError())
        self._timer = loop.call_at(waiting[0][0], self._look) if waiting else None
