"""One engine process, started and stopped.

Everything runs on one event loop, except the lease renewal, which has a thread, and
APScheduler's thread, which only calls back. Parts are made before anything runs; `start`
begins to hold shards, `stop` gives them up in good order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from engine.leases import LeaseEvents, LeaseKeeper
from engine.options import EngineOptions, Installation
from engine.parts import Parts
from scheduler.clock import Clock, SystemClock
from scheduler.housekeeping import Housekeeping
from scheduler.offset import keep_to_database
from scheduler.wakes import WakeDriver
from storage.connections import Connections

log = structlog.get_logger(__name__)

_INBOX_POLL: Final = timedelta(seconds=1)
_CANCEL_SECONDS: Final = 1.0
_PARTING_SECONDS: Final = 10.0
# How long an orderly end waits for the functions that the engine has called elsewhere.
_CALL_SECONDS: Final = 8.0


class Engine(Parts):
    """Holds shards and advances their executions."""

    def __init__(
        self,
        url: str,
        installation: Installation,
        connections: Connections,
        *,
        options: EngineOptions | None = None,
        clock: Clock | None = None,
        wakes: WakeDriver | None = None,
    ) -> None:
        """Make the parts; `connections` lends connections for everything off the hot path."""
        super().__init__(
            url,
            installation,
            connections,
            options=options,
            clock=clock,
            wakes=wakes,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self.failed = asyncio.Event()

    async def start(self) -> None:
        """Set the clock, begin every loop, and begin to hold shards."""
        async with self.connections() as connection:
            if isinstance(self.clock, SystemClock):
                await keep_to_database(connection, self.clock)
        self.hall.abroad.is_alone = lambda: self.leases.is_alone
        self.leases = self._lease_keeper(asyncio.get_running_loop())
        for coroutine in self._loops():
            self._spawn(coroutine)
        self.wakes.start(self.timers.wake)
        self.wakes.every("inbox", _INBOX_POLL, self.shards.look)
        self.wakes.every("map runs", _INBOX_POLL, self.map_runs.look)
        self.housekeeping = Housekeeping(
            clock=self.clock,
            connections=self.connections,
            shards=lambda: sorted(self.shards.epochs),
            deliver=self.shards.deliver_timers,
            activity=self.activity,
            on_deleting=self._note_deleting,
            keep=self.options.keep,
        )
        self.housekeeping.start(self.wakes)
        self.leases.start()
        await self.open_executions.look_shortly()
        log.info("engine started", engine=self.id, lanes=len(self.lanes))

    def _lease_keeper(self, loop: asyncio.AbstractEventLoop) -> LeaseKeeper:
        return LeaseKeeper(
            self._url,
            self.id,
            clock=self.clock,
            times=self.options.leases,
            events=LeaseEvents(
                on_won=self.shards.won,
                on_lost=self._keeper_lost,
                on_give_up=self._keeper_asks,
                on_failed=self._fail,
            ),
            call_soon=loop.call_soon_threadsafe,
            capabilities=json.dumps({"master_keys": [*self.options.master_keys]}),
        )

    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        loops = [lane.run() for lane in self.lanes]
        loops += [self.shards.run(), self.timers.run(), self.inbox.run()]
        loops += [self.starts.run(), self.desk.run(), self.desk.run_looks()]
        loops += [self.activities.run(), self.post.run(), self.inbox.listen()]
        loops += [self.map_runs.run(), self.open_executions.run()]
        loops += [self.express.run_starts(), self.express.run_ends()]
        if self.elsewhere is not None:
            loops.append(self._elsewhere_desk(self.elsewhere).run())
        return loops

    def living(self) -> int:
        """Tell how many engine processes share the installation's work."""
        return self.leases.living

    async def stop(self) -> None:
        """Give every shard up in good order and end; what runs elsewhere goes on there."""
        self.leases.retire()
        if self.elsewhere is not None:
            await self.elsewhere.drain(_CALL_SECONDS)
        self.wakes.stop()
        await self.housekeeping.stop()
        await self.express.stop()
        try:
            async with asyncio.timeout(_PARTING_SECONDS):
                await self._give_up(set(self.shards.epochs))
        except TimeoutError:
            log.warning("stopped before the last commits were known", engine=self.id)
        await asyncio.to_thread(self.leases.stop)
        await _end_all(self._tasks)
        if self.elsewhere is not None:
            await self.elsewhere.stop()
        await self.starts.close()
        for store in self._stores:
            await store.close()
        log.info("engine stopped", engine=self.id)

    # Leases

    def _keeper_lost(self, shards: set[int]) -> None:
        self.shards.lost(shards)

    def _keeper_asks(self, shard: int) -> None:
        self._spawn(self._give_up({shard}))

    async def _give_up(self, shards: set[int]) -> None:
        await self.shards.give_up(shards)
        self.leases.given_up(shards)

    # Loops

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        log.error("engine loop failed", engine=self.id, exc_info=error)
        self._failure = self._failure or error
        self.failed.set()

    def raise_failure(self) -> None:
        """Raise what a loop has failed with; the process should end."""
        if self._failure is not None:
            raise self._failure


async def _end_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end: the driver waits for the server's word on the first one."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
