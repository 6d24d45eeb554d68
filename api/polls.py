"""Requests that wait for something to happen, and end early when nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from api.http import ClientGone, Receive

T = TypeVar("T")


class Polls:
    """All long polls of a server: each ends with its work, its client or the server."""

    def __init__(self) -> None:
        """Begin open, without a poll."""
        self._waiting: set[asyncio.Task[Any]] = set()
        self._closed = False

    def close(self) -> None:
        """End every poll with nothing to tell, and every later one at once."""
        self._closed = True
        for working in self._waiting:
            working.cancel()

    async def run(
        self, receive: Receive, work: Coroutine[Any, Any, T], nothing: T
    ) -> T:
        """Return the work's result, or `nothing` when the server closes.

        To be called after the body was read: whatever arrives then is the hang-up, which
        raises ClientGone. Work that is not finished is cancelled and awaited before this
        returns, so it can undo what it has half done.
        """
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(receive())
        self._waiting.add(working)
        if self._closed:
            working.cancel()
        try:
            await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return nothing if self._was_closed(working) else working.result()
        finally:
            self._waiting.discard(working)
            working.cancel()
            watching.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)

    def _was_closed(self, working: asyncio.Task[Any]) -> bool:
        return self._closed and working.cancelled()
