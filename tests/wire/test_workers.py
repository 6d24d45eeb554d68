from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.wire.raw import send, worker
from tests.wire.test_executions import start
from tests.wire.test_machines import ARN
from tests.wire.waiting import closed, event_of_type

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:charge"
TASK = {
    "StartAt": "Charge",
    "States": {"Charge": {"Type": "Task", "Resource": FUNCTION, "End": True}},
}
CALLBACK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {
                "FunctionName": "charge",
                "Payload": {"token.$": "$$.Task.Token"},
            },
            "HeartbeatSeconds": 600,
            "End": True,
        }
    },
}
SESSION = "5e551011"
LONG = {"free": 1, "inventory": [], "wait": 10}


def poll(endpoint: str, **changes: Any) -> Any:
    body = {
        "session": SESSION,
        "name": "worker-1",
        "functions": ["charge"],
        "free": 1,
        "inventory": [],
        "wait": 10,
    }
    answer = worker(endpoint, "poll", {**body, **changes})
    assert answer.status == 200, answer.body
    return answer.body


def report(endpoint: str, *results: Any) -> list[str]:
    body = {"session": SESSION, "results": list(results), "heartbeats": []}
    answer = worker(endpoint, "report", body)
    assert answer.status == 200, answer.body
    return [result["verdict"] for result in answer.body["results"]]


def test_task_goes_to_a_worker_and_its_result_is_the_output(
    endpoint: str, client: Any
) -> None:
    started = start(client, TASK, input='{"a": [1, null]}', traceHeader="Root=1")
    arn = started["executionArn"]

    (task,) = poll(endpoint)["tasks"]
    verdicts = report(endpoint, {"token": task["token"], "output": {"b": 2**70}})

    assert verdicts == ["accepted"]
    assert task["function"] == "charge"
    assert task["input"] == {"a": [1, None]}
    assert task["executionArn"] == arn
    assert task["traceHeader"] == "Root=1"
    assert task["stateName"] == "Charge"
    assert task["attemptId"] != task["idempotencyKey"]
    assert closed(client, arn)["output"] == f'{{"b":{2**70}}}'


def test_failure_of_a_function_is_the_error(endpoint: str, client: Any) -> None:
    arn = start(client, TASK)["executionArn"]

    (task,) = poll(endpoint)["tasks"]
    report(endpoint, {"token": task["token"], "error": "Broke", "cause": "{}"})

    described = closed(client, arn)
    assert (described["error"], described["cause"]) == ("Broke", "{}")


def test_task_missing_from_the_inventory_comes_again(
    endpoint: str, client: Any
) -> None:
    start(client, TASK)

    (first,) = poll(endpoint)["tasks"]
    (again,) = poll(endpoint)["tasks"]
    held = poll(endpoint, inventory=[first["token"]], free=0, wait=0)

    assert again["token"] == first["token"]
    assert held["tasks"] == []


def test_task_does_not_go_to_a_worker_that_hung_up(endpoint: str, client: Any) -> None:
    hang_up(endpoint)
    arn = start(client, TASK)["executionArn"]

    (task,) = poll(endpoint, session="another")["tasks"]

    assert task["executionArn"] == arn


def hang_up(endpoint: str) -> None:
    """Begin a poll, see that it waits, and break the connection off."""
    body = json.dumps({"session": SESSION, "name": "w", "functions": ["charge"]} | LONG)
    parts = urlsplit(endpoint)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as gone:
        gone.sendall(
            f"POST /stepwell/v1/worker/poll HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        gone.settimeout(0.3)
        with pytest.raises(TimeoutError):
            gone.recv(1)
    for _ in range(3):  # the server has read the hang-up before it answers these
        send(endpoint, "/healthz", method="GET")


def test_each_result_has_its_own_verdict(endpoint: str, client: Any) -> None:
    start(client, TASK)
    (task,) = poll(endpoint)["tasks"]
    report(endpoint, {"token": task["token"], "output": 1})

    verdicts = report(
        endpoint,
        {"token": "nonsense", "output": 1},
        {"token": task["token"], "output": 2},
    )

    assert verdicts == ["invalid", "closed"]


def test_result_that_is_too_deep_fails_its_own_task(endpoint: str, client: Any) -> None:
    deepest, deeper = (json.loads("[" * n + "]" * n) for n in (500, 501))
    runs = [start(client, TASK), client.start_execution(stateMachineArn=ARN)]
    arns = [run["executionArn"] for run in runs]
    tasks = {task["executionArn"]: task["token"] for task in polled(endpoint, 2)}

    report(
        endpoint,
        {"token": tasks[arns[0]], "output": deepest},
        {"token": tasks[arns[1]], "output": deeper},
    )

    ended = [closed(client, arn) for arn in arns]
    assert [it["status"] for it in ended] == ["SUCCEEDED", "FAILED"]
    assert ended[1]["error"] == "Runtime.MarshalError"


def polled(endpoint: str, count: int) -> list[Any]:
    """Take tasks until there are as many as wanted."""
    tasks: list[Any] = []
    while len(tasks) < count:
        inventory = [task["token"] for task in tasks]
        tasks += poll(endpoint, free=count - len(tasks), inventory=inventory)["tasks"]
    return tasks


@pytest.fixture
def token(endpoint: str, client: Any) -> tuple[str, str]:
    """An execution whose function has run and that waits to be called back."""
    arn = start(client, CALLBACK)["executionArn"]
    (task,) = poll(endpoint)["tasks"]
    report(endpoint, {"token": task["token"], "output": None})
    event_of_type(client, arn, "TaskSubmitted")
    return arn, task["input"]["token"]


def test_callback_success_is_the_output(client: Any, token: tuple[str, str]) -> None:
    arn, task_token = token

    client.send_task_heartbeat(taskToken=task_token)
    client.send_task_success(taskToken=task_token, output='{ "a": 1e2 }')

    assert closed(client, arn)["output"] == '{ "a": 1e2 }'
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=task_token, output="1")


def test_callback_failure_is_the_error(client: Any, token: tuple[str, str]) -> None:
    arn, task_token = token

    client.send_task_failure(taskToken=task_token, error="No", cause="Never")

    described = closed(client, arn)
    assert (described["error"], described["cause"]) == ("No", "Never")


def test_callback_with_no_json_is_refused(client: Any, token: tuple[str, str]) -> None:
    with pytest.raises(client.exceptions.InvalidOutput):
        client.send_task_success(taskToken=token[1], output="{")


@pytest.mark.parametrize("path", ["poll", "report", "bye"])
@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"session": 1}', '{"session": "\\u0000"}', '{"free": []}']
)
def test_bad_worker_requests_are_refused(endpoint: str, path: str, body: str) -> None:
    headers = {"content-type": "application/json"}

    answer = send(endpoint, f"/stepwell/v1/worker/{path}", body, headers)

    assert (answer.status, answer.body["__type"]) == (400, "SerializationException")


def test_worker_requests_are_json(endpoint: str) -> None:
    body = json.dumps({"session": "s"})

    plain = send(
        endpoint, "/stepwell/v1/worker/bye", body, {"content-type": "text/plain"}
    )
    foreign = send(
        endpoint,
        "/stepwell/v1/worker/bye",
        body,
        {"content-type": "application/json", "origin": "http://example.com"},
    )

    assert (plain.status, foreign.status) == (400, 403)


def test_unknown_worker_call_is_not_found(endpoint: str) -> None:
    assert send(endpoint, "/stepwell/v1/worker/dance").status == 404
