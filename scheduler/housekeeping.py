"""The interval jobs of an engine: the clock, the sweeps and retention.

The wake driver calls on the event loop when an interval is over; the work is done in a task
of its own over a borrowed connection. A job that is still running is not begun a second
time. A database that is away is a warning, and the next interval tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias
from uuid import UUID

import psycopg
import structlog

from scheduler import sweeps
from scheduler.activity import Activity
from scheduler.clock import Clock, SystemClock
from scheduler.offset import keep_to_database
from scheduler.retention import delete_expired
from scheduler.timers import Deliver
from scheduler.wakes import WakeDriver
from storage.connections import Connection, Connections
from storage.machines import Machines

log = structlog.get_logger(__name__)

Job: TypeAlias = Callable[[Connection], Awaitable[object]]

_DEADLINE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often each job is done."""

    clock: timedelta = timedelta(seconds=10)
    verdicts: timedelta = timedelta(seconds=15)
    processes: timedelta = timedelta(minutes=1)
    overdue: timedelta = timedelta(hours=1)
    machines: timedelta = timedelta(seconds=2)
    revisions: timedelta = timedelta(minutes=10)
    retention: timedelta = timedelta(minutes=10)


class Housekeeping:
    """Does the interval jobs.

    `keep` is the age at which closed executions are deleted; `on_deleting` hears of the
    machines that are being deleted.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        connections: Connections,
        shards: Callable[[], Sequence[int]],
        deliver: Deliver,
        activity: Activity,
        on_deleting: Callable[[frozenset[str]], None] = lambda _arns: None,
        keep: timedelta | None = None,
    ) -> None:
        self._clock = clock
        self._connections = connections
        self._shards = shards
        self._deliver = deliver
        self._activity = activity
        self._on_deleting = on_deleting
        self._keep = keep
        self._running: dict[str, asyncio.Task[None]] = {}
        self._orphans: set[UUID] = set()

    def start(self, wakes: WakeDriver, intervals: Intervals | None = None) -> None:
        """Register every job with the wake driver."""
        every = intervals or Intervals()
        jobs: dict[str, tuple[timedelta, Job]] = {
            "verdicts": (every.verdicts, self._delete_verdicts),
            "processes": (every.processes, _delete_processes),
            "overdue": (every.overdue, self._deliver_overdue),
            "machines": (every.machines, self._finish_deletions),
            "revisions": (every.revisions, self.forget_revisions),
        }
        if isinstance(self._clock, SystemClock):
            jobs["clock"] = (every.clock, partial(_keep_clock, clock=self._clock))
        if self._keep is not None:
            jobs["retention"] = (
                every.retention,
                partial(_retain, clock=self._clock, keep=self._keep),
            )
        for name, (interval, job) in jobs.items():
            wakes.every(name, interval, partial(self.begin, name, job))

    def begin(self, name: str, job: Job) -> None:
        """Begin a job in a task of its own, unless it is still running."""
        if name not in self._running:
            self._activity.enter("housekeeping")
            task = asyncio.get_running_loop().create_task(self._do(name, job))
            self._running[name] = task
            task.add_done_callback(partial(self._end, name))

    async def stop(self) -> None:
        """Cancel what is running and wait for its end."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _end(self, name: str, _task: asyncio.Task[None]) -> None:
        del self._running[name]
        self._activity.leave("housekeeping")

    async def _do(self, name: str, job: Job) -> None:
        try:
            async with (
                asyncio.timeout(_DEADLINE_SECONDS),
                self._connections() as connection,
            ):
                await job(connection)
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            log.warning("housekeeping failed", job=name, error=repr(error))

    async def _delete_verdicts(self, connection: Connection) -> None:
        await sweeps.delete_verdicts(connection, self._shards(), self._clock.now())

    async def _deliver_overdue(self, connection: Connection) -> None:
        for find in (sweeps.overdue_executions, sweeps.overdue_tasks):
            found = await find(connection, self._shards(), self._clock.now())
            if found:
                self._deliver(found)

    async def _finish_deletions(self, connection: Connection) -> None:
        """Forget machines, and tell of those whose executions are still to end."""
        machines = Machines(lambda: nullcontext(connection))
        await machines.finish_deletions()
        self._on_deleting(await machines.deleting())

    async def forget_revisions(self, connection: Connection) -> None:
        """Delete revisions that nothing has referred to since the last look."""
        machines = Machines(lambda: nullcontext(connection))
        orphans = await machines.orphaned_revisions()
        if settled := orphans & self._orphans:
            await machines.forget_revisions(settled)
        self._orphans = orphans - settled


async def _delete_processes(connection: Connection) -> None:
    await sweeps.delete_engines(connection)
    await sweeps.delete_sessions(connection)


async def _keep_clock(connection: Connection, clock: SystemClock) -> None:
    await keep_to_database(connection, clock)


async def _retain(connection: Connection, clock: Clock, keep: timedelta) -> None:
    deleted = await delete_expired(connection, clock, keep)
    if deleted.executions:
        log.info(
            "expired executions deleted",
            executions=deleted.executions,
            events=deleted.events,
        )
