"""Wakes by APScheduler and the event loop: nothing lost, little done."""

from __future__ import annotations

import asyncio
import heapq
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.clock import Clock, SystemClock, VirtualClock, host_now
from scheduler.wakes import APSchedulerWakes, WakeLimits
from tests.support.memory_timers import START

MS = timedelta(milliseconds=1)
NO_TICK = timedelta(hours=1)
DEADLINE = 10


class Woken:
    """Counts the wakes and lets a test wait for one."""

    def __init__(self) -> None:
        self.count = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self.event.wait(), DEADLINE)
        self.event.clear()


@pytest.fixture
def drivers() -> Iterator[list[APSchedulerWakes]]:
    started: list[APSchedulerWakes] = []
    yield started
    for wakes in started:
        wakes.stop()


def start(
    drivers: list[APSchedulerWakes],
    wake: Callable[[], None],
    clock: Clock | None = None,
    **limits: timedelta,
) -> APSchedulerWakes:
    wakes = APSchedulerWakes(clock or SystemClock(), WakeLimits(**limits))
    wakes.start(wake)
    drivers.append(wakes)
    return wakes


async def test_a_near_instant_is_left_to_the_event_loop(
    drivers: list[APSchedulerWakes],
) -> None:
    clock, woken = SystemClock(), Woken()
    wakes = start(drivers, woken, clock, tick=NO_TICK)
    due = clock.now() + 20 * MS

    wakes.arm(due)
    await woken.wait()

    assert clock.now() >= due - MS
    assert wakes.jobs_armed == 0


async def test_a_far_instant_is_driven_by_apscheduler(
    drivers: list[APSchedulerWakes],
) -> None:
    clock, woken = SystemClock(), Woken()
    wakes = start(drivers, woken, clock, tick=NO_TICK, near=10 * MS, ahead=5 * MS)
    due = clock.now() + 50 * MS

    wakes.arm(due)
    await woken.wait()
    early = due - clock.now()
    wakes.arm(due)
    await woken.wait()

    assert early <= 5 * MS
    assert clock.now() >= due - MS
    assert wakes.jobs_armed == 1


async def test_a_wake_beyond_the_horizon_comes_early_and_is_armed_again(
    drivers: list[APSchedulerWakes],
) -> None:
    clock, woken = SystemClock(), Woken()
    wakes = start(drivers, woken, clock, tick=NO_TICK, near=MS, horizon=20 * MS)

    wakes.arm(clock.now() + timedelta(days=365))
    await woken.wait()
    wakes.arm(clock.now() + timedelta(days=365))
    await woken.wait()

    assert wakes.jobs_armed == 2


async def test_an_earlier_instant_replaces_the_armed_one(
    drivers: list[APSchedulerWakes],
) -> None:
    clock, woken = SystemClock(), Woken()
    wakes = start(drivers, woken, clock, tick=NO_TICK)

    wakes.arm(clock.now() + timedelta(hours=1))
    wakes.arm(clock.now() + 10 * MS)

    await woken.wait()


async def test_a_later_instant_and_never_cost_nothing(
    drivers: list[APSchedulerWakes],
) -> None:
    clock = SystemClock()
    wakes = start(drivers, Woken(), clock, tick=NO_TICK)
    first = clock.now() + timedelta(seconds=10)

    wakes.arm(first)
    for seconds in range(1000):
        wakes.arm(first + timedelta(seconds=seconds))
    wakes.arm(None)

    assert wakes.jobs_armed == 1


