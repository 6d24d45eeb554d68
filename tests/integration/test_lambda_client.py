"""What becomes of a request to the Lambda Invoke API, whatever the service answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from asl.payload import Payload
from engine.elsewhere import Raised, Returned
from engine.lambdaclient import LambdaClient, LambdaSettings
from runtime.lambda_invoke import Invocation
from tests.support.fake_lambda import (
    FakeLambda,
    Reply,
    failing,
    fake_lambda,
    refusing,
    returning,
)

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work:PROD"
DIRECT = Invocation(function=ARN, payload='{"n": 1}')
INVOKE = Invocation(function="work", payload='{"n": 1}', wants_answer=True)


@pytest.fixture(scope="module")
def service() -> Iterator[FakeLambda]:
    with fake_lambda() as fake:
        yield fake


@pytest.fixture(scope="module")
def client(service: FakeLambda) -> LambdaClient:
    return LambdaClient(LambdaSettings(endpoint_url=service.endpoint))


@pytest.fixture(autouse=True)
def afresh(service: FakeLambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    service.asked.clear()
    service.answer = lambda _asked: returning("done")


def test_a_function_is_named_by_its_arn_with_the_qualifier(
    service: FakeLambda, client: LambdaClient
) -> None:
    outcome = client(DIRECT)

    (asked,) = service.asked
    assert outcome == Returned(Payload.of_text('"done"'))
    assert (asked.function, asked.body) == (ARN, b'{"n": 1}')


def test_what_it_returns_keeps_its_spelling(
    service: FakeLambda, client: LambdaClient
) -> None:
    service.answer = lambda _asked: Reply(b'{"a":  1e2}')

    outcome = client(DIRECT)

    assert isinstance(outcome, Returned)
    assert outcome.output.text == '{"a":  1e2}'


def test_parameters_of_invoke_are_passed_on(
    service: FakeLambda, client: LambdaClient
) -> None:
    client(
        replace(
            INVOKE,
            qualifier="7",
            invocation_type="Event",
            log_type="Tail",
            client_context="e30=",
            trace_header="Root=1-67891233-abcdef012345678912345678",
        )
    )

    (asked,) = service.asked
    assert asked.query == {"Qualifier": ["7"]}
    assert asked.headers["x-amz-invocation-type"] == "Event"
    assert asked.headers["x-amz-log-type"] == "Tail"
    assert asked.headers["x-amz-client-context"] == "e30="
    assert asked.headers["x-amzn-trace-id"].startswith("Root=1-67891233")


def test_invoke_wants_the_whole_answer(
    service: FakeLambda, client: LambdaClient
) -> None:
    outcome = client(INVOKE)

    assert isinstance(outcome, Returned)
    answer: Any = outcome.output.value
    assert (answer["Payload"], answer["StatusCode"]) == ("done", 200)
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["SdkResponseMetadata"] == {"RequestId": "r-1"}
    http = answer["SdkHttpMetadata"]
    assert http["HttpStatusCode"] == 200
    assert http["HttpHeaders"]["x-amzn-RequestId"] == "r-1"
    assert http["AllHttpHeaders"]["X-Amz-Executed-Version"] == ["$LATEST"]


def test_an_event_is_accepted_without_a_payload(
    service: FakeLambda, client: LambdaClient
) -> None:
    service.answer = lambda _asked: Reply(b"", 202)

    outcome = client(replace(INVOKE, invocation_type="Event"))

    assert isinstance(outcome, Returned)
    answer: Any = outcome.output.value
    assert (answer["Payload"], answer["StatusCode"]) == ("", 202)


def test_an_error_of_the_function_has_its_class_and_all_it_said(
    service: FakeLambda, client: LambdaClient
) -> None:
    said = {"errorMessage": "no", "errorType": "Refused", "stackTrace": ["here"]}
    service.answer = lambda _asked: failing(said)

    assert client(DIRECT) == Raised("Refused", json.dumps(said))


def test_a_function_that_says_no_class_failed_for_unknown_reasons(
    service: FakeLambda, client: LambdaClient
) -> None:
    service.answer = lambda _asked: failing({"errorMessage": "timed out after 3 s"})

    outcome = client(DIRECT)

    assert isinstance(outcome, Raised)
    assert outcome.error == "Lambda.Unknown"
    assert "timed out after 3 s" in outcome.cause


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "ResourceNotFoundException", "Lambda.ResourceNotFoundException"),
        (429, "TooManyRequestsException", "Lambda.TooManyRequestsException"),
        (500, "ServiceException", "Lambda.ServiceException"),
        (413, "RequestTooLargeException", "Lambda.RequestTooLargeException"),
        (403, "AccessDeniedException", "Lambda.AWSLambdaException"),
        (503, "", "Lambda.AWSLambdaException"),
    ],
)
def test_errors_of_the_service_have_its_names_and_are_not_tried_again(
    service: FakeLambda, client: LambdaClient, status: int, code: str, error: str
) -> None:
    service.answer = lambda _asked: refusing(status, code, "It is not so.")

    outcome = client(INVOKE)

    assert isinstance(outcome, Raised)
    assert outcome.error == error
    assert outcome.cause.startswith(
        f"It is not so. (Service: AWSLambda; Status Code: {status}; Error Code: {code}"
    )
    assert outcome.cause.endswith("; Request ID: r-1; Proxy: null)")
    assert len(service.asked) == 1


def test_a_service_that_is_not_there_is_an_error_of_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client = LambdaClient(LambdaSettings(endpoint_url=f"http://127.0.0.1:{port}"))

    outcome = client(DIRECT)

    assert isinstance(outcome, Raised)
    assert outcome.error == "Lambda.SdkClientException"


def test_a_request_ends_soon_after_its_tasks_time_is_up(
    service: FakeLambda, client: LambdaClient
) -> None:
    service.hold()

    outcome = client(replace(DIRECT, seconds=0.5))

    service.let_go()
    assert isinstance(outcome, Raised)
    assert outcome.error == "Lambda.ClientExecutionTimeoutException"
    assert len(service.asked) == 1


@pytest.mark.parametrize("body", [b"nonsense", b"\xff", b"NaN", b""])
def test_what_is_no_json_is_no_result(
    service: FakeLambda, client: LambdaClient, body: bytes
) -> None:
    service.answer = lambda _asked: Reply(body)

    outcome = client(DIRECT)

    assert isinstance(outcome, Raised)
    assert outcome.error == "Lambda.Unknown"
