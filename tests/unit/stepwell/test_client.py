"""Both clients against a scripted server: the requests they make, the answers they read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import stepwell
from tests.unit.stepwell.scripted_server import Exchange, ScriptedServer

ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:o-1"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
Call = Callable[..., Awaitable[Any]]

RUNNING = {
    "executionArn": ARN,
    "name": "o-1",
    "stateMachineArn": MACHINE,
    "status": "RUNNING",
    "startDate": 0.5,
    "input": '{"n":36893488147419103232}',
}
SUCCEEDED = RUNNING | {"status": "SUCCEEDED", "stopDate": 1.0, "output": "[1]"}
FAILED = RUNNING | {"status": "FAILED", "stopDate": 1.0, "error": "E", "cause": "why"}


@pytest.fixture(params=["blocking", "async"])
async def call(
    request: pytest.FixtureRequest, server: ScriptedServer
) -> AsyncIterator[Call]:
    """Call a method of one of the two clients by its name."""
    if request.param == "async":
        async with stepwell.AsyncClient(server.endpoint) as client:
            yield lambda method, *args, **more: getattr(client, method)(*args, **more)
    else:
        with stepwell.Client(server.endpoint) as blocking:
            yield lambda method, *args, **more: asyncio.to_thread(
                getattr(blocking, method), *args, **more
            )


async def answered(
    server: ScriptedServer, asking: Awaitable[Any], *answers: Any, status: int = 200
) -> tuple[Any, list[Exchange]]:
    """Let a call run while its requests get these answers."""
    running = asyncio.ensure_future(asking)
    exchanges = []
    for answer in answers:
        exchange = await server.next("")
        exchange.reply(answer, status)
        exchanges.append(exchange)
    return await running, exchanges


async def test_start_names_the_execution_and_sends_the_input(
    server: ScriptedServer, call: Call
) -> None:
    asking = call("start", "orders", {"id": 2**70})
    arn, [exchange] = await answered(server, asking, {"executionArn": ARN})

    assert arn == ARN
    assert exchange.headers["x-amz-target"] == "AWSStepFunctions.StartExecution"
    assert exchange.headers["content-type"] == "application/x-amz-json-1.0"
    assert exchange.request["stateMachineArn"] == MACHINE
    assert exchange.request["input"] == f'{{"id":{2**70}}}'
    assert exchange.request["name"]


async def test_text_is_taken_as_json(server: ScriptedServer, call: Call) -> None:
    asking = call("start", MACHINE, '{"a": 1}', name="o-1")
    _, [exchange] = await answered(server, asking, {"executionArn": ARN})

    assert exchange.request["input"] == '{"a": 1}'
    assert exchange.request["name"] == "o-1"


async def test_wait_looks_until_the_end(server: ScriptedServer, call: Call) -> None:
    asking = call("wait", ARN)
    execution, _ = await answered(server, asking, RUNNING, SUCCEEDED)

    assert execution.result() == [1]
    assert execution.input == {"n": 2**65}
    assert execution.started == datetime(1970, 1, 1, 0, 0, 0, 500_000, UTC)


async def test_wait_has_a_limit(server: ScriptedServer, call: Call) -> None:
    with pytest.raises(TimeoutError):
        await answered(server, call("wait", ARN, timeout=0), RUNNING)


async def test_the_result_of_a_failed_execution_raises(
    server: ScriptedServer, call: Call
) -> None:
    execution, _ = await answered(server, call("describe", ARN), FAILED)

    with pytest.raises(stepwell.ExecutionFailedError, match="E: why") as caught:
        execution.result()
    assert caught.value.status == "FAILED"


async def test_history_follows_its_pages(server: ScriptedServer, call: Call) -> None:
    first = {"events": [{"id": 1}], "nextToken": "more"}
    events, exchanges = await answered(
        server, call("history", ARN), first, {"events": [{"id": 2}]}
    )

    assert [event["id"] for event in events] == [1, 2]
    assert exchanges[1].request["nextToken"] == "more"


@pytest.mark.parametrize(
    ("method", "arguments", "more", "sent"),
    [
        ("stop", [ARN], {"error": "E"}, {"executionArn": ARN, "error": "E"}),
        ("send_task_success", ["t", [1]], {}, {"taskToken": "t", "output": "[1]"}),
        ("send_task_failure", ["t"], {"cause": "c"}, {"taskToken": "t", "cause": "c"}),
        ("send_task_heartbeat", ["t"], {}, {"taskToken": "t"}),
    ],
)
async def test_requests_without_an_answer(
    server: ScriptedServer,
    call: Call,
    method: str,
    arguments: list[Any],
    more: dict[str, str],
    sent: dict[str, str],
) -> None:
    asking = call(method, *arguments, **more)
    answer, [exchange] = await answered(server, asking, {})

    assert answer is None
    assert exchange.request == sent


async def test_a_redrive_says_when_and_names_itself_for_its_repetition(
    server: ScriptedServer, call: Call
) -> None:
    running = asyncio.ensure_future(call("redrive", ARN))
    first = await server.next("")
    first.reply({"__type": "ServiceUnavailable"}, 503)
    again = await server.next("")
    again.reply({"redriveDate": 1.5})

    assert await running == datetime.fromtimestamp(1.5, UTC)
    assert first.request["executionArn"] == ARN
    assert first.request["clientToken"]
    assert again.request == first.request


async def test_a_state_machine_is_created_from_a_dict(
    server: ScriptedServer, call: Call
) -> None:
    asking = call("create_state_machine", "orders", {"StartAt": "A"})
    arn, [exchange] = await answered(server, asking, {"stateMachineArn": MACHINE})

    assert arn == MACHINE
    assert exchange.request["definition"] == '{"StartAt":"A"}'
    assert exchange.request["roleArn"].startswith("arn:aws:iam::123456789012:role/")


async def test_a_refusal_is_an_error_with_its_wire_name(
    server: ScriptedServer, call: Call
) -> None:
    refusal = {"__type": "com.amazonaws.states#ExecutionDoesNotExist", "message": "no"}

    with pytest.raises(stepwell.ApiError, match="no") as caught:
        await answered(server, call("describe", ARN), refusal, status=400)
    assert caught.value.name == "ExecutionDoesNotExist"


async def test_a_passing_trouble_is_tried_again(
    server: ScriptedServer, call: Call
) -> None:
    running = asyncio.ensure_future(call("describe", ARN))
    (await server.next("")).reply({"message": "later"}, status=503)
    (await server.next("")).drop()
    (await server.next("")).reply({"__type": "ThrottlingException"}, status=400)
    (await server.next("")).reply(SUCCEEDED)

    assert (await running).status == "SUCCEEDED"


def test_a_server_that_is_not_there_is_said_with_what_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stepwell.operations.PAUSES", ())

    with (
        stepwell.Client("http://127.0.0.1:9") as client,
        pytest.raises(stepwell.UnreachableError, match="`stepwell dev`") as refusal,
    ):
        client.describe("arn")

    assert "http://127.0.0.1:9" in str(refusal.value)
    assert refusal.value.__suppress_context__
