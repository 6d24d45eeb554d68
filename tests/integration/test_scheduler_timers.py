"""Due timers over PostgreSQL: what is read, in which order, and by which plan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from scheduler.activity import Activity
from scheduler.clock import SystemClock, VirtualClock
from scheduler.horizon import TimerDue, TimerId
from scheduler.offset import keep_to_database, measure_offset
from scheduler.postgres_timers import PostgresTimers
from scheduler.timers import EVERYTHING, DueTimers, TimerLimits
from scheduler.virtual import AutoJump, VirtualWakes
from scheduler.wakes import APSchedulerWakes
from storage.connections import Connection, Connections, connection_pool
from storage.database import connect
from storage.statements import statements
from tests.support.memory_timers import START, at, timer
from tests.support.rows import insert_quarantine, insert_timers


@asynccontextmanager
async def pool(url: str, largest: int = 2) -> AsyncIterator[Connections]:
    async with connection_pool(url, largest=largest) as connections:
        yield connections.connection


async def delete(connection: Connection, row: TimerId) -> None:
    await connection.execute(
        "DELETE FROM timers WHERE (shard, execution_id, event_id, kind)"
        " = (%s, %s, %s, %s)",
        row,
    )


class Engine:
    """The least that an engine does with due timers: it deletes the rows of what fires."""

    def __init__(self, connections: Connections, activity: Activity) -> None:
        self.connections = connections
        self.activity = activity
        self.fired: list[TimerDue] = []
        self.arrived = asyncio.Event()
        self.commits: set[asyncio.Task[None]] = set()
        self.timers: DueTimers | None = None

    def deliver(self, due: list[TimerDue]) -> None:
        self.fired += due
        self.activity.enter("commit")
        commit = asyncio.create_task(self.commit(due))
        self.commits.add(commit)
        commit.add_done_callback(self.commits.discard)

    async def commit(self, due: list[TimerDue]) -> None:
        assert self.timers is not None
        async with self.connections() as connection, connection.transaction():
            for fired in due:
                await delete(connection, fired.id)
        self.timers.settled([fired.id for fired in due])
        self.activity.leave("commit")
        self.arrived.set()


async def test_due_timers_of_the_asked_shards_are_read_in_order(
    clean_database: str,
) -> None:
    rows = [(timer(number % 3, number), at(20 - number)) for number in range(20)]
    async with pool(clean_database) as connections:
        async with connections() as connection:
            await insert_timers(connection, rows)
        table = PostgresTimers(connections)

        found = await table.due({0: 3, 1: 100}, at(15))

    expected = sorted((row for row in rows if row[1] <= at(15)), key=lambda row: row[1])
    assert [row for row in found if row[0][0] == 0] == [
        row for row in expected if row[0][0] == 0
    ][:3]
    assert [row for row in found if row[0][0] == 1] == [
        row for row in expected if row[0][0] == 1
    ]
    assert not [row for row in found if row[0][0] == 2]


async def test_the_next_instant_after_one_is_read_over_all_shards(
    clean_database: str,
) -> None:
    rows = [(timer(1, 1), at(5)), (timer(2, 2), at(9)), (timer(3, 3), at(7))]
    async with pool(clean_database) as connections:
        async with connections() as connection:
            await insert_timers(connection, rows)
        table = PostgresTimers(connections)

        assert await table.next_due([1, 2], at(0)) == at(5)
        assert await table.next_due([1, 2], at(5)) == at(9)
        assert await table.next_due([1, 2], at(9)) is None


async def test_timers_in_quarantine_sleep(clean_database: str) -> None:
    async with pool(clean_database) as connections:
        async with connections() as connection:
            await insert_timers(
                connection, [(timer(1, 1), at(1)), (timer(1, 2), at(2))]
            )
            await insert_quarantine(connection, 1, 1, START)
        table = PostgresTimers(connections)

        assert await table.due({1: 1}, at(9)) == [(timer(1, 2), at(2))]
        assert await table.next_due([1], at(0)) == at(2)


async def test_waits_of_years_fire_in_virtual_time(clean_database: str) -> None:
    dues = {
        timer(n % 4, n): START + timedelta(days=40 * n, seconds=n) for n in range(40)
    }
    clock, activity = VirtualClock(START), Activity()
    wakes = VirtualWakes(clock)
    async with pool(clean_database) as connections:
        async with connections() as connection:
            await insert_timers(connection, dues.items())
        engine = Engine(connections, activity)
        engine.timers = timers = DueTimers(
            clock=clock,
            wakes=wakes,
            table=PostgresTimers(connections),
            deliver=engine.deliver,
            activity=activity,
            limits=EVERYTHING,
        )
        wakes.start(timers.wake)
        running = asyncio.create_task(timers.run())
        timers.hold(range(4))

        jump = AutoJump(clock, activity, [wakes])
        while await jump.step():
            pass
        running.cancel()

    assert [(fired.id, fired.due) for fired in engine.fired] == list(dues.items())
    assert timers.lateness.max == 0


async def test_real_timers_fire_in_time_by_the_databases_clock(
    clean_database: str,
) -> None:
    clock, activity = SystemClock(), Activity()
    wakes = APSchedulerWakes(clock)
    async with pool(clean_database) as connections:
        engine = Engine(connections, activity)
        engine.timers = timers = DueTimers(
            clock=clock,
            wakes=wakes,
            table=PostgresTimers(connections),
            deliver=engine.deliver,
            activity=activity,
        )
        async with connections() as connection:
            await keep_to_database(connection, clock)
            due = clock.now() + timedelta(milliseconds=50)
            await insert_timers(connection, [(timer(1, 1), due)])
        wakes.start(timers.wake)
        running = asyncio.create_task(timers.run())
        timers.hold([1])

        await asyncio.wait_for(engine.arrived.wait(), 10)
        wakes.stop()
        running.cancel()

    assert [fired.due for fired in engine.fired] == [due]
    assert clock.now() >= due


async def test_a_read_heals_after_the_connection_was_lost(clean_database: str) -> None:
    clock, activity = VirtualClock(START), Activity()
    wakes = VirtualWakes(clock)
    async with pool(clean_database, largest=1) as connections:
        async with connections() as connection:
            await insert_timers(connection, [(timer(1, 1), at(1))])
        engine = Engine(connections, activity)
        engine.timers = timers = DueTimers(
            clock=clock,
            wakes=wakes,
            table=PostgresTimers(connections),
            deliver=engine.deliver,
            activity=activity,
            limits=TimerLimits(retry=timedelta(milliseconds=10)),
        )
        wakes.start(timers.wake)
        running = asyncio.create_task(timers.run())
        async with connections() as connection:
            pid = connection.info.backend_pid
        with connect(clean_database) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        timers.hold([1])
        await AutoJump(clock, activity, [wakes]).run_until(at(1))
        running.cancel()

    assert [fired.id for fired in engine.fired] == [timer(1, 1)]
    assert timers.failed_reads == 1


@pytest.mark.parametrize("name", ["due_timers", "next_due"])
async def test_due_timers_are_found_by_the_index(
    clean_database: str, name: str
) -> None:
    """With the plan that a prepared statement ends up with, before any ANALYZE."""
    async with pool(clean_database) as connections, connections() as connection:
        await connection.execute(
            "INSERT INTO timers (shard, execution_id, event_id, kind, due)"
            " SELECT i %% 8, gen_random_uuid(), 2, 1, %s + i * interval '1 second'"
            " FROM generate_series(1, 20000) AS i",
            [START],
        )
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        parameters = {
            "shards": list(range(8)),
            "bounds": [32] * 8,
            "until": at(60),
            "after": at(60),
        }
        explained = await connection.execute(
            b"EXPLAIN " + statements("timers")[name], parameters
        )
        plan = "\n".join(row[0] for row in await explained.fetchall())

    assert "timers_due on timers" in plan
    assert "Seq Scan on timers" not in plan
    assert "Sort" not in plan


async def test_the_offset_to_the_database_is_measured(clean_database: str) -> None:
    began = datetime.fromisoformat("2001-01-01T00:00:00+00:00")
    clock = SystemClock(wall=lambda: began)
    async with pool(clean_database) as connections, connections() as connection:
        before = await measure_offset(connection, clock)
        await keep_to_database(connection, clock)
        after = await measure_offset(connection, clock)
        kept = clock.offset

    assert before.value > timedelta(days=365 * 20)
    assert abs(after.value - kept) <= after.uncertainty + before.uncertainty