async def test_the_tick_wakes_while_apscheduler_sleeps(
    drivers: list[APSchedulerWakes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step back of the wall clock leaves APScheduler with a run time far away."""
    clock, woken = SystemClock(), Woken()
    ahead = host_now() + timedelta(days=1)
    monkeypatch.setattr("scheduler.wakes.host_now", lambda: ahead)
    wakes = start(drivers, woken, clock, tick=20 * MS, near=MS)

    wakes.arm(clock.now() + 30 * MS)

    await woken.wait()
    await woken.wait()


async def test_intervals_are_called_again_and_again_on_the_loop(
    drivers: list[APSchedulerWakes],
) -> None:
    woken = Woken()
    wakes = start(drivers, Woken(), tick=NO_TICK)

    wakes.every("sweep", 20 * MS, woken)

    await woken.wait()
    await woken.wait()


async def test_intervals_can_be_added_before_the_start(
    drivers: list[APSchedulerWakes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    woken = Woken()
    wakes = APSchedulerWakes(SystemClock(), WakeLimits(tick=NO_TICK))
    wakes.every("sweep", 20 * MS, woken)
    drivers.append(wakes)

    wakes.start(Woken())

    await woken.wait()
    assert not caplog.records


async def test_the_tick_calls_an_interval_that_is_silent(
    drivers: list[APSchedulerWakes],
) -> None:
    clock, woken = VirtualClock(START), Woken()
    wakes = start(drivers, Woken(), clock, tick=5 * MS)
    wakes.every("retention", timedelta(hours=1), woken)

    clock.advance(timedelta(hours=3))

    await woken.wait()
    assert woken.count == 1


async def test_an_interval_has_one_name() -> None:
    wakes = APSchedulerWakes(SystemClock())
    wakes.every("sweep", MS, Woken())

    with pytest.raises(AssertionError, match="sweep"):
        wakes.every("sweep", MS, Woken())


class SimulatedLoop:
    """An event loop's timers over a virtual clock, with the milliseconds of the real one."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.queue: list[tuple[datetime, int]] = []
        self.callbacks: list[Callable[[], None]] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> SimulatedHandle:
        entry = (self.clock.now() + round(delay * 1000) * MS, len(self.callbacks))
        self.callbacks.append(callback)
        heapq.heappush(self.queue, entry)
        return SimulatedHandle(self, entry)

    def run_until(self, instant: datetime) -> None:
        while self.queue and self.queue[0][0] <= instant:
            due, number = heapq.heappop(self.queue)
            self.clock.jump_to(due)
            self.callbacks[number]()
        self.clock.jump_to(instant)


@dataclass
class SimulatedHandle:
    loop: SimulatedLoop
    entry: tuple[datetime, int]

    def cancel(self) -> None:
        if self.entry in self.loop.queue:
            self.loop.queue.remove(self.entry)
            heapq.heapify(self.loop.queue)


def start_simulated(
    clock: VirtualClock, wake: Callable[[], None]
) -> tuple[APSchedulerWakes, SimulatedLoop]:
    loop, wakes = SimulatedLoop(clock), APSchedulerWakes(clock)
    wakes._loop, wakes._wake = cast("asyncio.AbstractEventLoop", loop), wake
    wakes._apscheduler.start()
    return wakes, loop


def test_a_stopped_driver_calls_nothing_back() -> None:
    clock = VirtualClock(START)
    woken: list[datetime] = []
    wakes, loop = start_simulated(clock, lambda: woken.append(clock.now()))
    wakes.arm(START + 5 * MS)

    wakes.stop()
    wakes.arm(START + 6 * MS)
    loop.run_until(START + timedelta(hours=1))

    assert woken == []


def test_a_stop_lets_the_round_of_jobs_that_runs_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    wakes, _ = start_simulated(VirtualClock(START), lambda: None)
    stopper, begun = threading.Thread(target=wakes.stop), threading.Event()

    def stop_meanwhile(*_given: object) -> None:
        stopper.start()
        begun.set()
        stopper.join(0.05)

    monkeypatch.setattr(wakes, "_hand_over", stop_meanwhile)
    wakes.arm(START + 600 * MS)
    assert begun.wait(DEADLINE)
    stopper.join()

    assert failures == []


arms = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(-5_000, 400_000)), max_size=60
)


@given(arms)
def test_every_instant_is_met_within_the_coalescing_window(
    steps: list[tuple[int, int]],
) -> None:
    clock = VirtualClock(START)
    pending: list[datetime] = []
    lateness: list[timedelta] = []

    def wake() -> None:
        now = clock.now()
        lateness.extend(now - due for due in pending if due <= now)
        pending[:] = [due for due in pending if due > now]
        wakes.arm(min(pending, default=None))

    wakes, loop = start_simulated(clock, wake)
    for pause, delay in steps:
        loop.run_until(clock.now() + timedelta(microseconds=pause))
        due = clock.now() + timedelta(microseconds=delay)
        pending.append(max(due, clock.now()))
        wakes.arm(min(pending))
    loop.run_until(clock.now() + timedelta(seconds=1))
    wakes.stop()

    assert len(lateness) == len(steps)
    assert all(late <= 4 * MS for late in lateness)
