"""Callers of signed requests: in the log, whichever engine the request came to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import router
from engine.engine import Engine
from engine.errors import TaskClosedError, UnansweredError
from engine.handover import ReportRequest, TaskSuccess
from runtime.events import EVENT_TYPES
from runtime.principal import Principal
from tests.integration.engine.test_express import express, logged
from tests.integration.engine.test_repeated_answers import deaf, hearing
from tests.support.fleet import Fleet, Run
from tests.support.machines import callback, region, task, wait
from tests.support.visitors import Visitor

ADA, BOB = Principal("SWKADA", "ada"), Principal("SWKBOB", "bob")
ASK = region(callback(TimeoutSeconds=600))
OUTPUT = '{"n": 1.0}'


async def asked(engines: Fleet, engine: Engine, held_by: Engine) -> tuple[Run, str]:
    """Let Ada start an execution that waits for its token; return the token, too."""
    machine = await engines.machine(ASK)
    run = engines.run(machine, await engines.name(machine, held_by))
    name = run.arn.rpartition(":")[2]
    await engine.service.start_execution(machine, name, "{}", None, ADA)
    worker = Visitor(engine)
    given = await worker.task()
    assert await worker.succeed(given) == "accepted"
    await worker.bye()
    return run, given.token


async def callers(engines: Fleet, run: Run) -> list[tuple[str, str]]:
    """Return which events of an execution name a caller, and whom."""
    rows = await engines.rows(
        "SELECT type, memo FROM events WHERE execution_id = %s ORDER BY event_id",
        run.id,
    )
    return [
        (EVENT_TYPES[code - 1], json.loads(memo)["caller"]["name"])
        for code, memo in rows
        if "caller" in json.loads(memo or "{}")
    ]


@pytest.mark.parametrize("held_by", [0, 1], ids=["here", "elsewhere"])
async def test_who_started_and_approved_is_in_the_log(
    engines: Fleet, held_by: int
) -> None:
    pair = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, pair[0], pair[held_by])

    await pair[0].service.send_task_success(token, OUTPUT, BOB)

    assert await engines.closed(run) == "SUCCEEDED"
    assert await callers(engines, run) == [
        ("ExecutionStarted", "ada"),
        ("TaskSucceeded", "bob"),
    ]
    assert await engines.verify(run) == []


@pytest.mark.parametrize("held_by", [0, 1], ids=["here", "elsewhere"])
async def test_who_refused_stopped_and_redrove_is_in_the_log(
    engines: Fleet, held_by: int
) -> None:
    pair = await engines.pair(session_timeout=10.0)
    service = pair[0].service
    run, token = await asked(engines, pair[0], pair[held_by])

    await service.send_task_failure(token, "No", None, BOB)
    assert await service.redrive_execution(run.shard, run.id, "token", ADA)
    await service.stop_execution(run.arn, None, None, BOB)

    assert await callers(engines, run) == [
        ("ExecutionStarted", "ada"),
        ("TaskFailed", "bob"),
        ("ExecutionRedriven", "ada"),
        ("ExecutionAborted", "bob"),
    ]
    assert await engines.verify(run) == []


@pytest.mark.parametrize("held_by", [0, 1], ids=["here", "elsewhere"])
async def test_who_reports_for_the_worker_of_somebody_else_is_in_the_log(
    engines: Fleet, held_by: int
) -> None:
    pair = await engines.pair(session_timeout=10.0)
    machine = await engines.machine(region(task("First"), task("Second")))
    run = await engines.start(pair[0], machine, held_by=pair[held_by])
    worker = Visitor(pair[0])
    worker.session = ADA.own("session")

    for caller in (ADA, BOB):
        given = await worker.task()
        result = TaskSuccess(token=given.token, output="1")
        report = ReportRequest(session=worker.session, results=(result,), caller=caller)
        await worker.engine.desk.report(report)
        worker.inventory.clear()

    assert await engines.closed(run) == "SUCCEEDED"
    assert await callers(engines, run) == [("LambdaFunctionSucceeded", "bob")]


async def test_what_older_engines_write_into_the_inbox_names_nobody(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    run = await engines.start(engine, await engines.machine(region(wait(seconds=3600))))
    await engines.happened(run, "WaitStateEntered")

    await engines.rows(
        "INSERT INTO inbox (execution_id, created_at, shard, kind, body)"
        """ VALUES (%s, now(), %s, 'stop', '{"error":null,"cause":null}')""",
        run.id,
        run.shard,
    )

    assert await engines.closed(run) == "ABORTED"
    assert await callers(engines, run) == []


async def test_what_nobody_signed_leaves_nothing(engines: Fleet) -> None:
    engine = await engines.engine()
    run = await engines.start(engine, await engines.machine(region(wait(seconds=3600))))
    await engines.happened(run, "WaitStateEntered")

    await engine.service.stop_execution(run.arn, None, None)

    assert await callers(engines, run) == []
    ((memo,),) = await engines.rows(
        "SELECT memo FROM events WHERE execution_id = %s AND type = %s",
        run.id,
        EVENT_TYPES.index("ExecutionAborted") + 1,
    )
    assert memo is None


async def test_who_started_an_express_execution_is_known_to_the_engine_that_takes_it_over(
    engines: Fleet,
) -> None:
    one = await engines.engine()
    machine = await express(engines, task())
    started = await one.service.start_execution(machine, "n-1", "{}", None, ADA)
    await Visitor(one).task()
    await engines.kill(one)

    worker = Visitor(await engines.engine())
    assert await worker.succeed(await worker.task()) == "accepted"

    await logged(engines, started.arn)
    run = Run(started.arn, 0, started.arn.rpartition(":")[2])
    assert await callers(engines, run) == [("ExecutionStarted", "ada")]


# The same call again


async def passed_on(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> tuple[Engine, str]:
    """Let Bob make a call that is told 503 and accepted afterwards, elsewhere."""
    one, other = await engines.pair(session_timeout=10.0)
    run, token = await asked(engines, one, other)
    deaf(other)
    monkeypatch.setattr(router, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(UnansweredError):
        await one.service.send_task_success(token, OUTPUT, BOB)
    monkeypatch.undo()
    hearing(other)
    assert await engines.closed(run) == "SUCCEEDED"
    return one, token


async def died(engines: Fleet, _: pytest.MonkeyPatch) -> tuple[Engine, str]:
    """Let the engine die that has accepted Bob's call."""
    one = await engines.engine(session_timeout=10.0)
    _run, token = await asked(engines, one, one)
    await one.service.send_task_success(token, OUTPUT, BOB)
    await engines.kill(one)
    return await engines.engine(session_timeout=10.0), token


@pytest.mark.parametrize("make", [passed_on, died])
async def test_the_same_call_of_somebody_else_is_closed(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    engine, token = await make(engines, monkeypatch)

    for other in (ADA, None):
        with pytest.raises(TaskClosedError):
            await engine.service.send_task_success(token, OUTPUT, other)
    await engine.service.send_task_success(token, OUTPUT, BOB)


async def test_the_same_call_is_found_in_what_an_older_engine_wrote(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, token = await passed_on(engines, monkeypatch)
    await engines.rows("UPDATE inbox SET caller = NULL")

    await engine.service.send_task_success(token, OUTPUT, BOB)

    with pytest.raises(TaskClosedError):
        await engine.service.send_task_success(token, OUTPUT, BOB)
