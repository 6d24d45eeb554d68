"""What becomes of a call: an output, or an error and a cause like AWS Lambda's."""

import asyncio
import contextvars
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

import stepwell
from stepwell.calls import Call, run_async, run_sync
from stepwell.context import Context, cancel
from stepwell.tasks import task_function
from tests.unit.stepwell.scripted_server import delivery


class PaymentGatewayTimeoutError(Exception):
    error_name = "PaymentGatewayTimeout"


def call_of(function: Callable[..., object], **more: Any) -> Call:
    handed = delivery("t1", **more)
    described = task_function(stepwell.task("work")(function))
    return Call(described, handed, Context(handed, lambda token: None))


def result_of(function: Callable[..., object]) -> dict[str, Any]:
    raw = contextvars.Context().run(run_sync, call_of(function))
    item: dict[str, Any] = json.loads(raw)
    return item


def cause_of(function: Callable[..., object]) -> dict[str, Any]:
    cause: dict[str, Any] = json.loads(result_of(function)["cause"])
    return cause


def test_an_exception_is_named_after_its_class_with_a_cause_like_lambdas() -> None:
    def fails(event: object) -> None:
        raise KeyError("no such order")

    item = result_of(fails)
    cause = json.loads(item["cause"])

    assert item["error"] == "KeyError"
    line = fails.__code__.co_firstlineno + 1
    assert cause == {
        "errorMessage": "'no such order'",
        "errorType": "KeyError",
        "requestId": "attempt-t1",
        "stackTrace": [
            f'  File "{__file__}", line {line}, in fails\n'
            '    raise KeyError("no such order")\n'
        ],
    }


def test_an_exception_may_name_its_error() -> None:
    def fails(event: object) -> None:
        raise PaymentGatewayTimeoutError("30 s")

    assert result_of(fails)["error"] == "PaymentGatewayTimeout"


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        (SystemExit(3), "Error: Runtime exited with error: exit status 3"),
        (SystemExit(), "Error: Runtime exited without providing a reason"),
        (SystemExit("bye"), "Error: Runtime exited with error: bye"),
        (KeyboardInterrupt(), "Error: Runtime exited with error: KeyboardInterrupt"),
    ],
)
def test_an_exit_is_reported_and_not_obeyed(stop: BaseException, message: str) -> None:
    def exits(event: object) -> None:
        raise stop

    item = result_of(exits)

    assert item["error"] == "Runtime.ExitError"
    assert json.loads(item["cause"])["errorMessage"] == message


async def test_an_exit_of_an_async_function_is_not_obeyed_either() -> None:
    async def exits(event: object) -> None:
        sys.exit(1)

    item = json.loads(await run_async(call_of(exits)))

    assert item["error"] == "Runtime.ExitError"


@pytest.mark.parametrize("output", [object(), float("nan"), {"a": {1, 2}}])
def test_an_output_that_is_not_json_is_a_marshal_error(output: object) -> None:
    item = result_of(lambda event: output)

    assert item["error"] == "Runtime.MarshalError"
    assert "Unable to marshal response" in item["cause"]


def test_an_output_that_is_too_large_is_an_error() -> None:
    item = result_of(lambda event: "x" * (6 * 1024 * 1024))

    assert item["error"] == "Function.ResponseSizeTooLarge"


def test_a_deep_recursion_has_a_short_cause() -> None:
    def falls(event: object, depth: int = 200) -> object:
        return rises(depth - 1) if depth else 1 / 0

    def rises(depth: int) -> object:
        return falls(None, depth)

    cause = cause_of(falls)

    assert len(json.dumps(cause)) < 32_768
    assert "frames left out" in cause["stackTrace"][10]


def test_a_long_message_is_cut() -> None:
    def fails(event: object) -> None:
        raise ValueError("é\ud800" * 50_000)

    item = result_of(fails)

    assert len(item["cause"]) <= 32_768
    assert json.loads(item["cause"])["errorType"] == "ValueError"


def test_an_exception_that_cannot_be_described_is_still_reported() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fails(event: object) -> None:
        raise BrokenError

    assert result_of(fails)["error"] == "BrokenError"


def test_a_function_knows_its_context() -> None:
    def looks(event: object, context: stepwell.Context) -> list[object]:
        assert stepwell.context() is context
        return [
            context.execution_arn.rpartition(":")[2],
            context.state_machine_arn.rpartition(":")[2],
            context.state_name,
            context.function_name,
            context.attempt_id,
            context.aws_request_id,
            context.idempotency_key,
            context.task_token,
            context.retry_count,
            context.remaining_seconds,
            context.cancelled,
        ]

    assert result_of(looks)["output"] == [
        *("e", "m", "Work", "work", "attempt-t1", "attempt-t1", "visit-1", "t1"),
        *(0, None, False),
    ]


def test_remaining_time_runs_out() -> None:
    call = call_of(lambda event: None, remainingSeconds=100.0)
    over = call_of(lambda event: None, remainingSeconds=0.0)

    assert 90 < (call.context.remaining_seconds or 0) <= 100
    assert call.context.get_remaining_time_in_millis() > 90_000
    assert over.context.remaining_seconds == 0


def test_there_is_no_context_outside_a_function() -> None:
    with pytest.raises(RuntimeError, match="inside a function"):
        stepwell.context()


async def test_a_call_cancelled_before_it_begins_never_runs() -> None:
    runs: list[object] = []

    def notes(event: object) -> None:
        runs.append(event)

    call = call_of(notes)
    cancel(call.context)

    item = json.loads(await run_async(call))

    assert item["error"] == "CancelledError"
    assert runs == []


async def test_calls_at_the_same_time_have_their_own_contexts() -> None:
    async def looks(event: object) -> str:
        await asyncio.sleep(0)
        return stepwell.context().attempt_id

    calls = [call_of(looks, attemptId=f"a{number}") for number in range(3)]
    tasks = [asyncio.create_task(run_async(call)) for call in calls]
    items = [json.loads(await task) for task in tasks]

    assert [item["output"] for item in items] == ["a0", "a1", "a2"]
