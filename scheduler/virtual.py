"""Wakes over a virtual clock, and the jump of that clock to what is due next.

`VirtualWakes` calls back when a test has moved the clock. `AutoJump` moves it by itself: as
soon as nothing is in flight (`scheduler/activity.py`), to the earliest instant that anybody
has armed, so that a Wait of a year takes milliseconds. Intervals do not attract a jump; one
that was passed is called once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from scheduler.activity import Activity
from scheduler.clock import VirtualClock
from scheduler.wakes import Callback


class VirtualWakes:
    """A `WakeDriver` for tests: everything happens while the virtual clock is moved."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._wake: Callback | None = None
        self._intervals: dict[str, tuple[timedelta, Callback]] = {}
        self._next_calls: dict[str, datetime] = {}
        self.armed: datetime | None = None

    def start(self, wake: Callback) -> None:
        """Begin to watch the clock."""
        self._wake = wake
        self._clock.watch(self._look)

    def arm(self, due: datetime | None) -> None:
        """Hold exactly this instant, in place of the one held before."""
        self.armed = due

    def every(self, name: str, interval: timedelta, callback: Callback) -> None:
        """Call `callback` when the clock has passed an interval, however many it passed."""
        assert name not in self._intervals, f"there is an interval {name!r} already"
        self._intervals[name] = (interval, callback)
        self._next_calls[name] = self._clock.now() + interval

    def stop(self) -> None:
        """Stop watching the clock."""
        if self._wake is not None:
            self._clock.unwatch(self._look)
        self._wake = None

    def _look(self) -> None:
        now = self._clock.now()
        passed = [name for name, due in self._next_calls.items() if due <= now]
        for name in passed:
            interval, callback = self._intervals[name]
            self._next_calls[name] = now + interval
            callback()
        if self.armed is not None and self.armed <= now and self._wake is not None:
            self.armed = None
            self._wake()


class AutoJump:
    """Moves a virtual clock to the next armed instant whenever nothing is in flight.

    A task that a worker has claimed counts as in flight: a test in which time passes while
    a function runs moves the clock itself.
    """

    def __init__(
        self, clock: VirtualClock, activity: Activity, wakes: Sequence[VirtualWakes]
    ) -> None:
        self._clock = clock
        self._activity = activity
        self._wakes = wakes

    async def step(self, until: datetime | None = None) -> bool:
        """Wait for quiet and jump once; False when nothing is armed (up to `until`)."""
        await self._activity.idle()
        due = self._earliest()
        if due is None or (until is not None and due > until):
            return False
        self._clock.jump_to(due)
        return True

    async def run_until(self, instant: datetime) -> None:
        """Let everything happen that is due up to an instant, and end there."""
        while await self.step(instant):
            pass
        self._clock.jump_to(instant)
        await self._activity.idle()

    async def run_while(self, condition: Callable[[], bool]) -> None:
        """Jump, and wait for changes where there is nowhere to jump, while a claim holds."""
        while condition():
            if not await self.step() and condition():
                await self._activity.changed()

    async def run(self) -> None:
        """Jump for ever; to be run as a task that is cancelled in the end."""
        await self.run_while(lambda: True)

    def _earliest(self) -> datetime | None:
        armed = [wakes.armed for wakes in self._wakes if wakes.armed is not None]
        return min(armed, default=None)
