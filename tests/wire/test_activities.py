"""Activities end to end: GetActivityTask hands tasks out, SendTask closes them."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.api_server import serve
from tests.wire.raw import AWS_JSON, TARGET, call, send
from tests.wire.test_machines import ARN, create
from tests.wire.waiting import closed

APPROVE = "arn:aws:states:us-east-1:123456789012:activity:approve"
MACHINE = {
    "StartAt": "Approve",
    "States": {
        "Approve": {
            "Type": "Task",
            "Resource": APPROVE,
            "TimeoutSeconds": 600,
            "End": True,
        }
    },
}


@pytest.fixture
def machine(client: Any) -> str:
    """A machine that waits for an approval."""
    client.create_activity(name="approve")
    create(client, definition=json.dumps(MACHINE))
    return ARN


def fetch(client: Any, worker: str = "ann") -> Any:
    return client.get_activity_task(activityArn=APPROVE, workerName=worker)


def test_task_is_fetched_and_its_output_is_the_output(
    client: Any, machine: str
) -> None:
    arn = client.start_execution(stateMachineArn=machine, input='{ "a": 1 }')[
        "executionArn"
    ]

    task = fetch(client)
    client.send_task_heartbeat(taskToken=task["taskToken"])
    client.send_task_success(taskToken=task["taskToken"], output='"yes"')

    assert task["input"] == '{ "a": 1 }'
    assert closed(client, arn)["output"] == '"yes"'


def test_history_names_the_worker_and_not_the_token(client: Any, machine: str) -> None:
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    task = fetch(client, "ann")
    client.send_task_failure(taskToken=task["taskToken"], error="No", cause="Never")
    closed(client, arn)

    events = client.get_execution_history(executionArn=arn)["events"]

    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivityFailed",
        "ExecutionFailed",
    ]
    assert events[2]["activityScheduledEventDetails"] == {
        "resource": APPROVE,
        "input": "{}",
        "inputDetails": {"truncated": False},
        "timeoutInSeconds": 600,
    }
    assert events[3]["activityStartedEventDetails"] == {"workerName": "ann"}
    assert task["taskToken"] not in json.dumps(events, default=str)


def test_poll_that_waits_is_answered_when_a_task_comes(
    client: Any, machine: str
) -> None:
    with ThreadPoolExecutor() as threads:
        polling = threads.submit(fetch, client)
        client.start_execution(stateMachineArn=machine)

        assert polling.result(timeout=30)["taskToken"]


def test_each_task_goes_to_one_poller(client: Any, machine: str) -> None:
    with ThreadPoolExecutor(max_workers=8) as threads:
        polling = [threads.submit(fetch, client, f"w-{n}") for n in range(8)]
        for number in range(8):
            client.start_execution(stateMachineArn=machine, input=str(number))

        tasks = [poll.result(timeout=30) for poll in polling]

    assert sorted(task["input"] for task in tasks) == [str(n) for n in range(8)]
    assert len({task["taskToken"] for task in tasks}) == 8


def test_broken_poll_consumes_no_task(client: Any, endpoint: str, machine: str) -> None:
    for _ in range(5):
        break_off(endpoint)
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]

    task = fetch(client, "bob")
    client.send_task_success(taskToken=task["taskToken"], output="1")

    assert closed(client, arn)["status"] == "SUCCEEDED"


def break_off(endpoint: str) -> None:
    """Begin a poll, see that it waits, and hang up."""
    with polling(endpoint) as gone:
        assert answered([gone], 0.2) == []


def test_activity_that_is_not_there_has_no_tasks(client: Any) -> None:
    with pytest.raises(client.exceptions.ActivityDoesNotExist):
        fetch(client)


def test_thousand_pollers_are_the_most_and_leave_the_server_quick(
    client: Any, endpoint: str, machine: str
) -> None:
    with contextlib.ExitStack() as stack:
        pollers = [stack.enter_context(polling(endpoint)) for _ in range(1_001)]
        refused = answered(pollers, 30)[0]

        assert b"ActivityWorkerLimitExceeded" in whole_answer(refused)
        assert send(endpoint, "/healthz", method="GET").status == 200

        pollers.remove(refused)
        client.start_execution(stateMachineArn=machine)
        assert b"taskToken" in whole_answer(answered(pollers, 30)[0])


def whole_answer(poller: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}"):
        answer += poller.recv(65_536)
    return answer


def answered(pollers: list[socket.socket], seconds: float) -> list[socket.socket]:
    """Wait until some connections have something to read; return those."""
    with selectors.DefaultSelector() as selector:
        for poller in pollers:
            selector.register(poller, selectors.EVENT_READ)
        ready = selector.select(seconds)
    return [key.fileobj for key, _ in ready if isinstance(key.fileobj, socket.socket)]


@contextlib.contextmanager
def polling(endpoint: str, activity: str = APPROVE) -> Iterator[socket.socket]:
    """Begin a poll on a connection of its own; hang up at the end."""
    parts = urlsplit(endpoint)
    body = json.dumps({"activityArn": activity, "workerName": "gone"})
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as poller:
        poller.sendall(
            f"POST / HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {AWS_JSON}\r\n"
            f"X-Amz-Target: {TARGET}GetActivityTask\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        yield poller


def test_poller_of_one_engine_gets_the_task_of_another(
    client: Any, clean_database: str, machine: str
) -> None:
    with serve(clean_database) as second:
        polling = {"activityArn": APPROVE, "workerName": "ann"}
        client.start_execution(stateMachineArn=machine, input="1")

        task = call(second, "GetActivityTask", json.dumps(polling)).body
        answer = {"taskToken": task["taskToken"], "output": "2"}
        sent = call(second, "SendTaskSuccess", json.dumps(answer))

    assert (task["input"], sent.status) == ("1", 200)
    (execution,) = client.list_executions(stateMachineArn=machine)["executions"]
    assert closed(client, execution["executionArn"])["output"] == "2"


@pytest.mark.slow
def test_poll_without_a_task_is_answered_before_clients_hang_up(
    client: Any, machine: str
) -> None:
    began = time.monotonic()

    task = fetch(client)

    assert "taskToken" not in task
    assert 50 < time.monotonic() - began < 60
