"""Functions that no worker serves are called through the Lambda Invoke API."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from asl.parse import parse_machine
from cli.client import Client
from engine.engine import Engine
from engine.lambdaclient import LambdaClient, LambdaSettings
from runtime.stimuli import TaskClaimed, Verdict
from tests.support.commands import RunningCommand, until
from tests.support.fake_lambda import (
    FakeLambda,
    Reply,
    failing,
    fake_lambda,
    returning,
)
from tests.support.fleet import ROLE, Fleet, Run, eventually
from tests.support.machines import invoke, region, task
from tests.support.visitors import Visitor

WORK = region(task())


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLambda]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with fake_lambda() as fake:
        yield fake


def calling(service: FakeLambda, slots: int = 10) -> dict[str, Any]:
    client = LambdaClient(LambdaSettings(endpoint_url=service.endpoint))
    return {"invoke": client, "invoke_slots": slots}


async def caller(engines: Fleet, service: FakeLambda, **options: Any) -> Engine:
    return await engines.engine(**calling(service, **options))


async def until_asked(service: FakeLambda, times: int = 1) -> None:
    await eventually(lambda: len(service.asked) >= times, why="it was not called")


async def output(engines: Fleet, run: Any) -> Any:
    ((text,),) = await engines.rows(
        "SELECT output FROM executions WHERE execution = %s", run.arn
    )
    return text if isinstance(text, dict | list) else json.loads(text)


async def test_what_the_function_returns_is_the_result(
    engines: Fleet, service: FakeLambda
) -> None:
    service.answer = lambda asked: returning({"had": json.loads(asked.body)})
    engine = await caller(engines, service)
    run = await engines.start(engine, await engines.machine(WORK), {"n": 1})

    assert await engines.closed(run) == "SUCCEEDED"
    assert await output(engines, run) == {"had": {"n": 1}}
    assert [asked.function for asked in service.asked] == [
        "arn:aws:lambda:us-east-1:123456789012:function:work"
    ]


async def test_the_integration_gets_the_services_answer(
    engines: Fleet, service: FakeLambda
) -> None:
    engine = await caller(engines, service)
    given = {"FunctionName": "work", "Qualifier": "PROD", "Payload.$": "$"}
    machine = await engines.machine(region(invoke(Parameters=given)))
    run = await engines.start(engine, machine)

    assert await engines.closed(run) == "SUCCEEDED"
    found = await output(engines, run)
    assert (found["Payload"], found["ExecutedVersion"]) == ("done", "$LATEST")
    assert service.asked[0].query == {"Qualifier": ["PROD"]}


async def test_the_started_event_names_the_engine_before_the_call(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    engine = await caller(engines, service)
    run = await engines.start(engine, await engines.machine(WORK))
    await until_asked(service)

    assert "LambdaFunctionStarted" in await engines.history(run)
    assert await engines.rows("SELECT worker FROM tasks") == [
        (f"engine:{engine.id}/lambda",)
    ]
    service.let_go()
    assert await engines.closed(run) == "SUCCEEDED"


async def test_an_error_of_the_function_fails_the_task(
    engines: Fleet, service: FakeLambda
) -> None:
    service.answer = lambda _asked: failing({"errorType": "Refused"})
    engine = await caller(engines, service)
    run = await engines.start(engine, await engines.machine(WORK))

    assert await engines.closed(run) == "FAILED"
    (detail,) = await engines.details(run, "LambdaFunctionFailed")
    assert detail == {"error": "Refused", "cause": '{"errorType": "Refused"}'}


@pytest.mark.parametrize("state", [task(), invoke()], ids=["arn", "integration"])
async def test_too_large_a_result_is_refused(
    engines: Fleet, service: FakeLambda, state: dict[str, Any]
) -> None:
    service.answer = lambda _asked: Reply(b'"' + b"x" * 300_000 + b'"')
    engine = await caller(engines, service)
    run = await engines.start(engine, await engines.machine(region(state)))

    assert await engines.closed(run) == "FAILED"
    event = state["Resource"].endswith("invoke")
    kind = "TaskFailed" if event else "LambdaFunctionFailed"
    (detail,) = await engines.details(run, kind)
    assert detail["error"] == "States.DataLimitExceeded"


async def test_a_result_after_the_timeout_changes_nothing(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    engine = await caller(engines, service)
    machine = await engines.machine(region(task(TimeoutSeconds=1)))
    run = await engines.start(engine, machine)

    assert await engines.closed(run) == "FAILED"
    history = await engines.history(run)
    service.let_go()
    assert engine.elsewhere is not None
    await eventually(lambda: engine.elsewhere and not engine.elsewhere.calling)
    assert "LambdaFunctionTimedOut" in history
    assert await engines.history(run) == history


async def test_an_express_execution_may_call(
    engines: Fleet, service: FakeLambda
) -> None:
    engine = await caller(engines, service)
    assert engine.elsewhere is not None
    await eventually(lambda: engine.elsewhere and engine.elsewhere.served is not None)
    machine = parse_machine(json.dumps(WORK))
    arn = (await engines.machine(WORK)).arn

    ended = await engine.service.try_out(machine, arn, ROLE, '{"n": 1}')

    assert (ended.status, ended.output) == ("SUCCEEDED", '"done"')
    assert [asked.body for asked in service.asked] == [b'{"n": 1}']


async def test_many_waiting_express_executions_are_called(
    engines: Fleet, service: FakeLambda
) -> None:
    engine = await caller(engines, service, slots=200)
    assert engine.elsewhere is not None
    engine.elsewhere.served = frozenset({"work"})
    machine = parse_machine(json.dumps(WORK))
    arn = (await engines.machine(WORK)).arn
    tries = [
        asyncio.create_task(engine.service.try_out(machine, arn, ROLE, "{}"))
        for _ in range(250)
    ]

    ended = await asyncio.gather(*tries)

    assert {(each.status, each.output) for each in ended} == {("SUCCEEDED", '"done"')}


async def test_no_more_are_called_at_once_than_there_are_slots(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    engine = await caller(engines, service, slots=2)
    machine = await engines.machine(WORK)
    runs = [await engines.start(engine, machine) for _ in range(6)]
    await until_asked(service, 2)
    for run in runs:
        await engines.happened(run, "LambdaFunctionScheduled")

    service.let_go()

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    assert (service.most_at_once, len(service.asked)) == (2, 6)


async def test_a_function_of_a_worker_is_left_to_it(
    engines: Fleet, service: FakeLambda
) -> None:
    engine = await caller(engines, service)
    worker = Visitor(engine)
    await worker.poll(wait=0)
    run = await engines.start(engine, await engines.machine(WORK))

    await worker.succeed(await worker.task(), "by the worker")

    assert await engines.closed(run) == "SUCCEEDED"
    assert service.asked == []


async def test_a_function_of_another_engines_worker_is_left_to_it(
    engines: Fleet, service: FakeLambda
) -> None:
    one, other = await engines.pair(session_timeout=10.0, **calling(service))
    worker = Visitor(other)
    polling = asyncio.create_task(worker.task())
    await eventually(lambda: one.elsewhere and "work" in (one.elsewhere.served or ()))
    machine = await engines.machine(WORK)
    run = await engines.start(one, machine, held_by=one)

    await worker.succeed(await polling)

    assert await engines.closed(run) == "SUCCEEDED"
    assert service.asked == []


async def test_a_function_whose_worker_is_gone_is_called(
    engines: Fleet, service: FakeLambda
) -> None:
    engine = await caller(engines, service)
    worker = Visitor(engine)
    await worker.poll(free=0, wait=0)
    run = await engines.start(engine, await engines.machine(WORK))
    await engines.happened(run, "LambdaFunctionScheduled")
    assert service.asked == []

    await worker.bye()

    assert await engines.closed(run) == "SUCCEEDED"
    assert len(service.asked) == 1


async def test_a_call_goes_on_while_its_shard_moves(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    one = await caller(engines, service)
    machine = await engines.machine(WORK)
    runs = [await engines.start(one, machine) for _ in range(8)]
    await until_asked(service, 8)
    other = await engines.engine(whole=False, **calling(service))
    await engines.holding(other, engines.installation.shards // 2)

    service.let_go()

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    assert len(service.asked) == 8


async def test_an_orderly_end_waits_for_the_answers(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    engine = await caller(engines, service)
    run = await engines.start(engine, await engines.machine(WORK))
    await until_asked(service)

    stopping = asyncio.create_task(engines.stop(engine))
    service.let_go()
    await stopping

    assert await engines.status(run) == "SUCCEEDED"


async def test_an_attempt_that_was_never_begun_is_ended(
    engines: Fleet, service: FakeLambda
) -> None:
    """Its shard was lost between the commit and the call; only its engine can know."""
    one = await engines.engine(whole=False)
    other = await engines.engine(whole=False, **calling(service))
    await engines.holding(one, engines.installation.shards // 2)
    run = await engines.start(one, await engines.machine(WORK), held_by=one)
    await engines.happened(run, "LambdaFunctionScheduled")
    assert other.elsewhere is not None

    claim = TaskClaimed(3, other.elsewhere.worker)
    assert await one.router.ask(run.shard, run.id, claim) is Verdict.ACCEPTED

    assert await engines.closed(run) == "FAILED"
    (detail,) = await engines.details(run, "LambdaFunctionFailed")
    assert detail["error"] == "Lambda.Unknown"
    assert service.asked == []


@pytest.mark.slow
async def test_a_killed_engines_call_ends_as_unknown_and_is_never_sent_again(
    engines: Fleet, service: FakeLambda
) -> None:
    service.hold()
    extra = {
        "STEPWELL_DATABASE_URL": engines.url,
        "AWS_ENDPOINT_URL_LAMBDA": service.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    machine = await engines.machine(WORK)
    words = ("serve", "--port=0", "--lease-seconds=1", "--worker-seconds=1")
    with RunningCommand(*words, extra=extra) as server:
        await asyncio.to_thread(lambda: server.endpoint)
        run = await _start(server.endpoint, machine.arn, engines)
        await asyncio.to_thread(until, "it was called", lambda: service.asked)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()

    await caller(engines, service)

    assert await engines.closed(run) == "FAILED"
    (detail,) = await engines.details(run, "LambdaFunctionFailed")
    assert detail["error"] == "Lambda.Unknown"
    assert len(service.asked) == 1


async def _start(endpoint: str, machine: str, engines: Fleet) -> Run:
    call = Client(endpoint).call
    await asyncio.to_thread(call, "StartExecution", stateMachineArn=machine)
    (found,) = await engines.rows(
        "SELECT arn, shard, execution_id::text FROM execution_records"
    )
    return Run(*found)
