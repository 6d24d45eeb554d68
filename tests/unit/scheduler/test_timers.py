"""Due timers: read ahead, handed out in time, and again after what failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduler.activity import Activity
from scheduler.clock import VirtualClock
from scheduler.horizon import TimerDue, TimerId
from scheduler.timers import EVERYTHING, DueTimers, TimerLimits
from scheduler.virtual import AutoJump, VirtualWakes
from tests.support.memory_timers import START, MemoryTimers, at, timer


@dataclass
class Engine:
    """The least that an engine does with due timers, over a table in memory."""

    clock: VirtualClock
    activity: Activity
    table: MemoryTimers
    jump: AutoJump
    timers: DueTimers = field(init=False)
    fired: list[tuple[TimerId, datetime]] = field(default_factory=list)
    commits: bool = True

    def deliver(self, due: list[TimerDue]) -> None:
        now = self.clock.now()
        assert all(fired.due <= now for fired in due), "early"
        self.fired += [(fired.id, now) for fired in due]
        if self.commits:
            self.commit([fired.id for fired in due])

    def commit(self, fired: list[TimerId]) -> None:
        for row in fired:
            del self.table.rows[row]
        self.timers.settled(fired)

    def insert(self, timer: TimerId, due: datetime) -> None:
        self.table.rows[timer] = due
        self.timers.note(timer, due)


@asynccontextmanager
async def engine(
    rows: dict[TimerId, datetime] | None = None,
    limits: TimerLimits | None = None,
    shards: tuple[int, ...] = (1, 2),
) -> AsyncIterator[Engine]:
    clock = VirtualClock(START)
    wakes, activity, table = VirtualWakes(clock), Activity(), MemoryTimers(rows)
    jump = AutoJump(clock, activity, [wakes])
    made = Engine(clock, activity, table, jump)
    made.timers = timers = DueTimers(
        clock=clock,
        wakes=wakes,
        table=table,
        deliver=made.deliver,
        activity=activity,
        limits=limits,
    )
    wakes.start(timers.wake)
    running = asyncio.create_task(timers.run())
    timers.hold(shards)
    await activity.idle()
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert activity.is_idle


async def test_timers_of_held_shards_fire_at_their_instants() -> None:
    rows = {timer(1, 1): at(30), timer(2, 2): at(86_400 * 365), timer(3, 3): at(10)}

    async with engine(rows, EVERYTHING) as it:
        while await it.jump.step():
            pass

    assert it.fired == [(timer(1, 1), at(30)), (timer(2, 2), at(86_400 * 365))]
    assert it.timers.lateness.max == 0


async def test_what_lies_beyond_the_window_is_read_ahead_of_its_instant() -> None:
    rows = {timer(1, number): at(100 * number) for number in range(1, 5)}

    async with engine(rows) as it:
        while await it.jump.step():
            pass

    assert [fired for _, fired in it.fired] == [at(100), at(200), at(300), at(400)]
    assert it.timers.reads <= 10


async def test_a_timer_noted_within_the_window_fires_without_a_read() -> None:
    async with engine() as it:
        reads = it.timers.reads
        it.insert(timer(1, 1), at(0.5))
        await it.jump.step()
        await it.activity.idle()

    assert it.fired == [(timer(1, 1), at(0.5))]
    assert it.timers.reads == reads


async def test_a_timer_noted_beyond_the_window_fires_in_time() -> None:
    async with engine() as it:
        it.insert(timer(1, 1), at(3600))
        while await it.jump.step():
            pass

    assert it.fired == [(timer(1, 1), at(3600))]


async def test_a_timer_that_was_closed_never_fires() -> None:
    async with engine({timer(1, 1): at(5)}, EVERYTHING) as it:
        it.insert(timer(1, 2), at(60))
        it.commit([timer(1, 1), timer(1, 2)])

        assert not await it.jump.step()
        assert it.clock.now() == START

    assert it.fired == []


async def test_a_timer_put_off_fires_at_its_new_instant_only() -> None:
    for limits in (None, EVERYTHING):
        async with engine({timer(1, 1): at(1)}, limits) as it:
            it.commit([timer(1, 1)])
            it.insert(timer(1, 1), at(50))
            while await it.jump.step():
                pass

        assert it.fired == [(timer(1, 1), at(50))]


async def test_a_failed_commit_brings_the_timer_back_after_a_pause() -> None:
    async with engine({timer(1, 1): at(5)}, EVERYTHING) as it:
        it.commits = False
        await it.jump.run_until(at(5))
        it.timers.returned([timer(1, 1)])
        it.commits = True
        await it.jump.run_until(at(10))

    assert it.fired == [(timer(1, 1), at(5)), (timer(1, 1), at(5.5))]


async def test_a_timer_under_way_is_not_handed_out_again_by_reads() -> None:
    async with engine({timer(1, 1): at(5)}) as it:
        it.commits = False
        await it.jump.run_until(at(5))
        for _ in range(10):
            it.clock.advance(timedelta(seconds=1))
            it.timers.wake()
            await it.activity.idle()

        assert it.timers.taken == 1

    assert it.fired == [(timer(1, 1), at(5))]


async def test_a_released_shard_fires_nothing_and_fires_again_when_won_back() -> None:
    async with engine({timer(1, 1): at(5)}, EVERYTHING) as it:
        it.timers.release([1])
        await it.jump.run_until(at(10))
        assert it.fired == []

        it.timers.hold([1])
        await it.jump.run_until(at(20))

    assert it.fired == [(timer(1, 1), at(10))]
    assert it.timers.lateness.max == 5


async def test_a_shard_won_during_a_read_is_read_too() -> None:
    async with engine({timer(7, 1): at(5)}, EVERYTHING) as it:
        it.table.gate.clear()
        it.table.reading.clear()
        it.timers.hold([2])
        await it.table.reading.wait()
        it.timers.hold([7])
        it.table.gate.set()
        await it.jump.run_until(at(5))

    assert it.fired == [(timer(7, 1), at(5))]


async def test_a_timer_noted_during_a_read_is_kept() -> None:
    for due in (at(1), at(100)):
        async with engine() as it:
            it.table.gate.clear()
            it.table.reading.clear()
            it.timers.hold([2])
            await it.table.reading.wait()
            it.insert(timer(1, 1), due)
            it.table.gate.set()
            while await it.jump.step():
                pass

        assert it.fired == [(timer(1, 1), due)]


async def test_a_crowd_due_at_once_comes_out_in_bounded_reads() -> None:
    rows = {timer(number % 2, number): at(5) for number in range(1000)}
    limits = TimerLimits(quota=64, known=200, batch=50)

    async with engine(rows, limits, shards=(0, 1)) as it:
        most = 0
        while await it.jump.step():
            most = max(most, it.timers.pending + it.timers.taken)
        await it.activity.idle()

    assert len(it.fired) == 1000
    assert len(set(it.fired)) == 1000
    assert most <= 200 + 2 * 64


async def test_a_failed_read_is_tried_again() -> None:
    async with engine(limits=TimerLimits(retry=timedelta(milliseconds=1))) as it:
        it.table.failure = ConnectionError("the server is away")
        it.timers.hold([1])
        while it.timers.failed_reads < 2:
            await asyncio.sleep(0)
        it.table.rows[timer(1, 1)] = at(1)
        it.table.failure = None
        await it.jump.run_until(at(1))

    assert it.fired == [(timer(1, 1), at(1))]


async def test_a_row_that_nobody_told_of_is_found_by_the_poll() -> None:
    async with engine({timer(1, 1): at(60)}) as it:
        it.table.rows[timer(1, 2)] = at(59)
        await it.jump.run_until(at(61))

    assert it.fired == [(timer(1, 2), at(59)), (timer(1, 1), at(60))]
