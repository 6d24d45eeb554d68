"""RedriveExecution over the wire: each test has a machine and functions of its own."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from storage.database import connect
from tests.support.machines import (
    FUNCTIONS,
    catch,
    distributed,
    each,
    fail,
    parallel,
    pass_on,
    region,
    retry,
    task,
    wait,
)
from tests.wire.raw import worker
from tests.wire.test_machines import ROLE, error_of
from tests.wire.test_workers import poll
from tests.wire.waiting import closed, described_when

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution"


@dataclass(frozen=True, slots=True)
class Order:
    """One execution, its client, and the worker session that serves its function."""

    client: Any
    endpoint: str
    machine: str
    arn: str
    function: str

    def work(self, output: Any = None, error: str | None = None) -> Any:
        """Take the next task and return, or fail."""
        session = {"session": self.function}
        (task,) = poll(self.endpoint, functions=[self.function], **session)["tasks"]
        outcome = {"output": output} if error is None else {"error": error}
        results = [{"token": task["token"], **outcome}]
        told = {**session, "results": results, "heartbeats": []}
        (result,) = worker(self.endpoint, "report", told).body["results"]
        assert result["verdict"] == "accepted"
        return task

    def redrive(self, **members: Any) -> Any:
        """Redrive."""
        return self.client.redrive_execution(executionArn=self.arn, **members)

    def closed(self) -> Any:
        """Wait for the end."""
        return closed(self.client, self.arn)

    def types(self) -> list[str]:
        """Return the types of the history."""
        history = self.client.get_execution_history(executionArn=self.arn)
        return [event["type"] for event in history["events"]]


@pytest.fixture
def order(module_client: Any, module_endpoint: str) -> Any:
    """Start an execution of a machine of one's own."""

    def start(*states: Any, given: Any = None, **fields: Any) -> Order:
        name = f"m{uuid.uuid4().hex}"
        text = json.dumps(region(*states, **fields)).replace(
            f"{FUNCTIONS}work", f"{FUNCTIONS}{name}"
        )
        machine = module_client.create_state_machine(
            name=name, definition=text, roleArn=ROLE
        )["stateMachineArn"]
        arn = module_client.start_execution(
            stateMachineArn=machine, input=json.dumps(given or {})
        )["executionArn"]
        return Order(module_client, module_endpoint, machine, arn, name)

    return start


def test_failed_task_is_done_again_and_its_result_is_the_output(order: Any) -> None:
    it = order(pass_on(), task())
    first = it.work(error="Broken")
    it.closed()

    date = it.redrive()["redriveDate"]
    described = it.client.describe_execution(executionArn=it.arn)
    second = it.work({"done": True})

    assert described["status"] == "RUNNING"
    assert (described["redriveCount"], described["redriveDate"]) == (1, date)
    assert "stopDate" not in described
    assert "error" not in described
    assert second["idempotencyKey"] == first["idempotencyKey"]
    assert second["attemptId"] != first["attemptId"]
    assert json.loads(it.closed()["output"]) == {"done": True}
    assert it.types()[7:10] == [
        "ExecutionFailed",
        "ExecutionRedriven",
        "LambdaFunctionScheduled",
    ]


def test_redrive_is_in_the_history_and_in_the_list(order: Any) -> None:
    it = order(task())
    it.work(error="Broken")
    it.closed()

    date = it.redrive()["redriveDate"]
    it.work(1)
    it.closed()

    events = it.client.get_execution_history(executionArn=it.arn)["events"]
    (redriven,) = [e for e in events if e["type"] == "ExecutionRedriven"]
    (listed,) = it.client.list_executions(stateMachineArn=it.machine)["executions"]
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert redriven["timestamp"] == date
    assert listed["status"] == "SUCCEEDED"
    assert (listed["redriveCount"], listed["redriveDate"]) == (1, date)


def test_only_failed_branches_and_iterations_are_done_again(order: Any) -> None:
    loop = each("Each", task("Inner"), ItemsPath="$.xs", MaxConcurrency=1)
    it = order(
        parallel("Both", loop, pass_on("Quick", Result="q")), given={"xs": [1, 2]}
    )
    it.work("one")
    it.work(error="Broken")
    assert it.closed()["error"] == "Broken"

    it.redrive()
    assert it.work("two")["input"] == 2

    assert json.loads(it.closed()["output"]) == [["one", "two"], "q"]
    assert it.types().count("LambdaFunctionScheduled") == 3
    assert it.types().count("PassStateEntered") == 1


def test_map_run_goes_on_with_the_children_that_had_not_ended_well(order: Any) -> None:
    it = order(distributed("Each", task(), MaxConcurrency=1), given=[1, 2, 3])
    it.work("one")
    it.work(error="Broken")
    it.closed()

    it.redrive()
    assert it.work("two")["input"] == 2
    it.work("three")

    assert json.loads(it.closed()["output"]) == ["one", "two", "three"]
    (run,) = it.client.list_map_runs(executionArn=it.arn)["mapRuns"]
    shown = it.client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (shown["status"], shown["redriveCount"]) == ("SUCCEEDED", 1)
    assert shown["executionCounts"]["succeeded"] == 3
    (child,) = it.client.list_executions(
        mapRunArn=run["mapRunArn"], redriveFilter="REDRIVEN"
    )["executions"]
    assert child["redriveCount"] == 1
    assert "MapRunRedriven" in it.types()


