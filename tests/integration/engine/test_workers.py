"""Workers: claimed durably, delivered until they have it, noticed when they are gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from engine.handover import TaskFailure, TaskSuccess
from engine.sessions import Session
from tests.support.fleet import Fleet, eventually
from tests.support.machines import callback, region, retry, task
from tests.support.visitors import Visitor

WORK = region(task())


async def outcomes(engines: Fleet, run: Any) -> list[str]:
    """Return the errors of an execution's failed attempts."""
    details = await engines.details(run, "LambdaFunctionFailed")
    return [detail["error"] for detail in details]


async def test_claim_is_durable_before_the_task_is_handed_over(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)

    await worker.task()

    assert "LambdaFunctionStarted" in await engines.history(run)
    assert await engines.rows("SELECT worker FROM tasks") == [(worker.session,)]


async def test_task_comes_again_when_the_polls_answer_was_lost(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    lost = await worker.lose_poll()

    given = await worker.task()

    assert given.token == lost.tasks[0].token
    assert await worker.succeed(given) == "accepted"
    assert (await engines.history(run)).count("LambdaFunctionStarted") == 1


async def test_task_in_the_inventory_does_not_come_again(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    await engines.start(engine, machine)
    await worker.task()

    again = await worker.poll(wait=0.3)

    assert again.tasks == ()


async def test_dead_workers_attempt_ends_as_lambda_unknown(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(WORK)
    dead = Visitor(engine)
    run = await engines.start(engine, machine)
    await dead.task()
    began = asyncio.get_running_loop().time()

    assert await engines.closed(run) == "FAILED"

    assert await outcomes(engines, run) == ["Lambda.Unknown"]
    assert asyncio.get_running_loop().time() - began < 4


async def test_attempt_after_a_dead_worker_keeps_the_idempotency_key(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=1.0)
    retrier = [retry("Lambda.Unknown", IntervalSeconds=1, MaxAttempts=2)]
    machine = await engines.machine(region(task(Retry=retrier)))
    dead = Visitor(engine)
    run = await engines.start(engine, machine)
    first = await dead.task()

    second = await Visitor(engine).task()

    assert second.idempotency_key == first.idempotency_key
    assert second.attempt_id != first.attempt_id
    assert second.retry_count == 1
    assert await outcomes(engines, run) == ["Lambda.Unknown"]


async def test_late_report_of_a_worker_given_up_is_closed(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(WORK)
    slow = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await slow.task()
    await engines.closed(run)
    before = await engines.history(run)

    assert await slow.succeed(given) == "closed"
    assert await engines.history(run) == before


async def test_worker_that_polls_is_not_given_up(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()

    for _ in range(3):
        await worker.poll(free=0, wait=0.9)

    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_reports_are_answered_one_by_one(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    runs = [await engines.start(engine, machine) for _ in range(2)]
    one, two = await worker.task(), await worker.task()
    await engine.service.stop_execution(
        next(run.arn for run in runs if run.arn == two.execution_arn), None, None
    )

    verdicts = await worker.report(
        [
            TaskSuccess(token="nonsense", output="1"),
            TaskSuccess(token=one.token, output="1"),
            TaskFailure(token=two.token, error="E", cause=None),
            TaskSuccess(token=one.token, output="2"),
        ]
    )

    assert verdicts == ["invalid", "accepted", "closed", "closed"]


async def test_report_of_an_execution_set_aside_keeps_no_other_waiting(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=10.0, cache_characters=1)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    for _ in range(2):
        await engines.start(engine, machine)
    aside, healthy = await worker.task(), await worker.task()
    (row,) = await engines.rows(
        "SELECT shard, execution_id FROM execution_records WHERE arn = %s",
        aside.execution_arn,
    )
    await engines.rows(
        "INSERT INTO quarantine (shard, execution_id, reason, detail, created_at)"
        " VALUES (%s, %s, 'test', '', now())",
        *row,
    )

    verdicts = await worker.report(
        [TaskSuccess(token=t.token, output="1") for t in (aside, healthy)]
    )

    assert verdicts == [None, "accepted"]
    await engines.rows("DELETE FROM quarantine")
    assert await worker.succeed(aside) == "accepted"


async def test_bye_ends_what_was_not_begun(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=600.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    await worker.task()

    await worker.bye()

    assert await engines.closed(run) == "FAILED"
    assert await outcomes(engines, run) == ["Lambda.Unknown"]
    await eventually(_is_true(engines, "SELECT count(*) = 0 FROM worker_sessions"))


def _is_true(engines: Fleet, statement: str) -> Any:
    async def is_true() -> bool:
        ((answer,),) = await engines.rows(statement)
        return bool(answer)

    return is_true


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_attempt_survives_the_restart_of_its_engine(
    engines: Fleet, end: str
) -> None:
    engine = await engines.engine(session_timeout=2.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()

    await (engines.stop(engine) if end == "stop" else engines.kill(engine))
    worker.engine = await engines.engine(session_timeout=2.0)
    again = await worker.poll(wait=0.3)

    assert again.tasks == ()
    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_attempt_lost_in_the_restart_is_delivered_by_the_next_engine(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=2.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    lost = await worker.lose_poll()
    await engines.kill(engine)

    worker.engine = await engines.engine(session_timeout=2.0)
    given = await worker.task()

    assert given.token == lost.tasks[0].token
    assert given.epoch > lost.tasks[0].epoch
    assert await worker.succeed(given) == "accepted"
    assert (await engines.history(run)).count("LambdaFunctionStarted") == 1


async def test_worker_that_died_with_its_engine_is_noticed(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(WORK)
    run = await engines.start(engine, machine)
    await Visitor(engine).task()
    await engines.kill(engine)

    await engines.engine(session_timeout=1.0)

    assert await engines.closed(run) == "FAILED"
    assert await outcomes(engines, run) == ["Lambda.Unknown"]


async def test_attempt_that_waits_for_its_token_outlives_its_worker(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(region(callback()))
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()
    assert await worker.succeed(given) == "accepted"
    await eventually(lambda: not engine.hall.sessions, why="the worker is not missed")
    await engines.kill(engine)
    engine = await engines.engine(session_timeout=1.0)
    await eventually(_is_later(engine, 1.5))

    assert await engines.status(run) == "RUNNING"
    await engine.service.send_task_success(given.token, "7")
    assert await engines.status(run) == "SUCCEEDED"


def _is_later(engine: Any, seconds: float) -> Any:
    until = engine.clock.monotonic() + seconds
    return lambda: engine.clock.monotonic() > until


async def test_closed_attempts_are_cancelled_at_their_worker(engines: Fleet) -> None:
    engine = await engines.engine(session_timeout=10.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()

    await engine.service.stop_execution(run.arn, None, None)
    answer = await worker.poll(wait=1)

    assert answer.cancelled == (given.token,)
    await engines.at_rest()


async def test_outage_of_the_database_is_not_held_against_workers(
    engines: Fleet,
) -> None:
    engine = await engines.engine(session_timeout=1.0)
    machine = await engines.machine(WORK)
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    given = await worker.task()
    tables = engine.desk._look_tables
    show = tables.show
    failed: list[object] = []
    shown: list[object] = []

    async def away(*asked: object) -> set[str]:
        failed.append(asked)
        raise psycopg.OperationalError("the database is away")

    async def noted(sessions: Sequence[Session], now: float) -> None:
        shown.append(sessions)
        await show(sessions, now)

    vars(tables)["alive"] = away
    await eventually(lambda: failed)
    del vars(tables)["alive"]
    vars(tables)["show"] = noted
    await eventually(lambda: len(shown) > 1)
    await worker.poll(free=0, wait=0.5)

    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


# Functions in the engine's own process


async def test_call_of_a_dead_engine_ends_as_lambda_unknown(engines: Fleet) -> None:
    called: list[Any] = []
    engine = await engines.engine(handlers={"work": called.append})
    machine = await engines.machine(WORK)
    vars(engine.hall)["_handle"] = lambda *_: None  # it dies before the call returns
    run = await engines.start(engine, machine)
    await engines.happened(run, "LambdaFunctionStarted")
    await engines.kill(engine)

    await engines.engine(handlers={"work": called.append})

    assert await engines.closed(run) == "FAILED"
    assert await outcomes(engines, run) == ["Lambda.Unknown"]
    assert called == []


async def test_handler_is_called_once_for_every_attempt(engines: Fleet) -> None:
    called: list[Any] = []
    engine = await engines.engine(handlers={"work": called.append})
    machine = await engines.machine(region(*(task(f"T{n}") for n in range(5))))

    runs = [await engines.start(engine, machine, {"n": n}) for n in range(20)]

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    assert len(called) == 100


async def test_epoch_of_a_delivery_never_goes_back(engines: Fleet) -> None:
    one = await engines.engine(session_timeout=5.0)
    machine = await engines.machine(WORK)
    worker = Visitor(one)
    run = await engines.start(one, machine)
    before = (await worker.lose_poll()).tasks[0]
    await engines.kill(one)
    other = await engines.engine(session_timeout=5.0)
    worker.engine = other

    after = await worker.task()

    assert json.loads(after.input) == json.loads(before.input)
    assert after.epoch == other.shards.epochs[run.shard] > before.epoch
