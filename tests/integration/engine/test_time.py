"""Timers: fired once, by whoever holds the shard; heartbeats counted fairly."""

from __future__ import annotations

import asyncio

import pytest

from engine.handover import TaskFailure
from tests.support.fleet import Fleet, Run, eventually
from tests.support.machines import callback, catch, pass_on, region, retry, task, wait
from tests.support.visitors import Visitor

NAP = region(wait(seconds=1), pass_on())


async def test_timers_fire_once_and_leave_no_row(engines: Fleet) -> None:
    one, _ = await engines.pair()
    machine = await engines.machine(NAP)

    runs = [await engines.start(one, machine) for _ in range(50)]

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    for run in runs:
        assert (await engines.history(run)).count("WaitStateExited") == 1
    await engines.at_rest()


async def test_wait_never_ends_early(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(NAP)
    run = await engines.start(engine, machine)
    await engines.closed(run)

    ((slept,),) = await engines.rows(
        "SELECT extract(epoch FROM max(time) - min(time)) FROM events"
        " WHERE execution_id = %s",
        run.id,
    )
    assert slept >= 1


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_wait_survives_restarts(engines: Fleet, end: str) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(wait(seconds=4), pass_on()))
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")
    for _ in range(2):
        await (engines.stop(engine) if end == "stop" else engines.kill(engine))
        engine = await engines.engine()

    assert await engines.closed(run) == "SUCCEEDED"
    assert (await engines.history(run)).count("WaitStateExited") == 1


async def test_wait_that_fell_due_while_nobody_lived_ends_at_once(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(NAP)
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")
    await engines.kill(engine)
    overdue = "SELECT due FROM timers WHERE due < clock_timestamp()"
    await eventually(lambda: engines.rows(overdue))

    await engines.engine()

    assert await engines.closed(run, 3) == "SUCCEEDED"


async def test_timer_that_fires_early_is_set_anew(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(wait(seconds=3600)))
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")
    await engines.stop(engine)
    await engines.own("UPDATE timers SET due = due - interval '2 hours'")

    await engines.engine()

    later = "SELECT due FROM timers WHERE due > clock_timestamp()"
    await eventually(lambda: engines.rows(later))
    assert await engines.status(run) == "RUNNING"


async def test_backoff_survives_a_kill(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=10.0)
    retrier = [retry(IntervalSeconds=2, MaxAttempts=1)]
    machine = await engines.machine(region(task(Retry=retrier)))
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    first = await worker.task()
    await worker.report([TaskFailure(token=first.token, error="E", cause=None)])
    await engines.kill(engine)
    worker.engine = await engines.engine(session_timeout=10.0)

    second = await worker.task()

    assert second.retry_count == 1
    assert await worker.succeed(second) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_task_that_times_out_ends_while_its_worker_goes_on(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(
        region(task(TimeoutSeconds=1, Catch=[catch("After")]), pass_on("After"))
    )
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()

    assert await engines.closed(run) == "SUCCEEDED"
    assert "LambdaFunctionTimedOut" in await engines.history(run)
    assert await worker.succeed(given) == "closed"


async def beaten(engines: Fleet, seconds: int) -> tuple[Run, str]:
    """Start a task with a heartbeat that waits for its token; return the token, too."""
    engine = engines.engines[0]
    machine = await engines.machine(region(callback(HeartbeatSeconds=seconds)))
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()
    await worker.succeed(given)
    await worker.bye()
    return run, given.token


async def test_missed_heartbeat_times_the_task_out(engines: Fleet) -> None:
    await engines.engine(session_timeout=10.0)
    run, _ = await beaten(engines, 1)

    assert await engines.closed(run) == "FAILED"
    assert "TaskTimedOut" in await engines.history(run)


@pytest.mark.parametrize("cache", [1, 64 * 1024 * 1024], ids=["evicted", "in memory"])
async def test_heartbeats_keep_a_task_open(engines: Fleet, cache: int) -> None:
    engine = await engines.engine(session_timeout=10.0, cache_characters=cache)
    run, token = await beaten(engines, 1)

    for _ in range(12):
        await engine.service.send_task_heartbeat(token)
        await asyncio.sleep(0.25)  # a beat: the passing of time itself is tested
    assert await engines.status(run) == "RUNNING"

    await engine.service.send_task_success(token, "1")
    assert await engines.status(run) == "SUCCEEDED"


async def test_heartbeat_gets_a_fresh_period_after_a_take_over(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    run, token = await beaten(engines, 2)
    await engines.kill(engine)
    await engines.own("UPDATE timers SET due = now() - interval '1 hour'")
    await asyncio.sleep(2.2)  # nobody could have heard a beat meanwhile

    engine = await engines.engine(session_timeout=10.0)
    await engine.service.send_task_heartbeat(token)

    await engine.service.send_task_success(token, "1")
    assert await engines.status(run) == "SUCCEEDED"


async def test_whole_machine_times_out(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(wait(seconds=600), TimeoutSeconds=1))

    run = await engines.start(engine, machine)

    assert await engines.closed(run) == "TIMED_OUT"
    await engines.at_rest()
