"""Virtual wakes and the jump of the virtual clock."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from scheduler.activity import Activity
from scheduler.clock import VirtualClock
from scheduler.virtual import AutoJump, VirtualWakes
from tests.support.memory_timers import START, at


class Sleeper:
    """Arms its wakes for one instant after the other and notes when it was woken."""

    def __init__(
        self, clock: VirtualClock, wakes: VirtualWakes, *dues: datetime
    ) -> None:
        self.clock = clock
        self.wakes = wakes
        self.dues = list(dues)
        self.woken: list[datetime] = []
        wakes.start(self.wake)
        wakes.arm(self.dues[0])

    def wake(self) -> None:
        self.woken.append(self.clock.now())
        self.dues = [due for due in self.dues if due > self.clock.now()]
        self.wakes.arm(self.dues[0] if self.dues else None)


async def test_a_year_of_waits_takes_milliseconds() -> None:
    clock = VirtualClock(START)
    wakes = VirtualWakes(clock)
    dues = [START + timedelta(days=day) for day in range(1, 366)]
    sleeper = Sleeper(clock, wakes, *dues)
    jump = AutoJump(clock, Activity(), [wakes])
    began = asyncio.get_running_loop().time()

    while await jump.step():
        pass

    assert sleeper.woken == dues
    assert asyncio.get_running_loop().time() - began < 2


async def test_the_earliest_of_several_engines_wakes_first() -> None:
    clock = VirtualClock(START)
    one, two = VirtualWakes(clock), VirtualWakes(clock)
    first, second = Sleeper(clock, one, at(20)), Sleeper(clock, two, at(10), at(30))

    await AutoJump(clock, Activity(), [one, two]).run_until(at(40))

    assert first.woken == [at(20)]
    assert second.woken == [at(10), at(30)]
    assert clock.now() == at(40)


async def test_run_until_stops_before_what_is_due_later() -> None:
    clock = VirtualClock(START)
    wakes = VirtualWakes(clock)
    sleeper = Sleeper(clock, wakes, at(10), at(30))

    await AutoJump(clock, Activity(), [wakes]).run_until(at(20))

    assert sleeper.woken == [at(10)]
    assert clock.now() == at(20)


async def test_time_stands_still_while_something_is_in_flight() -> None:
    clock = VirtualClock(START)
    activity = Activity()
    wakes = VirtualWakes(clock)
    sleeper = Sleeper(clock, wakes, at(10))
    activity.enter("task")
    jumping = asyncio.create_task(AutoJump(clock, activity, [wakes]).step())
    for _ in range(20):
        await asyncio.sleep(0)
    assert clock.now() == START

    activity.leave("task")
    await jumping

    assert sleeper.woken == [at(10)]


async def test_run_while_waits_for_changes_where_nothing_is_armed() -> None:
    clock = VirtualClock(START)
    activity = Activity()
    wakes = VirtualWakes(clock)
    jump = AutoJump(clock, activity, [wakes])
    running = asyncio.create_task(jump.run_while(lambda: clock.now() == START))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not running.done()

    with activity.during("request"):
        Sleeper(clock, wakes, at(5))
    await running

    assert clock.now() == at(5)


def test_an_interval_that_was_passed_many_times_is_called_once() -> None:
    clock = VirtualClock(START)
    wakes = VirtualWakes(clock)
    calls: list[datetime] = []
    wakes.start(lambda: None)
    wakes.every("sweep", timedelta(hours=1), lambda: calls.append(clock.now()))

    clock.advance(timedelta(minutes=59))
    clock.advance(timedelta(days=365))
    clock.advance(timedelta(minutes=59))

    assert calls == [START + timedelta(days=365, minutes=59)]


def test_a_stopped_driver_calls_nothing_back() -> None:
    clock = VirtualClock(START)
    wakes = VirtualWakes(clock)
    sleeper = Sleeper(clock, wakes, at(1))

    wakes.stop()
    clock.advance(timedelta(days=1))

    assert sleeper.woken == []
