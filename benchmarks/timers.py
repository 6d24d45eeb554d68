"""`timers`: a million executions wait, 240 of them wake a second."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime, timedelta
from typing import Any

import psycopg
import uvloop

from benchmarks import workflows
from benchmarks.database import Database, fresh_database
from benchmarks.node import ARN, running_engine
from benchmarks.processes import percentile, resident_bytes
from runtime.execution import Execution

PENDING = 1_000_000
_RATE = 240
_SECONDS = 20
_FILL = """
WITH sleeping AS (
    SELECT number,
           '{arn}:execution:measured:' || number AS arn,
           number %% {shards} AS shard,
           md5(number::text)::uuid AS execution_id,
           now() + %(after)s + (number - %(first)s) * interval '1 second' / {rate} AS due
    FROM generate_series(%(first)s, %(last)s) AS number
), records AS (
    INSERT INTO execution_records (
        shard, execution_id, arn, name, state_machine_arn, revision_id, status, start_date
    )
    SELECT shard, execution_id, arn, number::text, '{arn}:stateMachine:measured',
           %(revision)s, 'RUNNING', now()
    FROM sleeping
), entered AS (
    INSERT INTO events (
        execution_id, time, shard, event_id, previous_id, visit, data_from, type,
        state_name, data, details, memo
    )
    SELECT execution_id, now(), shard, event.id, 0, event.visit, event.data_from,
           event_types.code, event.state_name,
           CASE WHEN event.id = 1
                THEN json_build_object('until', due, 'note', repeat('x', 200))::text
           END,
           NULL,
           CASE WHEN event.id = 1
                THEN json_build_object(
                    'arn', arn, 'name', number::text,
                    'stateMachineArn', '{arn}:stateMachine:measured',
                    'stateMachineName', 'measured', 'startAt', 'Sleep')::text
                ELSE json_build_object('due', due)::text
           END
    FROM sleeping
    CROSS JOIN (VALUES
        (1, 'ExecutionStarted', NULL::integer, NULL::integer, NULL),
        (2, 'WaitStateEntered', 2, 1, 'Sleep')
    ) AS event (id, type, visit, data_from, state_name)
    JOIN event_types ON event_types.name = event.type
)
INSERT INTO timers (execution_id, due, shard, event_id, kind)
SELECT execution_id, due, shard, 2, 1
FROM sleeping
"""


def timers(_count: int) -> dict[str, Any]:
    """Measure lateness, start-up and the engine's memory."""
    with fresh_database() as database:
        _fill(database)
        return uvloop.run(_measure(database))


def _fill(database: Database) -> None:
    """Make the waiting executions: most for a month, the last ones until the engine is up."""
    statement = _FILL.format(arn=ARN, shards=64, rate=_RATE).encode()
    revision = database.add_machine(workflows.wait())
    waking = _RATE * _SECONDS
    with psycopg.connect(database.url, autocommit=True) as connection:
        for first, last, after in (
            (0, PENDING - waking - 1, timedelta(days=30)),
            (PENDING - waking, PENDING - 1, timedelta(seconds=8)),
        ):
            connection.execute(
                statement,
                {"first": first, "last": last, "after": after, "revision": revision},
            )
            if first == 0:
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")


async def _measure(database: Database) -> dict[str, Any]:
    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        cursor = await connection.execute(
            "SELECT execution_id::text, due FROM timers WHERE due < now() + interval '1 day'"
        )
        dues: dict[str, datetime] = dict(await cursor.fetchall())
    late: list[timedelta] = []
    ended = asyncio.Event()
    began = time.perf_counter()
    async with running_engine(database.url, handlers={}) as engine:

        def closed(execution: Execution) -> None:
            late.append(engine.clock.now() - dues[execution.execution_id])
            if len(late) == len(dues):
                ended.set()

        engine.hall.on_closed.append(closed)
        while len(engine.shards.epochs) < 64 or not engine.timers.reads:
            await asyncio.sleep(0.005)
        start_up = time.perf_counter() - began
        cpu = time.process_time()
        await asyncio.wait_for(ended.wait(), _SECONDS * 4)
        seconds = [lateness.total_seconds() for lateness in late]
        return {
            "start_up_s": start_up,
            "engine_cpu_ms": 1000 * (time.process_time() - cpu) / len(late),
            "late_p50_ms": 1000 * percentile(seconds, 50),
            "late_p99_ms": 1000 * percentile(seconds, 99),
            "early": sum(1 for value in seconds if value < 0),
            "engine_megabytes": resident_bytes(os.getpid()) / 1e6,
        }