def test_execution_that_timed_out_has_its_whole_time_again(order: Any) -> None:
    it = order(task(), TimeoutSeconds=1)
    ended = it.closed()
    assert ended["status"] == "TIMED_OUT"
    assert "error" not in ended, "only the last event says States.Timeout"

    it.redrive()
    it.work("in time")

    assert json.loads(it.closed()["output"]) == "in time"


def test_wait_that_was_stopped_ends_when_it_was_to_end(order: Any) -> None:
    it = order(wait(seconds=1))
    described_when(it.client, it.arn, "RUNNING")
    it.client.stop_execution(executionArn=it.arn)

    it.redrive()

    assert it.closed()["status"] == "SUCCEEDED"


def test_failure_that_was_caught_and_thrown_again_fails_again(order: Any) -> None:
    states = task(Catch=[catch("Broken")]), fail("Broken", Error="Again")
    it = order(*states)
    it.work(error="Broken")
    it.closed()

    it.redrive()

    described = it.closed()
    assert (described["error"], described["redriveCount"]) == ("Again", 1)
    assert it.types()[-3:] == [
        "ExecutionRedriven",
        "FailStateEntered",
        "ExecutionFailed",
    ]


def test_retries_are_counted_anew(order: Any) -> None:
    it = order(task(Retry=[retry(IntervalSeconds=1, MaxAttempts=1)]))
    it.work(error="Broken")
    it.work(error="Broken")
    it.closed()

    it.redrive()
    it.work(error="Broken")
    it.work("at last")

    assert json.loads(it.closed()["output"]) == "at last"


def test_context_tells_how_often_and_when(order: Any) -> None:
    shown = {"execution.$": "$$.Execution"}
    it = order(task(), pass_on("Show", Parameters=shown))
    it.work(error="Broken")
    it.closed()

    it.redrive()
    it.work()

    shown = json.loads(it.closed()["output"])["execution"]
    assert shown["RedriveCount"] == 1
    assert shown["RedriveTime"] > shown["StartTime"]


def test_the_same_client_token_has_the_same_answer(order: Any) -> None:
    it = order(task())
    it.work(error="Broken")
    it.closed()
    first = it.redrive(clientToken="once")["redriveDate"]
    it.work(error="Broken")
    it.closed()

    again = it.redrive(clientToken="once")["redriveDate"]

    assert again == first
    assert it.client.describe_execution(executionArn=it.arn)["redriveCount"] == 1


def test_of_two_redrives_at_once_one_is_accepted(order: Any) -> None:
    it = order(task())
    it.work(error="Broken")
    it.closed()

    def attempt(number: int) -> str:
        try:
            it.redrive(clientToken=f"token-{number}")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "accepted"

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(attempt, range(8)))

    assert answers == ["ExecutionNotRedrivable"] * 7 + ["accepted"]
    assert it.types().count("ExecutionRedriven") == 1


# Refused


def refusal(it: Order) -> tuple[str, str]:
    """Redrive, and return the error."""
    with pytest.raises(ClientError) as caught:
        it.redrive()
    return error_of(caught)


def test_open_and_succeeded_executions_are_refused(order: Any) -> None:
    it = order(task())

    assert refusal(it) == (
        "ExecutionNotRedrivable",
        "Execution is RUNNING and cannot be redriven",
    )
    it.work(1)
    it.closed()
    assert refusal(it) == (
        "ExecutionNotRedrivable",
        "Execution is SUCCEEDED and cannot be redriven",
    )


def test_executions_that_ended_long_ago_are_refused(
    order: Any, module_database: str
) -> None:
    it = order(fail())
    it.closed()
    with connect(module_database, autocommit=True) as connection:
        connection.execute(
            "UPDATE execution_records SET start_date = start_date - interval '20 days', "
            "stop_date = stop_date - interval '15 days' WHERE arn = %s",
            [it.arn],
        )

    described = it.client.describe_execution(executionArn=it.arn)

    reason = "Execution redrivable period exceeded"
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert described["redriveStatusReason"] == reason
    assert refusal(it) == ("ExecutionNotRedrivable", reason)


def test_executions_of_a_deleted_machine_are_refused(order: Any) -> None:
    it = order(fail())
    it.closed()
    it.client.delete_state_machine(stateMachineArn=it.machine)

    described = it.client.describe_execution(executionArn=it.arn)

    reason = "State machine is in DELETING status"
    assert described["redriveStatusReason"] == reason
    assert refusal(it) == ("ExecutionNotRedrivable", reason)


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (f"{EXECUTION}:none:none", "ExecutionDoesNotExist"),
        ("arn:nothing", "InvalidArn"),
        (f"{EXECUTION.replace('execution', 'express')}:m:n:r", "InvalidArn"),
        (f"{EXECUTION}:m/label:n", "ValidationException"),
    ],
)
def test_what_names_no_such_execution_is_refused(
    module_client: Any, arn: str, code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        module_client.redrive_execution(executionArn=arn)

    assert error_of(caught)[0] == code


def test_a_redriven_execution_has_its_name_as_any_open_one(order: Any) -> None:
    it = order(task())
    it.work(error="Broken")
    it.closed()
    it.redrive()
    name = it.arn.rpartition(":")[2]

    again = it.client.start_execution(stateMachineArn=it.machine, name=name, input="{}")

    assert again["executionArn"] == it.arn
    with pytest.raises(ClientError) as caught:
        it.client.start_execution(stateMachineArn=it.machine, name=name, input="[]")
    assert error_of(caught)[0] == "ExecutionAlreadyExists"
