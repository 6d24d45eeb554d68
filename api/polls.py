"""Requests that wait for something to happen, and end early when nobody waits any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from api.errors import ApiError, ServiceUnavailable
from api.http import ClientGone, Receive

T = TypeVar("T")

# A cancellation can be lost: Python 3.11's `wait_for`, which the connection pool uses,
# swallows one that comes together with the result. So it is repeated.
_AGAIN_SECONDS: Final = 0.1


class Polls:
    """All long polls of a server: each ends with its work, its client or the server."""

    def __init__(self) -> None:
        """Begin open, without a poll."""
        self._closing = Signal()

    def close(self) -> None:
        """End every poll with nothing to tell, and every later one at once."""
        self._closing.give()

    async def run(
        self,
        receive: Receive,
        work: Coroutine[Any, Any, T],
        nothing: T,
        undo: Callable[[T], None] | None = None,
        *,
        ended: Dismissal | None = None,
    ) -> T:
        """Return the work's result, or `nothing` when the server closes.

        To be called after the body was read: whatever arrives then is the hang-up, which
        raises ClientGone. Work that is not finished is cancelled and awaited before this
        returns, so it can undo what it has half done; `undo` takes a result that came
        together with the hang-up. `ended` is given when the caller's key is withdrawn,
        who then gets nothing but its error.
        """
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(receive())
        ends: list[asyncio.Future[Any]] = [working, watching, self._closing.future()]
        if ended is not None:
            ends.append(ended.future())
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_dismissed = ended is not None and ended.is_given
            is_gone = watching.done() or is_dismissed
            await _end(working)
            await _end(watching)
        if not is_gone:
            return nothing if working.cancelled() else working.result()
        if undo is not None and not working.cancelled() and not working.exception():
            undo(working.result())
        if ended is not None and is_dismissed:
            raise ended.error()
        raise ClientGone


async def _end(task: asyncio.Future[Any]) -> None:
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=_AGAIN_SECONDS)


class Signal:
    """Something given once, that any number of coroutines can wait for."""

    def __init__(self) -> None:
        """Begin without it."""
        self.is_given = False
        self._future: asyncio.Future[None] | None = None

    def give(self) -> None:
        """Give it; harmless to repeat."""
        self.is_given = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def future(self) -> asyncio.Future[None]:
        """Return what is done once it is given, for the running loop."""
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            if self.is_given:
                self._future.set_result(None)
        return self._future


class Dismissal:
    """The end of everything that lasts under a key, and the error that says why."""

    def __init__(self) -> None:
        """Begin with a caller who is served."""
        self._signal = Signal()
        self._reason: tuple[type[ApiError], str] = (ServiceUnavailable, "")

    @property
    def is_given(self) -> bool:
        """Whether the caller is dismissed."""
        return self._signal.is_given

    def give(self, kind: type[ApiError], message: str) -> None:
        """Dismiss the caller."""
        self._reason = kind, message
        self._signal.give()

    def future(self) -> asyncio.Future[None]:
        """Return what is done once the caller is dismissed, for the running loop."""
        return self._signal.future()

    def error(self) -> ApiError:
        """Return what the caller is told."""
        kind, message = self._reason
        return kind(message)
