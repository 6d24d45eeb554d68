from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.test_machines import ARN, ROLE, create, error_of
from tests.wire.waiting import closed, until_gone

WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}}
STOPPED = {"Variable": "$.stop", "IsPresent": True, "Next": "Done"}
TICKING = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Wait", "Seconds": 1, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [STOPPED], "Default": "A"},
        "Done": {"Type": "Succeed"},
    },
}
FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}}
HEAD = "arn:aws:states:us-east-1:123456789012:execution:order"


def start(client: Any, definition: object | None = None, **members: Any) -> Any:
    if definition is None:
        create(client)
    else:
        create(client, definition=json.dumps(definition))
    return client.start_execution(stateMachineArn=ARN, **members)


def without_metadata(response: Any) -> Any:
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}


def test_closed_execution_is_described(client: Any) -> None:
    started = start(client, name="n-1", input='{"a": 1e2}', traceHeader="Root=1")

    described = without_metadata(closed(client, started["executionArn"]))

    assert described.pop("stopDate") >= described["startDate"]
    assert described == {
        "executionArn": f"{HEAD}:n-1",
        "stateMachineArn": ARN,
        "name": "n-1",
        "status": "SUCCEEDED",
        "startDate": started["startDate"],
        "traceHeader": "Root=1",
        "input": '{"a": 1e2}',
        "inputDetails": {"included": True},
        "output": '{"a": 1e2}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_failed_execution_shows_error_and_cause(client: Any) -> None:
    arn = start(client, FAIL)["executionArn"]

    described = closed(client, arn)

    assert (described["error"], described["cause"]) == ("E", "c")
    assert described["redriveStatus"] == "REDRIVABLE"
    assert "output" not in described


def test_metadata_leaves_the_data_out(client: Any) -> None:
    arn = start(client)["executionArn"]

    described = client.describe_execution(
        executionArn=arn, includedData="METADATA_ONLY"
    )

    assert "input" not in described
    assert described["inputDetails"] == {"included": False}


def test_input_is_an_empty_object_and_the_name_is_made(client: Any) -> None:
    described = client.describe_execution(executionArn=start(client)["executionArn"])

    assert described["input"] == "{}"
    assert len(described["name"]) == 36


def test_start_with_the_name_and_input_of_a_running_execution_is_the_same(
    client: Any,
) -> None:
    first = start(client, WAIT, name="n", input="[1]")

    again = client.start_execution(stateMachineArn=ARN, name="n", input="[1]")

    assert without_metadata(again) == without_metadata(first)


def test_start_with_another_input_is_refused(client: Any) -> None:
    arn = start(client, WAIT, name="n", input="[1]")["executionArn"]

    with pytest.raises(ClientError) as caught:
        client.start_execution(stateMachineArn=ARN, name="n", input="[2]")

    message = f"Execution Already Exists: '{arn}'"
    assert error_of(caught) == ("ExecutionAlreadyExists", message)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"input": ""}, "InvalidExecutionInput"),
        ({"input": '{"a": NaN}'}, "InvalidExecutionInput"),
        ({"input": "[Infinity]"}, "InvalidExecutionInput"),
        ({"input": "\ufeff{}"}, "InvalidExecutionInput"),
        ({"input": "9" * 4301}, "InvalidExecutionInput"),
        ({"input": "[" * 501 + "]" * 501}, "InvalidExecutionInput"),
        ({"input": '"\x00"'}, "InvalidExecutionInput"),
        ({"input": '"' + "a" * 262_143 + '"'}, "ValidationException"),
        ({"input": '"' + "é" * 131_072 + '"'}, "ValidationException"),
        ({"name": "a/b"}, "InvalidName"),
        ({"name": "a\x00b"}, "InvalidName"),
        ({"name": ""}, "ValidationException"),
        ({"traceHeader": "é"}, "ValidationException"),
        ({"stateMachineArn": "order"}, "InvalidArn"),
        ({"stateMachineArn": f"{HEAD}:n"}, "InvalidArn"),
        ({"stateMachineArn": f"{ARN}-2"}, "StateMachineDoesNotExist"),
        ({"stateMachineArn": f"{ARN}/label"}, "ValidationException"),
        ({"stateMachineArn": f"{ARN}:7"}, "StateMachineDoesNotExist"),
        ({"stateMachineArn": f"{ARN}:live"}, "StateMachineDoesNotExist"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_start_stores_nothing(
    client: Any, members: dict[str, Any], code: str
) -> None:
    create(client)

    with pytest.raises(ClientError) as caught:
        client.start_execution(**{"stateMachineArn": ARN, **members})

    assert error_of(caught)[0] == code
    assert client.list_executions(stateMachineArn=ARN)["executions"] == []


@pytest.mark.parametrize(
    "text",
    [
        '{"b": 1, "a": "\\u0000\\ud800", "n": 123456789012345678901234567890}',
        '{ "x" : -0.0, "y": 1E300 }',
        '"' + "a" * 262_142 + '"',
        "[" * 500 + "]" * 500,
    ],
    ids=lambda value: value[:20],
)
def test_input_is_kept_exactly(client: Any, text: str) -> None:
    arn = start(client, input=text)["executionArn"]

    assert client.describe_execution(executionArn=arn)["input"] == text


def test_missing_execution_is_named(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        client.describe_execution(executionArn=f"{HEAD}:n")

    message = f"Execution Does Not Exist: '{HEAD}:n'"
    assert error_of(caught) == ("ExecutionDoesNotExist", message)


def test_executions_are_listed_by_status(client: Any) -> None:
    start(client, WAIT, name="open")

    def names(status: str) -> list[str]:
        listed = client.list_executions(stateMachineArn=ARN, statusFilter=status)
        return [execution["name"] for execution in listed["executions"]]

    assert (names("RUNNING"), names("SUCCEEDED")) == (["open"], [])


def test_executions_are_listed_in_pages(client: Any) -> None:
    create(client)
    for number in range(5):
        client.start_execution(stateMachineArn=ARN, name=f"n-{number}")

    pages = list(
        client.get_paginator("list_executions").paginate(
            stateMachineArn=ARN, PaginationConfig={"PageSize": 2}
        )
    )

    names = [execution["name"] for page in pages for execution in page["executions"]]
    assert [len(page["executions"]) for page in pages] == [2, 2, 1]
    assert sorted(names) == [f"n-{number}" for number in range(5)]


def test_token_of_another_listing_is_refused(client: Any) -> None:
    create(client)
    create(client, name="order-2")
    token = client.list_state_machines(maxResults=1)["nextToken"]

    for request in ({"stateMachineArn": ARN, "nextToken": token},):
        with pytest.raises(client.exceptions.InvalidToken):
            client.list_executions(**request)


def test_machine_of_an_execution_is_the_one_it_runs(client: Any) -> None:
    arn = start(client)["executionArn"]
    client.update_state_machine(stateMachineArn=ARN, roleArn=ROLE + "2")

    described = client.describe_state_machine_for_execution(executionArn=arn)

    assert (described["name"], described["roleArn"]) == ("order", ROLE)
    assert "revisionId" not in described


def test_listing_wants_a_machine_or_a_map_run(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException):
        client.list_executions()


def test_start_with_the_name_of_a_closed_execution_is_refused(client: Any) -> None:
    arn = start(client, name="n")["executionArn"]
    closed(client, arn)

    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=ARN, name="n")


def test_stopped_execution_is_aborted_with_its_reason(client: Any) -> None:
    arn = start(client, WAIT)["executionArn"]

    stopped = client.stop_execution(executionArn=arn, error="Why", cause="because")
    again = client.stop_execution(executionArn=arn, error="Other")

    described = client.describe_execution(executionArn=arn)
    assert described["status"] == "ABORTED"
    assert (described["error"], described["cause"]) == ("Why", "because")
    assert described["stopDate"] == stopped["stopDate"] == again["stopDate"]


def test_missing_execution_cannot_be_stopped(client: Any) -> None:
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.stop_execution(executionArn=f"{HEAD}:n")


def test_executions_of_a_deleted_machine_stay_readable(client: Any) -> None:
    arn = start(client)["executionArn"]
    closed(client, arn)

    client.delete_state_machine(stateMachineArn=ARN)

    assert client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
    described = client.describe_state_machine_for_execution(executionArn=arn)
    assert described["stateMachineArn"] == ARN


def test_machine_that_is_being_deleted_starts_nothing(client: Any) -> None:
    arn = start(client, WAIT)["executionArn"]
    client.delete_state_machine(stateMachineArn=ARN)

    with pytest.raises(client.exceptions.StateMachineDeleting):
        client.start_execution(stateMachineArn=ARN)

    assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"


def test_execution_of_a_deleted_machine_ends_with_its_next_transition(
    client: Any,
) -> None:
    arn = start(client, TICKING)["executionArn"]
    client.delete_state_machine(stateMachineArn=ARN)
    described = client.describe_state_machine(stateMachineArn=ARN)

    ended = closed(client, arn)

    assert described["status"] == "DELETING"
    assert ended["status"] == "ABORTED"
    assert ended["cause"] == "The state machine is being deleted."
    until_gone(client, ARN)
    assert create(client)["stateMachineArn"] == ARN
