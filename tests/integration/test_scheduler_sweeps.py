"""Sweeps and retention over PostgreSQL: what they find, delete and leave alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from runtime.execution import TimerKind
from scheduler import sweeps
from scheduler.activity import Activity
from scheduler.clock import VirtualClock
from scheduler.horizon import TimerDue
from scheduler.housekeeping import Housekeeping
from scheduler.retention import delete_expired
from scheduler.virtual import VirtualWakes
from storage.connections import Connection, Connections, connection_pool
from tests.support.memory_timers import START, at, timer
from tests.support.rows import (
    MACHINE,
    execution_id,
    insert,
    insert_execution,
    insert_machine,
    insert_quarantine,
    insert_timers,
)

YEAR = timedelta(days=365)
SHARDS = [1, 2]


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Connections]:
    async with connection_pool(url, largest=2) as connections:
        yield connections.connection


async def count(connection: Connection, table: str) -> int:
    cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def insert_task(
    connection: Connection, number: int, created_at: datetime, worker: str | None = None
) -> None:
    await insert(
        connection,
        "tasks",
        shard=1,
        execution_id=execution_id(number),
        event_id=2,
        created_at=created_at,
        worker=worker,
    )


async def insert_stimulus(
    connection: Connection, shard: int, consumed_at: datetime | None
) -> None:
    await insert(
        connection,
        "inbox",
        shard=shard,
        execution_id=execution_id(1),
        kind="stop",
        body="{}",
        verdict=None if consumed_at is None else "accepted",
        created_at=START,
        consumed_at=consumed_at,
    )


async def test_an_execution_open_for_a_year_is_overdue(clean_database: str) -> None:
    now = START + YEAR
    async with pool(clean_database) as connections, connections() as connection:
        await insert_machine(connection, START)
        await insert_execution(connection, 1, 1, START)
        await insert_execution(connection, 1, 2, at(1))
        await insert_execution(connection, 2, 3, START, stop=at(1))
        await insert_execution(connection, 3, 4, START)
        await insert_execution(connection, 2, 5, at(-5))
        await insert_execution(connection, 1, 6, START)
        await insert_quarantine(connection, 1, 6, now)
        await insert_execution(connection, 1, 7, START, redrive=at(1))
        await insert_execution(connection, 1, 8, at(-9), redrive=at(-1))

        found = await sweeps.overdue_executions(connection, SHARDS, now)

    assert found == [
        TimerDue(
            shard=shard,
            execution_id=execution_id(number),
            event_id=1,
            kind=TimerKind.EXECUTION_TIMEOUT,
            due=start + YEAR,
        )
        for shard, number, start in (
            (1, 8, at(-1)),
            (2, 5, at(-5)),
            (1, 1, START),
        )
    ]


async def test_a_task_past_the_default_timeout_is_overdue(clean_database: str) -> None:
    now = START + timedelta(seconds=99_999_999)
    async with pool(clean_database) as connections, connections() as connection:
        for number, created_at in ((1, START), (2, at(1)), (3, START)):
            await insert_task(connection, number, created_at)
        own_timeout = timer(1, 3, TimerKind.TASK_TIMEOUT)
        await insert_timers(connection, [(own_timeout, now + YEAR)])

        found = await sweeps.overdue_tasks(connection, SHARDS, now)

    assert [(due.execution_id, due.event_id) for due in found] == [(execution_id(1), 2)]
    assert found[0].due == now


async def test_verdicts_are_deleted_after_a_minute_in_bounded_rounds(
    clean_database: str,
) -> None:
    async with pool(clean_database) as connections, connections() as connection:
        for shard in (1, 2, 3):
            for consumed_at in (None, START, START, at(1)):
                await insert_stimulus(connection, shard, consumed_at)

        deleted = [
            await sweeps.delete_verdicts(connection, SHARDS, at(60), bound=3)
            for _ in range(3)
        ]

        assert deleted == [3, 1, 0]
        assert await count(connection, "inbox") == 8


async def test_engines_that_died_are_deleted_by_the_databases_clock(
    clean_database: str,
) -> None:
    async with pool(clean_database) as connections, connections() as connection:
        for name, age in (("live", "0 s"), ("dead", "11 minutes")):
            await connection.execute(
                "INSERT INTO engines (id, pid, host, capabilities, started_at,"
                " expires_at) VALUES (%s, 1, 'h', '{}', now(), now() - %s::interval)",
                [name, age],
            )

        assert await sweeps.delete_engines(connection) == 1
        assert await count(connection, "engines") == 1


async def test_sessions_unseen_for_long_are_deleted_once_they_hold_no_task(
    clean_database: str,
) -> None:
    async with pool(clean_database) as connections, connections() as connection:
        for name, age in (("live", "0 s"), ("gone", "2 hours"), ("holds", "2 hours")):
            await connection.execute(
                "INSERT INTO worker_sessions (session, process, name, functions,"
                " slots, seen_at) VALUES (%s, 'e', 'w', '[]', 1, now() - %s::interval)",
                [name, age],
            )
        await insert_task(connection, 1, START, worker="holds")

        assert await sweeps.delete_sessions(connection) == 1
        assert await count(connection, "worker_sessions") == 2


async def test_revisions_of_gone_machines_go_once_nothing_refers_to_them(
    clean_database: str,
) -> None:
    async with pool(clean_database) as connections, connections() as connection:
        for number in range(4):
            await insert_machine(connection, START, number)
        await connection.execute(
            b"DELETE FROM state_machines WHERE arn <> '%b-3'" % MACHINE.encode()
        )
        await insert_execution(connection, 1, 1, START, at(1))
        jobs = Housekeeping(
            clock=VirtualClock(START),
            connections=connections,
            shards=lambda: SHARDS,
            deliver=lambda due: None,
            activity=Activity(),
        )

        await jobs.forget_revisions(connection)
        assert await count(connection, "state_machine_revisions") == 4
        await insert_express_run(connection, 2)
        await jobs.forget_revisions(connection)
        assert await revisions(connection) == [0, 2, 3]

        await delete_expired(connection, VirtualClock(START + YEAR), timedelta(days=1))
        await connection.execute("DELETE FROM express_runs")
        for _ in range(2):
            await jobs.forget_revisions(connection)
        assert await revisions(connection) == [3]


async def revisions(connection: Connection) -> list[int]:
    cursor = await connection.execute(
        "SELECT revision_id FROM state_machine_revisions ORDER BY revision_id"
    )
    return [row[0].int for row in await cursor.fetchall()]


async def insert_express_run(connection: Connection, revision: int) -> None:
    await insert(
        connection,
        "express_runs",
        shard=1,
        execution_id=execution_id(7),
        revision_id=execution_id(revision),
        start_date=START,
        arn="a",
        state_machine_arn=f"{MACHINE}-{revision}",
        input="{}",
    )


async def test_retention_deletes_what_closed_long_ago_in_batches(
    clean_database: str,
) -> None:
    clock = VirtualClock(START + YEAR)
    async with pool(clean_database) as connections, connections() as connection:
        for number in range(5):
            await insert_execution(connection, 1, number, START, stop=at(number))
        await insert_execution(connection, 1, 8, START, stop=clock.now())
        await insert_execution(connection, 1, 9, START)

        deleted = await delete_expired(
            connection, clock, timedelta(days=90), executions=2
        )

        assert deleted.executions == 5
        assert await count(connection, "execution_records") == 2


async def test_housekeeping_does_its_jobs_at_intervals(clean_database: str) -> None:
    clock, activity = VirtualClock(START), Activity()
    wakes = VirtualWakes(clock)
    delivered: list[TimerDue] = []
    async with pool(clean_database) as connections:
        async with connections() as connection:
            await insert_machine(connection, START)
            await insert_stimulus(connection, 1, START)
            await insert_execution(connection, 1, 1, START)
            await insert_execution(connection, 1, 2, START, stop=START)
            await insert_machine(connection, START, number=2, status="DELETING")
        housekeeping = Housekeeping(
            clock=clock,
            connections=connections,
            shards=lambda: SHARDS,
            deliver=delivered.extend,
            activity=activity,
            keep=timedelta(days=90),
        )
        wakes.start(lambda: None)
        housekeeping.start(wakes)

        clock.advance(YEAR)
        await activity.idle()
        await housekeeping.stop()

        async with connections() as connection:
            assert await count(connection, "inbox") == 0
            assert await count(connection, "execution_records") == 1
            assert await count(connection, "state_machines") == 1
    assert [due.execution_id for due in delivered] == [execution_id(1)]


async def test_a_job_that_is_still_running_is_not_begun_again(
    clean_database: str,
) -> None:
    activity = Activity()
    begun: list[Connection] = []
    may_end = asyncio.Event()

    async def job(connection: Connection) -> None:
        begun.append(connection)
        await may_end.wait()

    async with pool(clean_database) as connections:
        housekeeping = Housekeeping(
            clock=VirtualClock(START),
            connections=connections,
            shards=lambda: SHARDS,
            deliver=lambda due: None,
            activity=activity,
        )
        for _ in range(3):
            housekeeping.begin("slow", job)
        may_end.set()
        await activity.idle()
        housekeeping.begin("slow", job)
        await activity.idle()

    assert len(begun) == 2
