"""Where the threads that run functions leave what the worker's own loop sends on.

Results and heartbeats are queued; the loop is woken at most once per queue until it
has looked, so that a thousand functions that end together cost one wake.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger("stepwell.worker")


class Mailbox:
    """Queues to the worker's loop; `finish` and `beat` may be called on any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ended: deque[tuple[str, bytes]] = deque()
        self._beats: deque[str] = deque()
        self._ended_wake = False
        self._beats_wake = False
        self._on_ended: Callable[[], None] = lambda: None
        self._on_beats: Callable[[], None] = lambda: None

    def listen(
        self, *, on_ended: Callable[[], None], on_beats: Callable[[], None]
    ) -> None:
        """Say who is called, on the loop, when something has been left."""
        self._on_ended = on_ended
        self._on_beats = on_beats

    def finish(self, ended: Iterable[tuple[str, bytes]]) -> None:
        """Leave the tokens and report items of attempts that have ended."""
        self._ended.extend(ended)
        if not self._ended_wake:
            self._ended_wake = True
            self._wake(self._on_ended)

    def beat(self, token: str) -> None:
        """Leave a heartbeat."""
        self._beats.append(token)
        if not self._beats_wake:
            self._beats_wake = True
            self._wake(self._on_beats)

    def take_ended(self) -> list[tuple[str, bytes]]:
        """Take all results; those left from now on wake the loop again."""
        self._ended_wake = False
        return _drain(self._ended)

    def take_beats(self) -> list[str]:
        """Take all heartbeats, each token once."""
        self._beats_wake = False
        return list(dict.fromkeys(_drain(self._beats)))

    def _wake(self, listener: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(listener)
        except RuntimeError:
            log.debug("a function ended after its worker")


def _drain(queue: deque[T]) -> list[T]:
    items: list[T] = []
    while queue:
        items.append(queue.popleft())
    return items
