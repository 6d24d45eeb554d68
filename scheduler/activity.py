"""What is in flight in this process, counted by kind.

Whoever works on something holds it here: a lane while it has stimuli, a commit, a task that
a worker has claimed, a request of the API, a read of due timers. The virtual clock jumps
only while nothing is held, and a shutdown drains by waiting for the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_QUIET_PASSES = 4  # passes of the loop without any change: callbacks that wait have run


class Activity:
    """Counters of what is in flight; to be used on the event loop's thread only."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()
        self._total = 0
        self._changes = 0
        self._waiters: list[asyncio.Future[None]] = []

    def enter(self, kind: str) -> None:
        """Count one more of `kind` as in flight."""
        self._held[kind] += 1
        self._total += 1
        self._note_change()

    def leave(self, kind: str) -> None:
        """Count one of `kind` as done."""
        assert self._held[kind] > 0, f"{kind!r} was left more often than entered"
        self._held[kind] -= 1
        self._total -= 1
        self._note_change()

    @contextmanager
    def during(self, kind: str) -> Iterator[None]:
        """Hold one of `kind` for the length of a block."""
        self.enter(kind)
        try:
            yield
        finally:
            self.leave(kind)

    @property
    def is_idle(self) -> bool:
        """Whether nothing at all is in flight."""
        return self._total == 0

    def counts(self) -> dict[str, int]:
        """Tell how many of each kind are in flight."""
        return {kind: count for kind, count in self._held.items() if count}

    async def changed(self) -> None:
        """Wait for the next entering or leaving."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    async def idle(self) -> None:
        """Wait until nothing is in flight, and what the loop was about to run has run."""
        quiet, seen = 0, self._changes
        while quiet < _QUIET_PASSES:
            if not self.is_idle:
                await self.changed()
            await asyncio.sleep(0)
            quiet = quiet + 1 if self.is_idle and seen == self._changes else 0
            seen = self._changes

    def _note_change(self) -> None:
        self._changes += 1
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
