"""Due timers: read ahead from the table, handed out when their instant has come.

The `timers` table is the truth. `DueTimers` keeps the next seconds of the held shards in
memory (`scheduler/horizon.py`), arms the wake driver for the earliest, and hands what is due
to the engine. It reads the table

- when shards were won,
- ahead of the earliest instant that it knows of beyond those seconds,
- once a second at the latest, as long as the wake driver ticks: a poll is the truth,
- again, when a read was cut because too much is due at once, as the engine settles it.

A firing deletes its row in the engine's own transaction, even when it decides nothing. The
engine says what each commit did, after the COMMIT: `committed` for the rows that it deleted
(fired or closed) and inserted, `returned` for timers whose firing failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import psycopg
import structlog

from scheduler.activity import Activity
from scheduler.clock import Clock
from scheduler.histogram import LATENESS_BOUNDS, Histogram
from scheduler.horizon import Horizon, TimerDue, TimerId, TimerRow
from scheduler.wakes import WakeDriver

log = structlog.get_logger(__name__)

Deliver: TypeAlias = Callable[[list[TimerDue]], None]


class TimersTable(Protocol):
    """Where timers are read: PostgreSQL, or memory for engines without a database."""

    async def due(
        self, bounds: Mapping[int, int], until: datetime
    ) -> Sequence[TimerRow]:
        """Read the earliest rows due up to an instant: of shard s at most `bounds[s]`."""

    async def next_due(self, shards: Iterable[int], after: datetime) -> datetime | None:
        """Read the earliest instant after one, over the shards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerLimits:
    """How far and how much `DueTimers` looks ahead.

    window: the time that is kept in memory. lead: how long before the end of what is known
    the table is read. poll: the longest time between reads. batch: timers handed out at
    once. quota: rows that one read should bring, over all shards. known: rows in memory
    beyond which nothing is read before half of them are gone. retry: the pause after a read
    or a firing that failed. deadline: the longest that a read may take.
    """

    window: timedelta = timedelta(seconds=2)
    lead: timedelta = timedelta(seconds=1)
    poll: timedelta = timedelta(seconds=1)
    batch: int = 512
    quota: int = 2048
    known: int = 16_384
    retry: timedelta = timedelta(milliseconds=500)
    deadline: timedelta = timedelta(seconds=10)


EVERYTHING = TimerLimits(window=timedelta(days=36_500))
"""For virtual time: all timers in memory, so that the clock jumps exactly to what is due."""

_LEAST_QUOTA = 32


