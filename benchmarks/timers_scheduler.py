"""The scheduler alone: a million pending timers, and wakes at a steady rate.

    python -m benchmarks.timers_scheduler --url postgresql://... [--pending 1000000]

The table `timers` of a migrated database is filled anew. One commit a round deletes the rows
that fired, as an engine would; nothing else is done with them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
import uuid
from datetime import timedelta

import psycopg
import uvloop

from runtime.execution import TimerKind
from scheduler.activity import Activity
from scheduler.clock import SystemClock
from scheduler.horizon import TimerDue, TimerId
from scheduler.offset import keep_to_database
from scheduler.postgres_timers import PostgresTimers
from scheduler.timers import DueTimers
from scheduler.wakes import APSchedulerWakes
from storage.connections import connection_pool

SHARDS = 64
FILLED_PER_SECOND = 40_000

FILL = """
    INSERT INTO timers (shard, execution_id, event_id, kind, due)
    SELECT i %% %(shards)s, gen_random_uuid(), 2, 1,
           %(begin)s::timestamptz + i / %(rate)s::float8 * interval '1 second'
    FROM generate_series(1, %(count)s) AS i
"""
DELETE = """
    DELETE FROM timers
    USING unnest(%s::integer[], %s::uuid[]) AS fired (shard, execution_id)
    WHERE timers.shard = fired.shard AND timers.execution_id = fired.execution_id
"""


class Engine:
    """Deletes what fires, one commit at a time."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection
        self.waiting: list[TimerDue] = []
        self.arrived = asyncio.Event()
        self.has_fired = asyncio.Event()

    def deliver(self, due: list[TimerDue]) -> None:
        """Take timers that are due."""
        self.waiting += due
        self.arrived.set()
        self.has_fired.set()

    async def run(self, timers: DueTimers) -> None:
        """Delete what waits, for ever."""
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            batch, self.waiting = self.waiting, []
            await self.connection.execute(
                DELETE, [[t.shard for t in batch], [t.execution_id for t in batch]]
            )
            timers.settled([t.id for t in batch])


def cpu_seconds() -> float:
    """Return the CPU time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident_megabytes() -> float:
    """Return the resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


async def fill(
    connection: psycopg.AsyncConnection, clock: SystemClock, count: int, rate: float
) -> None:
    """Put so many timers into the table, due at a steady rate from shortly after now."""
    await connection.execute("DELETE FROM timers")
    begin = clock.now() + timedelta(seconds=count / FILLED_PER_SECOND + 3)
    await connection.execute(
        FILL, {"shards": SHARDS, "begin": begin, "rate": rate, "count": count}
    )
    await connection.execute("VACUUM ANALYZE timers")


async def measure(
    url: str, pending: int, rate: float, seconds: float
) -> dict[str, float]:
    """Fill the table, let timers fire for some seconds, and return the figures."""
    clock = SystemClock()
    async with (
        connection_pool(url, largest=2) as pool,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        await keep_to_database(connection, clock)
        await fill(connection, clock, pending, rate)
        engine, table = Engine(connection), PostgresTimers(pool.connection)
        return {
            "pending": pending,
            "rate": rate,
            **await drive(clock, engine, table, seconds),
        }


async def drive(
    clock: SystemClock, engine: Engine, table: PostgresTimers, seconds: float
) -> dict[str, float]:
    """Start the scheduler, measure from its first firing, and stop it."""
    wakes, activity, memory = APSchedulerWakes(clock), Activity(), resident_megabytes()
    timers = DueTimers(
        clock=clock, wakes=wakes, table=table, deliver=engine.deliver, activity=activity
    )
    loops = [asyncio.create_task(timers.run()), asyncio.create_task(engine.run(timers))]
    began = time.perf_counter()
    wakes.start(timers.wake)
    timers.hold(range(SHARDS))
    await activity.idle()
    start_up = time.perf_counter() - began
    await engine.has_fired.wait()
    cpu, began = cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, took = cpu_seconds() - cpu, time.perf_counter() - began
    for loop in loops:
        loop.cancel()
    wakes.stop()
    lateness = timers.lateness
    return {
        "fired": lateness.count,
        "p50_ms_below": lateness.quantile(0.5) * 1000,
        "p99_ms_below": lateness.quantile(0.99) * 1000,
        "mean_ms": lateness.sum / max(1, lateness.count) * 1000,
        "max_ms": lateness.max * 1000,
        "first_read_seconds": start_up,
        "cpu_ms_per_second": cpu / took * 1000,
        "reads": timers.reads,
        "jobs_armed": wakes.jobs_armed,
        "memory_grown_mb": resident_megabytes() - memory,
    }


def bookkeeping_microseconds(count: int = 200_000) -> dict[str, float]:
    """Time what a commit tells about one timer: a far one, and a near one until settled."""
    clock = SystemClock()
    timers = DueTimers(
        clock=clock,
        wakes=APSchedulerWakes(clock),
        table=None,  # type: ignore[arg-type]  # nothing is read
        deliver=lambda due: None,
        activity=Activity(),
    )
    timers.hold(range(SHARDS))
    ids: list[TimerId] = [
        (i % SHARDS, str(uuid.uuid4()), 2, TimerKind.TASK_TIMEOUT) for i in range(count)
    ]
    figures = {}
    for name, ahead in (("far", 60), ("near", 1)):
        due = clock.now() + timedelta(seconds=ahead)
        began = time.perf_counter()
        for i in range(0, count, 50):
            timers.committed((), [(timer, due) for timer in ids[i : i + 50]])
            timers.committed(ids[i : i + 50], ())
        figures[f"{name}_us"] = (time.perf_counter() - began) / count * 1e6
    return figures


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=240)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    uvloop.install()
    figures = asyncio.run(
        measure(options.url, options.pending, options.rate, options.seconds)
    )
    print(json.dumps(figures | bookkeeping_microseconds(), indent=2))


if __name__ == "__main__":
    main()
