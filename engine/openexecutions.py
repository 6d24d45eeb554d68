"""How many Standard executions are open, near enough to refuse one too many.

A start must not count a table. So the table is counted now and then, in the background: every
five seconds, and more seldom where counting takes long. In between this process adds what it
has begun since and takes off what has ended here; what other processes did meanwhile shows
with the next count. The limit may thus be overstepped by what they start in that time. Nobody
is refused for what has ended elsewhere: before a refusal the table is counted again, unless
that was done a moment ago.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from scheduler.clock import Clock

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 5.0
_SHORTEST_PAUSE_SECONDS: Final = 0.2
# Counting may take a twentieth of one connection's time.
_PAUSE_PER_SECOND: Final = 20


class OpenExecutions:
    """Whether as many are open as may be."""

    def __init__(
        self,
        *,
        most: int,
        count: Callable[[], Awaitable[int]],
        change: Callable[[], int],
        starting: Callable[[], int],
        clock: Clock,
    ) -> None:
        """Take how to count them all, and what changed here.

        `change` tells how many more have begun than ended in this process since its start,
        `starting` how many are about to begin.
        """
        self.most = most
        self._count = count
        self._change = change
        self._starting = starting
        self._clock = clock
        self._beyond = 0
        self._took = 0.0
        self._not_before = 0.0
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_full(self) -> bool:
        """Whether no more may be opened, by what is known."""
        known = self._beyond + self._change() + self._starting()
        return known >= self.most

    async def has_room(self) -> bool:
        """Tell whether one more may be opened; make sure before saying no."""
        if not self.is_full:
            return True
        async with self._one_at_a_time:
            if self.is_full and self._clock.monotonic() >= self._not_before:
                await self.look_shortly()
        return not self.is_full

    async def look_shortly(self) -> None:
        """Count once, unless that would keep a start waiting."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self.look()

    async def run(self) -> None:
        """Count again and again, until cancelled."""
        while True:
            await asyncio.sleep(max(_PAUSE_SECONDS, _PAUSE_PER_SECOND * self._took))
            await self.look()

    async def look(self) -> None:
        """Count once; where that fails, what was known stays."""
        begun, here = self._clock.monotonic(), self._change()
        try:
            self._beyond = await self._count() - here
        except (psycopg.Error, PoolTimeout, OSError) as error:
            log.warning("open executions not counted", error=repr(error))
        finally:
            # Also of a count that was given up: who waits behind it must not try again.
            ended = self._clock.monotonic()
            took = ended - begun
            pause = max(_SHORTEST_PAUSE_SECONDS, _PAUSE_PER_SECOND * took)
            self._not_before = ended + pause
        self._took = took
