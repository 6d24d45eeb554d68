"""What an engine that calls functions itself must know of the others, once a second.

It shows that it lives, learns which functions workers serve anywhere (those it leaves to
them), and ends attempts that name it and that it has never begun: their shard was lost
between the commit and the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import psycopg
import structlog

from engine.crossing import WorkerTables
from engine.elsewhere import Elsewhere
from engine.router import Router
from engine.sessions import Session
from engine.work import TaskKey
from runtime import stimuli as st
from scheduler.clock import Clock

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 1.0
# Workers that polled so lately may be back in a moment, after a start of ours.
_FORMER_SECONDS: Final = 600.0
_NAME: Final = "Lambda Invoke API"


class ElsewhereDesk:
    """Looks for the engine's calls elsewhere."""

    def __init__(
        self,
        *,
        elsewhere: Elsewhere,
        tables: WorkerTables,
        router: Router,
        clock: Clock,
        session_timeout: float,
        offer: Callable[[], None],
    ) -> None:
        """Take whom to tell that functions may be free to be called."""
        self._elsewhere = elsewhere
        self._tables = tables
        self._router = router
        self._clock = clock
        self._timeout = session_timeout
        self._offer = offer
        self._pause = min(_PAUSE_SECONDS, session_timeout / 5)
        self._heard_since: float | None = None
        self._strays: set[TaskKey] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._look()
            except (psycopg.Error, OSError) as error:
                log.warning("worker tables not reached", error=str(error))
                self._heard_since = None
            await asyncio.sleep(self._pause)

    async def _look(self) -> None:
        now = self._clock.monotonic()
        await self._tables.show([self._session(now)], now)
        if self._heard_since is None:
            self._heard_since = now
        # Nobody can be blamed for not having been heard while we did not listen.
        is_fresh = now - self._heard_since < self._timeout
        within = _FORMER_SECONDS if is_fresh else self._timeout
        self._elsewhere.served = await self._tables.served(within)
        await self._end_strays()
        self._offer()

    def _session(self, now: float) -> Session:
        elsewhere = self._elsewhere
        session = Session(elsewhere.worker, _NAME, frozenset(), now)
        session.capacity = max(0, elsewhere.free)
        return session

    async def _end_strays(self) -> None:
        """End what was unknown here for two looks: others may just be on their way."""
        if self._router.holds_everything:
            self._strays = set()
            return
        worker = self._elsewhere.worker
        found = await self._tables.held_elsewhere([worker], self._router.held)
        unknown = {key for _, key in found if not self._elsewhere.knows(key)}
        for shard, execution_id, scheduled_id in unknown & self._strays:
            lost = st.WorkerLost(scheduled_id, worker)
            self._router.send(shard, execution_id, lost)
        self._strays = unknown - self._strays
