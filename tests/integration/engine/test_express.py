"""Asynchronous Express executions run at least once, whatever happens to their engine."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import psycopg

from engine.engine import Engine
from engine.handover import TaskSuccess
from scheduler.clock import SystemClock
from storage.database import connect
from storage.machines import Blueprint, MachineRecord, Machines
from storage.verification import Verification
from tests.support.fleet import ROLE, Fleet, eventually
from tests.support.machines import fail, pass_on, region, task, wait
from tests.support.visitors import Visitor

ALL = {"level": "ALL", "includeExecutionData": True}


async def express(
    engines: Fleet, *states: Any, level: str | None = "ALL"
) -> MachineRecord:
    """Create an Express machine that logs."""
    arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:m{uuid.uuid4().hex}"
    blueprint = Blueprint(
        definition=json.dumps(region(*states)),
        role_arn=ROLE,
        logging_configuration=None if level is None else ALL | {"level": level},
    )
    now = SystemClock().now()
    return await Machines(engines.connections).create(arn, "EXPRESS", blueprint, now)


async def start(engine: Engine, machine: MachineRecord) -> str:
    return (await engine.service.start_execution(machine, "n-1", "{}", None)).arn


async def logged(engines: Fleet, arn: str) -> list[tuple[str, int, str]]:
    """Wait for the log of an execution; return its record."""
    statement = "SELECT status, last_event_id, name FROM execution_records"
    return list(
        await eventually(lambda: engines.rows(f"{statement} WHERE arn = %s", arn))
    )


async def accepted(engines: Fleet) -> list[str]:
    return [row[0] for row in await engines.rows("SELECT arn FROM express_runs")]


async def none_left(engines: Fleet) -> None:
    async def is_empty() -> bool:
        return await accepted(engines) == []

    await eventually(is_empty)


async def test_accepted_execution_is_a_row_until_it_has_ended(engines: Fleet) -> None:
    engine = await engines.engine()
    worker = Visitor(engine)
    arn = await start(engine, await express(engines, task()))
    at_work = await worker.task()
    assert await accepted(engines) == [arn]

    assert await worker.succeed(at_work) == "accepted"

    assert await logged(engines, arn) == [("SUCCEEDED", 7, "n-1")]
    assert await accepted(engines) == []


async def test_execution_of_a_killed_engine_runs_again_from_the_start(
    engines: Fleet,
) -> None:
    one = await engines.engine()
    arn = await start(one, await express(engines, pass_on(), task()))
    first = await Visitor(one).task()
    await engines.kill(one)

    other = await engines.engine()
    worker = Visitor(other)
    again = await worker.task()

    assert again.execution_arn == first.execution_arn == arn
    assert await worker.succeed(again) == "accepted"
    assert await logged(engines, arn) == [("SUCCEEDED", 9, "n-1")]
    assert await accepted(engines) == []


async def test_execution_without_a_log_leaves_nothing(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await express(engines, pass_on(), level=None)

    for _ in range(250):
        await start(engine, machine)

    await none_left(engines)
    assert await engines.rows("SELECT arn FROM execution_records") == []
    assert engine.express.express.finished == 250


async def test_attempt_that_a_worker_lost_on_the_way_is_delivered_again(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    worker = Visitor(engine)
    arn = await start(engine, await express(engines, task()))
    (lost,) = (await worker.lose_poll()).tasks

    found = await worker.task()

    assert (found.token, found.execution_arn) == (lost.token, arn)
    await worker.succeed(found)
    assert await logged(engines, arn)


async def test_worker_that_is_gone_fails_its_attempt(engines: Fleet) -> None:
    engine = await engines.engine()
    worker = Visitor(engine)
    arn = await start(engine, await express(engines, task()))
    await worker.task()

    await worker.bye()

    assert (await logged(engines, arn))[0][0] == "FAILED"


async def test_engine_that_stops_lets_executions_end(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await express(engines, wait(seconds=None, Timestamp=soon()))
    arn = await start(engine, machine)

    await engines.stop(engine)

    assert (await logged(engines, arn))[0][0] == "SUCCEEDED"


def soon() -> str:
    return (SystemClock().now() + timedelta(milliseconds=200)).isoformat()


async def test_part_of_a_history_is_no_finding(engines: Fleet) -> None:
    engine = await engines.engine()
    arn = await start(engine, await express(engines, fail(), level="FATAL"))
    await logged(engines, arn)

    with connect(engines.url, autocommit=True) as connection:
        verification = Verification(connection)
        found = [
            stored
            for shard in verification.shards()
            for batch in verification.of_shard(shard)
            for stored in batch
        ]

    assert found == []


async def test_a_worker_with_many_slots_takes_many_waiting_tasks(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await express(engines, task())
    starts = (start(engine, machine) for _ in range(300))
    await asyncio.gather(*starts)
    await eventually(lambda: len(engine.hall.waiting_in_memory) == 300)

    answer = await Visitor(engine).poll(free=250)

    assert len(answer.tasks) == 250
    assert len(engine.hall.waiting_in_memory) == 50
    await engines.kill(engine)  # it would wait for them in vain


async def test_a_log_that_the_database_refuses_spoils_no_other(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await express(engines, task())
    worker = Visitor(engine)
    refused, kept = await start(engine, machine), await start(engine, machine)
    at_work = (await worker.poll(free=2)).tasks
    await engines.own(
        "INSERT INTO events (execution_id, time, shard, event_id, previous_id, type) "
        "SELECT execution_id, now(), shard, 1, 0, 1 FROM express_runs WHERE arn = %s",
        refused,
    )

    await worker.report(TaskSuccess(token=each.token, output="1") for each in at_work)

    assert await logged(engines, kept) == [("SUCCEEDED", 7, "n-1")]
    await none_left(engines)
    recorded = await engines.rows("SELECT arn FROM execution_records")
    assert recorded == [(kept,)]


async def test_starts_wait_for_logs_that_are_written_slowly(engines: Fleet) -> None:
    """More than wait to be written at once: none is refused, none is lost."""
    engine = await engines.engine()
    machine = await express(engines, pass_on())
    holding = await psycopg.AsyncConnection.connect(engines.url)
    await holding.execute("LOCK TABLE execution_records IN SHARE MODE")
    starts = asyncio.gather(*(start(engine, machine) for _ in range(1_500)))
    await eventually(lambda: engine.express.express.finished >= 400)
    assert not starts.done()

    await holding.close()

    assert len(set(await starts)) == 1_500
    await engine.express.settled()
    count = "SELECT count(*) FROM execution_records"
    assert await engines.rows(count) == [(1_500,)]
    assert await accepted(engines) == []
