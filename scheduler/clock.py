"""The only reader of the clock.

Everything else receives a `Clock`, or a `now`. Workflow time is the *database's* time: the
engines of one installation run on several machines, and the one clock they share is the
server's. `SystemClock` therefore takes a measured offset (`scheduler/offset.py`) and adds it
to a clock of its own: the wall clock as it was at construction plus the time that passed
since on a steady clock. A step of the machine's wall clock changes nothing until the offset
is measured again, and a correction never makes `now()` go back: a clock that is ahead runs
at half speed until the difference is gone, one that is behind steps forward. Only the first
offset steps either way: it is measured before anybody asks for the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_US = 1_000
_SLEW = 2  # a clock that is ahead loses one of every two microseconds


def _make_steady() -> Callable[[], int]:
    """Choose the clock that also counts while the machine sleeps, where there is one.

    CLOCK_MONOTONIC stands still during a suspend, and an engine that wakes from one would
    take its leases for valid although they passed to another.
    """
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    if boot_time is None:
        return time.monotonic_ns
    try:
        time.clock_gettime_ns(boot_time)
    except OSError:
        return time.monotonic_ns
    return lambda: time.clock_gettime_ns(boot_time)


_steady_ns = _make_steady()


def host_now() -> datetime:
    """Read the wall clock of this machine, for libraries that compare with it themselves."""
    return datetime.now(UTC)


class Clock(Protocol):
    """What everybody but this module knows of time."""

    def now(self) -> datetime:
        """Return workflow time, in UTC; it never goes back."""

    def monotonic(self) -> float:
        """Return seconds on a clock that nobody sets, for deadlines and durations."""


class SystemClock:
    """Time as it passes, kept to the database's clock by an offset.

    `now()` may be called from any thread; `set_offset` from one at a time.
    """

    def __init__(
        self,
        steady_ns: Callable[[], int] = _steady_ns,
        wall: Callable[[], datetime] = host_now,
    ) -> None:
        self._steady_ns = steady_ns
        self._began_ns = steady_ns()
        self._began_us = (wall() - _EPOCH) // timedelta(microseconds=1)
        # (steady time and workflow time when last corrected, what is to be lost since then);
        # one tuple, so that a reader in another thread sees all of it or nothing
        self._corrected = (self._began_ns, self._began_us, 0)
        self._is_set = False

    def now(self) -> datetime:
        """Return workflow time: the database's, as well as it is known."""
        return _EPOCH + timedelta(microseconds=self._now_us())

    def monotonic(self) -> float:
        """Return seconds on the steady clock, which counts on while the machine sleeps."""
        return self._steady_ns() / 1e9

    def local(self) -> datetime:
        """Return this machine's time without the offset, which is measured against it."""
        return _EPOCH + timedelta(microseconds=self._local_us(self._steady_ns()))

    def set_offset(self, offset: timedelta) -> None:
        """Declare that the database's time is `local() + offset` from now on."""
        ns = self._steady_ns()
        target = self._local_us(ns) + offset // timedelta(microseconds=1)
        current = self._now_us(ns) if self._is_set else target
        self._corrected = (ns, max(current, target), max(0, current - target))
        self._is_set = True

    @property
    def offset(self) -> timedelta:
        """The difference between `now()` and `local()`, corrections under way included."""
        ns = self._steady_ns()
        return timedelta(microseconds=self._now_us(ns) - self._local_us(ns))

    def _local_us(self, ns: int) -> int:
        return self._began_us + (ns - self._began_ns) // _NS_PER_US

    def _now_us(self, ns: int | None = None) -> int:
        since_ns, since_us, ahead = self._corrected
        elapsed = ((self._steady_ns() if ns is None else ns) - since_ns) // _NS_PER_US
        return since_us + elapsed - min(ahead, elapsed // _SLEW)


class VirtualClock:
    """Time that a test owns: it moves only when it is told to."""

    def __init__(self, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._now = start
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._now

    def monotonic(self) -> float:
        """Return the virtual seconds that passed since the start."""
        return (self._now - self._start).total_seconds()

    def advance(self, duration: timedelta) -> None:
        """Let time pass, all at once, and tell the watchers."""
        assert duration >= timedelta(0), f"time does not go back by {duration}"
        self._now += duration
        for watcher in list(self._watchers):
            watcher()

    def jump_to(self, instant: datetime) -> None:
        """Move to an instant; one that has passed already changes nothing."""
        self.advance(max(instant - self._now, timedelta(0)))

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called whenever time has moved."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """Stop calling `watcher`."""
        self._watchers.remove(watcher)
