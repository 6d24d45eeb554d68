"""Whether the installation makes progress: what `/readyz` answers.

A process is ready once every shard has had a holder, its own or another's. It stays so while
shards change hands, and ceases to be when one has had none for longer than a lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout

from scheduler.clock import Clock
from storage.connections import Connections
from storage.installation import count_unheld

_LOOK_SECONDS: Final = 1.0
_FIRST_LOOKS_SECONDS: Final = 0.05
_OUTAGE: Final = "the database cannot be reached"


class Readiness:
    """Looks at the leases every second, and remembers since when something is wrong."""

    def __init__(
        self,
        connections: Connections,
        clock: Clock,
        lease_seconds: float,
        renew_connections: Callable[[], Awaitable[None]],
    ) -> None:
        """Take where to look, and how long a shard may be without a holder.

        `renew_connections` is awaited when the database is back after an outage.
        """
        self._connections = connections
        self._renew_connections = renew_connections
        self._clock = clock
        self._patience = lease_seconds
        self._was_whole = False
        self._well_at = clock.monotonic()
        self._reason: str | None = "starting"

    async def reasons(self) -> list[str]:
        """Say what is wrong, for longer than it may be."""
        if self._reason is None:
            return []
        for_seconds = self._clock.monotonic() - self._well_at
        if self._was_whole and for_seconds <= self._patience:
            return []
        return [self._reason]

    async def watch(self) -> None:
        """Look until cancelled; often at first, so that a start is noticed at once."""
        while True:
            await self.look()
            pause = _LOOK_SECONDS if self._was_whole else _FIRST_LOOKS_SECONDS
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Look once."""
        try:
            async with self._connections() as connection:
                unheld = await count_unheld(connection)
            if self._reason == _OUTAGE:
                await self._renew_connections()
        except (psycopg.Error, PoolTimeout, OSError):
            self._reason = _OUTAGE
            return
        if unheld:
            self._reason = f"{unheld} shards have no engine"
            return
        self._reason = None
        self._was_whole = True
        self._well_at = self._clock.monotonic()