class DueTimers:
    """Hands the due timers of the held shards to `deliver`, on the event loop's thread."""

    def __init__(
        self,
        *,
        clock: Clock,
        wakes: WakeDriver,
        table: TimersTable,
        deliver: Deliver,
        activity: Activity,
        limits: TimerLimits | None = None,
    ) -> None:
        self._clock = clock
        self._wakes = wakes
        self._table = table
        self._deliver = deliver
        self._activity = activity
        self._limits = limits or TimerLimits()
        self._horizon = Horizon()
        # The earliest instant known beyond the window; to be read `lead` before it.
        self._beyond: datetime | None = None
        self._last_read = clock.monotonic()
        self._is_cut = False
        self._is_busy = False
        self._wanted = asyncio.Event()
        self.lateness = Histogram(LATENESS_BOUNDS)
        self.reads = 0
        self.failed_reads = 0

    # Shards

    def hold(self, shards: Iterable[int]) -> None:
        """Begin to hand out the timers of shards that were won."""
        self._horizon.hold(shards)
        self._want_read()

    def release(self, shards: Iterable[int]) -> None:
        """Forget the timers of shards that are being given up, or were lost."""
        self._horizon.release(shards)
        self._arm()

    # What commits did

    def committed(self, closed: Iterable[TimerId], opened: Iterable[TimerRow]) -> None:
        """Know what a commit deleted, unknown rows included, and what it inserted.

        A row that was replaced needs to be named among the opened only.
        """
        horizon = self._horizon
        for timer in closed:
            horizon.settle(timer)
        near = self._clock.now() + self._limits.window
        for timer, due in opened:
            if due <= near:
                horizon.put(timer, due)
            else:
                horizon.settle(timer)
                if self._beyond is None or due < self._beyond:
                    self._beyond = due
        if self._is_cut:
            self._look_at_cut()
        self._arm()

    def note(self, timer: TimerId, due: datetime) -> None:
        """Know a row that was committed just now."""
        self.committed((), ((timer, due),))

    def settled(self, timers: Iterable[TimerId]) -> None:
        """Know that the deletion of rows is committed; unknown ones are welcome."""
        self.committed(timers, ())

    def returned(self, timers: Iterable[TimerId]) -> None:
        """Take timers back whose commit failed; they are offered again after a pause."""
        offer_at = self._clock.now() + self._limits.retry
        for timer in timers:
            self._horizon.give_back(timer, offer_at)
        self._arm()

    # Measures

    @property
    def pending(self) -> int:
        """How many timers of the next seconds wait in memory."""
        return self._horizon.pending

    @property
    def taken(self) -> int:
        """How many timers are handed out and neither settled nor returned."""
        return self._horizon.taken

    # Waking

    def wake(self) -> None:
        """Hand out what is due, and read the table when that is due; for the wake driver."""
        now = self._clock.now()
        due = self._horizon.take(now, self._limits.batch)
        for timer in due:
            self.lateness.observe((now - timer.due).total_seconds())
        if due:
            self._deliver(due)
        if self._is_read_due(now):
            self._want_read()
        self._arm()

    async def run(self) -> None:
        """Read the table whenever it is wanted; to be run as a task until cancelled."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await self._try_to_read()
                if not self._wanted.is_set():
                    self._set_busy(busy=False)
        finally:
            self._horizon.abandon_read()
            self._set_busy(busy=False)

    def _arm(self) -> None:
        """Arm for the earliest pending timer, or for reading ahead of what lies beyond."""
        next_due = self._horizon.next_due()
        if self._beyond is not None:
            read_at = self._beyond - self._limits.lead
            next_due = read_at if next_due is None else min(next_due, read_at)
        self._wakes.arm(next_due)

    # Reading

    def _is_read_due(self, now: datetime) -> bool:
        if self._clock.monotonic() - self._last_read >= self._poll_seconds:
            return True
        return self._beyond is not None and self._beyond - self._limits.lead <= now

    @property
    def _poll_seconds(self) -> float:
        # A tick that comes a little early must not wait for the next one.
        return 0.9 * self._limits.poll.total_seconds()

    def _want_read(self) -> None:
        if self._horizon.shards:
            self._set_busy(busy=True)
            self._wanted.set()

    def _set_busy(self, *, busy: bool) -> None:
        if busy == self._is_busy:
            return
        self._is_busy = busy
        if busy:
            self._activity.enter("timers")
        else:
            self._activity.leave("timers")

    def _look_at_cut(self) -> None:
        """Go on after a cut read, once there is room again."""
        if self._known <= self._limits.known // 2:
            self._want_read()

    @property
    def _known(self) -> int:
        return self._horizon.pending + self._horizon.taken

    async def _try_to_read(self) -> None:
        """Read the table; after a failure, want the same again in a while."""
        try:
            async with asyncio.timeout(self._limits.deadline.total_seconds()):
                await self._read()
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            self._horizon.abandon_read()
            self.failed_reads += 1
            log.warning("timers not read", error=repr(error))
            await asyncio.sleep(self._limits.retry.total_seconds())
            self._want_read()

    async def _read(self) -> None:
        self._last_read = self._clock.monotonic()
        self._beyond = None  # what is noted during the read counts beside its result
        until = self._clock.now() + self._limits.window
        quota = self._limits.quota // max(1, len(self._horizon.shards))
        read = self._horizon.begin_read(until, max(quota, _LEAST_QUOTA))
        rows = await self._table.due(read.bounds, until)
        beyond = await self._table.next_due(read.bounds, until)
        self.reads += 1
        self._is_cut = self._horizon.finish_read(rows, self._clock.now())
        if beyond is not None:
            self._beyond = min(beyond, self._beyond or beyond)
        if self._is_cut and self._known < self._limits.known:
            self._want_read()
        self._arm()
