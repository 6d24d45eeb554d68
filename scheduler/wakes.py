"""Who wakes the engine when something is due.

A `WakeDriver` holds one instant, the earliest at which somebody has to look, and a handful
of intervals. It knows no timer: the truth about what is due is the `timers` table, and what
is held here can be lost at any moment without losing anything but punctuality.

`APSchedulerWakes` drives them with APScheduler on a thread of its own: one *wake* job that
is armed anew for the next instant, and one job for every interval. A job does nothing but
hand a callback to the event loop. Three things follow from what APScheduler is:

- Arming a job costs about 100 microseconds and wakes its thread. Instants within half a
  second are therefore left to the event loop's own timer, and the wake job fires a little
  ahead of its instant, so that the last stretch never depends on a switch of threads.
- It compares with the machine's wall clock: a step back puts it to sleep. A tick of the
  event loop, which counts on the monotonic clock, looks once a second at the latest, and
  runs an interval that has been silent for too long.
- By default it drops what is more than a second late: here no job ever misfires.

`scheduler/virtual.py` holds the other driver, for tests.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from scheduler.clock import Clock, host_now

Callback: TypeAlias = Callable[[], None]

_WAKE_JOB = "wake"
_SILENT = 2  # intervals that may pass before the tick does APScheduler's work


class WakeDriver(Protocol):
    """Calls back on the event loop when an instant has come, and at intervals.

    A wake may come early or without a reason: whoever is woken looks at the clock, and arms
    anew, for a wake forgets what was armed.
    """

    def start(self, wake: Callback) -> None:
        """Begin, within the running event loop; `wake` is called when an instant comes."""

    def arm(self, due: datetime | None) -> None:
        """Declare the earliest instant at which a wake is needed; None for never."""

    def every(self, name: str, interval: timedelta, callback: Callback) -> None:
        """Call `callback` once an interval, under a unique name."""

    def stop(self) -> None:
        """Stop; nothing is called back from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeLimits:
    """How `APSchedulerWakes` divides its work.

    near: what is closer than this is left to the event loop. ahead: how long before its
    instant the wake job fires. horizon: how far ahead the wake job is armed at most. tick:
    the period of the monotonic fallback. coalesce: wakes within this time become one.
    """

    near: timedelta = timedelta(milliseconds=500)
    ahead: timedelta = timedelta(milliseconds=100)
    horizon: timedelta = timedelta(seconds=5)
    tick: timedelta = timedelta(seconds=1)
    coalesce: timedelta = timedelta(milliseconds=2)


@dataclass(slots=True, kw_only=True)
class _Interval:
    """One interval: its length, whom to call, and when that was last done."""

    seconds: float
    callback: Callback
    last: float


class APSchedulerWakes:
    """Wakes driven by APScheduler, with the event loop beside it for what is near."""

    def __init__(self, clock: Clock, limits: WakeLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or WakeLimits()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: Callback | None = None
        self._armed: datetime | None = None
        self._near: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._intervals: dict[str, _Interval] = {}
        self._apscheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": DebugExecutor()},
            job_defaults={"misfire_grace_time": None, "max_instances": 3},
        )
        self.jobs_armed = 0

    def start(self, wake: Callback) -> None:
        """Start APScheduler's thread and the tick."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._loop = asyncio.get_running_loop()
        self._wake = wake
        self._apscheduler.start()
        self._schedule_tick(self._loop)

    def arm(self, due: datetime | None) -> None:
        """Arm for an instant; costs a comparison unless it is earlier than what is armed."""
        if due is None or self._is_covered(due) or self._loop is None:
            return
        delay = due - self._clock.now()
        if delay < self._limits.near:
            self._arm_loop(self._loop, delay)
        else:
            self._arm_job(delay)
        self._armed = due

    def every(self, name: str, interval: timedelta, callback: Callback) -> None:
        """Add an interval; its first call comes one interval from now."""
        assert name not in self._intervals, f"there is an interval {name!r} already"
        seconds = interval.total_seconds()
        self._intervals[name] = _Interval(
            seconds=seconds, callback=callback, last=self._clock.monotonic()
        )
        self._apscheduler.add_job(
            self._hand_over,
            IntervalTrigger(seconds=seconds, timezone=UTC),
            args=(self._run_interval, name),
            id=f"every {name}",
            coalesce=True,
        )

    def stop(self) -> None:
        """Stop APScheduler's thread and the tick."""
        if self._loop is None:
            return
        self._loop = None
        self._cancel(self._near)
        self._cancel(self._tick)
        # Waits for the round that runs: it could not remove its job from what has stopped.
        self._apscheduler.remove_all_jobs()
        self._apscheduler.shutdown(wait=False)

    # What is armed

    def _is_covered(self, due: datetime) -> bool:
        if self._armed is None:
            return False
        if self._near is None:
            return self._armed <= due
        return self._armed - due < self._limits.coalesce

    def _arm_loop(self, loop: asyncio.AbstractEventLoop, delay: timedelta) -> None:
        """Arm the event loop's timer; it counts milliseconds, so round up: never early."""
        self._cancel(self._near)
        seconds = max(delay, self._limits.coalesce).total_seconds()
        self._near = loop.call_later(math.ceil(seconds * 1000) / 1000, self._fire)

    def _arm_job(self, delay: timedelta) -> None:
        self._cancel(self._near)
        self._near = None
        delay = min(delay - self._limits.ahead, self._limits.horizon)
        self.jobs_armed += 1
        self._apscheduler.add_job(
            self._hand_over,
            DateTrigger(host_now() + delay),
            args=(self._fire,),
            id=_WAKE_JOB,
            replace_existing=True,
        )

    # What calls back

    def _hand_over(self, callback: Callable[..., None], *args: object) -> None:
        """Pass a call to the event loop; all that is ever done on APScheduler's thread."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(callback, *args)

    def _fire(self) -> None:
        self._cancel(self._near)
        self._near = None
        self._armed = None
        if self._loop is not None and self._wake is not None:
            self._wake()

    def _run_interval(self, name: str) -> None:
        interval = self._intervals[name]
        interval.last = self._clock.monotonic()
        if self._loop is not None:
            interval.callback()

    def _schedule_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        seconds = self._limits.tick.total_seconds()
        self._tick = loop.call_later(seconds, self._on_tick)

    def _on_tick(self) -> None:
        """Look by the monotonic clock, whatever APScheduler believes."""
        if self._loop is None:
            return
        self._schedule_tick(self._loop)
        now = self._clock.monotonic()
        silent = [
            name
            for name, interval in self._intervals.items()
            if now - interval.last > _SILENT * interval.seconds
        ]
        for name in silent:
            self._run_interval(name)
        self._fire()

    @staticmethod
    def _cancel(handle: asyncio.TimerHandle | None) -> None:
        if handle is not None:
            handle.cancel()
