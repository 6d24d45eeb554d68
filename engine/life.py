"""The life of one engine process: started, kept going, stopped.

Everything runs on one event loop, except the lease renewal, which has a thread, and
APScheduler's thread, which only calls back. `start` begins to hold shards, `stop` gives them up
in good order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from engine.leases import LeaseEvents, LeaseKeeper
from scheduler.clock import SystemClock
from scheduler.housekeeping import Housekeeping
from scheduler.offset import keep_to_database

if TYPE_CHECKING:
    from engine.engine import Engine

log = structlog.get_logger(__name__)

_INBOX_POLL: Final = timedelta(seconds=1)
_CANCEL_SECONDS: Final = 1.0
_PARTING_SECONDS: Final = 10.0
# How long an orderly end waits for the functions that the engine has called elsewhere.
_CALL_SECONDS: Final = 8.0


class Life:
    """Begins the loops of an engine, hears of their failure, and ends them."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine, whose parts are made."""
        self._engine = engine
        self.tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self.failed = asyncio.Event()

    async def start(self) -> None:
        """Set the clock, begin every loop, and begin to hold shards."""
        engine = self._engine
        async with engine.connections() as connection:
            if isinstance(engine.clock, SystemClock):
                await keep_to_database(connection, engine.clock)
        engine.hall.abroad.is_alone = lambda: engine.leases.is_alone
        engine.leases = self._lease_keeper(asyncio.get_running_loop())
        for coroutine in self._loops():
            self._spawn(coroutine)
        engine.wakes.start(engine.timers.wake)
        engine.wakes.every("inbox", _INBOX_POLL, engine.shards.look)
        engine.wakes.every("map runs", _INBOX_POLL, engine.map_runs.look)
        engine.housekeeping = Housekeeping(
            clock=engine.clock,
            connections=engine.connections,
            shards=lambda: sorted(engine.shards.epochs),
            deliver=engine.shards.deliver_timers,
            activity=engine.activity,
            on_deleting=engine.note_deleting,
            keep=engine.options.keep,
        )
        engine.housekeeping.start(engine.wakes)
        engine.leases.start()
        await engine.open_executions.look_shortly()
        log.info("engine started", engine=engine.id, lanes=len(engine.lanes))

    def _lease_keeper(self, loop: asyncio.AbstractEventLoop) -> LeaseKeeper:
        engine = self._engine
        return LeaseKeeper(
            engine.url,
            engine.id,
            clock=engine.clock,
            times=engine.options.leases,
            events=LeaseEvents(
                on_won=engine.shards.won,
                on_lost=self._keeper_lost,
                on_give_up=self._keeper_asks,
                on_failed=self._fail,
            ),
            call_soon=loop.call_soon_threadsafe,
            capabilities=json.dumps({"master_keys": [*engine.options.master_keys]}),
        )

    def _loops(self) -> list[Coroutine[Any, Any, None]]:
        engine = self._engine
        loops = [lane.run() for lane in engine.lanes]
        loops += [engine.shards.run(), engine.timers.run(), engine.inbox.run()]
        loops += [engine.starts.run(), engine.desk.run(), engine.desk.run_looks()]
        loops += [engine.activities.run(), engine.post.run(), engine.inbox.listen()]
        loops += [engine.map_runs.run(), engine.open_executions.run()]
        loops += [engine.express.run_starts(), engine.express.run_ends()]
        if engine.elsewhere_desk is not None:
            loops.append(engine.elsewhere_desk.run())
        return loops

    async def stop(self) -> None:
        """Give every shard up in good order and end; what runs elsewhere goes on there."""
        engine = self._engine
        engine.leases.retire()
        if engine.elsewhere is not None:
            await engine.elsewhere.drain(_CALL_SECONDS)
        engine.wakes.stop()
        await engine.housekeeping.stop()
        await engine.express.stop()
        try:
            async with asyncio.timeout(_PARTING_SECONDS):
                await self._give_up(set(engine.shards.epochs))
        except TimeoutError:
            log.warning("stopped before the last commits were known", engine=engine.id)
        await asyncio.to_thread(engine.leases.stop)
        await _end_all(self.tasks)
        if engine.elsewhere is not None:
            await engine.elsewhere.stop()
        await engine.starts.close()
        for store in engine.stores:
            await store.close()
        log.info("engine stopped", engine=engine.id)

    # Leases

    def _keeper_lost(self, shards: set[int]) -> None:
        self._engine.shards.lost(shards)

    def _keeper_asks(self, shard: int) -> None:
        self._spawn(self._give_up({shard}))

    async def _give_up(self, shards: set[int]) -> None:
        await self._engine.shards.give_up(shards)
        self._engine.leases.given_up(shards)

    # Loops

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task in self.tasks:
            self.tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        log.error("engine loop failed", engine=self._engine.id, exc_info=error)
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
