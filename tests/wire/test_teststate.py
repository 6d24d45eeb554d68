"""TestState as an ordinary client sees it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

import api.teststate
from tests.wire.raw import worker
from tests.wire.test_machines import error_of

INVOKE = "arn:aws:states:::lambda:invoke"
TASK = {
    "Type": "Task",
    "Resource": INVOKE,
    "Parameters": {"FunctionName": "work", "Payload.$": "$"},
    "ResultPath": "$.done",
    "Next": "Later",
}
CALLBACK = {**TASK, "Resource": f"{INVOKE}.waitForTaskToken"}
SEND = {**TASK, "Resource": "arn:aws:states:::sqs:sendMessage"}
DONE = {"result": '{"StatusCode": 200}'}


def answered(client: Any, state: Any, **members: Any) -> Any:
    answer = client.test_state(definition=json.dumps(state), **members)
    return {name: answer[name] for name in answer if name != "ResponseMetadata"}


def refusal(client: Any, state: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(client.exceptions.ClientError) as caught:
        answered(client, state, **members)
    return error_of(caught)


def test_mocked_task_succeeds(client: Any) -> None:
    answer = answered(client, TASK, input='{"a": 1}', mock=DONE)

    assert answer["status"] == "SUCCEEDED"
    assert answer["nextState"] == "Later"
    assert json.loads(answer["output"]) == {"a": 1, "done": {"StatusCode": 200}}
    assert "inspectionData" not in answer


def test_inspection_shows_stages_variables_and_handlers(client: Any) -> None:
    retry = [{"ErrorEquals": ["Broken"], "IntervalSeconds": 3}]

    seen = answered(
        client,
        {**TASK, "Retry": retry},
        inspectionLevel="DEBUG",
        variables='{"v": 1}',
        mock={"errorOutput": {"error": "Broken", "cause": "so"}},
    )

    assert (seen["status"], seen["error"], seen["cause"]) == (
        "RETRIABLE",
        "Broken",
        "so",
    )
    assert seen["inspectionData"] == {
        "input": "{}",
        "afterInputPath": "{}",
        "afterParameters": '{"FunctionName":"work","Payload":{}}',
        "variables": '{"v":1}',
        "errorDetails": {"retryIndex": 0, "retryBackoffIntervalSeconds": 3},
    }


def test_context_is_made_up_unless_it_is_given(client: Any) -> None:
    state = {**TASK, "ResultSelector": {"c.$": "$$"}}

    made_up = json.loads(answered(client, state, mock=DONE)["output"])["done"]["c"]
    given = json.loads(answered(client, state, mock=DONE, context="{}")["output"])

    assert made_up["State"]["Name"] == "StateName"
    assert ":express:" in made_up["Execution"]["Id"]
    assert given["done"]["c"] == {}


def test_function_is_called_where_nothing_is_mocked(endpoint: str, client: Any) -> None:
    working = threading.Thread(target=work_once, args=[endpoint])
    working.start()

    answer = answered(client, TASK, input='{"a": 1}')

    working.join()
    done = json.loads(answer["output"])["done"]
    assert (answer["status"], done["Payload"]) == ("SUCCEEDED", {"a": 1})


def test_function_that_nobody_serves_is_not_waited_for(
    module_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.teststate, "_FIND_SECONDS", 0.2)
    parameters = {"FunctionName": "nobodys:PROD", "Payload": {}}
    catch = [{"ErrorEquals": ["Lambda.ResourceNotFoundException"], "Next": "Other"}]

    seen = answered(module_client, {**TASK, "Parameters": parameters, "Catch": catch})

    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobodys"
    assert (seen["status"], seen["nextState"]) == ("CAUGHT_ERROR", "Other")
    assert seen["cause"] == f"Function not found: {arn}"


def test_function_without_a_name_is_not_looked_for(module_client: Any) -> None:
    state = {**TASK, "Parameters": {"FunctionName.$": "$", "Payload": {}}}

    seen = answered(module_client, state, input="{}")

    assert (seen["status"], seen["error"]) == ("FAILED", "States.TaskFailed")


def work_once(endpoint: str) -> None:
    """Answer one task with its own input."""
    session = {"session": "7e57", "name": "w"}
    polled = worker(
        endpoint,
        "poll",
        {**session, "functions": ["work"], "free": 1, "inventory": [], "wait": 10},
    )
    results = [
        {"token": task["token"], "output": task["input"]}
        for task in polled.body["tasks"]
    ]
    worker(endpoint, "report", {**session, "results": results, "heartbeats": []})


@pytest.mark.parametrize(
    ("state", "members", "error"),
    [
        (SEND, {}, "InvalidDefinition"),
        (CALLBACK, {}, "InvalidDefinition"),
        ({**TASK, "Extra": 1}, {"mock": DONE}, "InvalidDefinition"),
        (TASK, {"mock": DONE, "input": "{"}, "InvalidExecutionInput"),
        (TASK, {"mock": DONE, "variables": "[]"}, "ValidationException"),
        (TASK, {"mock": DONE, "stateName": ""}, "ValidationException"),
        (TASK, {"mock": {}}, "ValidationException"),
        (TASK, {"mock": {**DONE, "errorOutput": {}}}, "ValidationException"),
        ({"Type": "Succeed"}, {"context": "{}"}, "ValidationException"),
        (
            TASK,
            {"mock": DONE, "stateConfiguration": {"errorCausedByState": "X"}},
            "ValidationException",
        ),
    ],
)
def test_request_that_does_not_fit_is_refused(
    client: Any, state: Any, members: Any, error: str
) -> None:
    assert refusal(client, state, **members)[0] == error


FAILED = {"errorOutput": {"error": "Broken", "cause": "so"}}


@pytest.mark.parametrize(
    ("handling", "status", "shown"),
    [
        ({}, "FAILED", {}),
        ({"Retry": [{"ErrorEquals": ["Broken"]}]}, "RETRIABLE", {}),
        (
            {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}]},
            "CAUGHT_ERROR",
            {"nextState": "Sorry"},
        ),
    ],
    ids=["unhandled", "retried", "caught"],
)
def test_error_is_handled_as_the_state_says(
    client: Any, handling: Any, status: str, shown: Any
) -> None:
    answer = answered(client, {**TASK, **handling}, mock=FAILED)

    assert (answer["status"], answer["error"]) == (status, "Broken")
    assert answer.get("nextState") == shown.get("nextState")


def test_retries_end_where_they_are_used_up(client: Any) -> None:
    state = {**TASK, "Retry": [{"ErrorEquals": ["Broken"], "MaxAttempts": 2}]}

    statuses = [
        answered(
            client,
            state,
            mock=FAILED,
            stateConfiguration={"retrierRetryCount": retries},
        )["status"]
        for retries in (0, 1, 2)
    ]

    assert statuses == ["RETRIABLE", "RETRIABLE", "FAILED"]


def test_state_of_a_whole_machine_is_tried_by_its_name(client: Any) -> None:
    machine = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Result": 1, "Next": "Second"},
            "Second": {"Type": "Pass", "Result": 2, "End": True},
        },
    }

    first, second = (
        answered(client, machine, stateName=name) for name in ("First", "Second")
    )

    assert (first["output"], first["nextState"]) == ("1", "Second")
    assert (second["output"], second["status"]) == ("2", "SUCCEEDED")


@pytest.mark.parametrize(
    ("mode", "is_accepted"), [("STRICT", False), ("PRESENT", False), ("NONE", True)]
)
def test_mocked_result_is_checked_as_strictly_as_asked(
    client: Any, mode: str, is_accepted: bool
) -> None:
    mock = {"result": '{"StatusCode": "all right"}', "fieldValidationMode": mode}

    if is_accepted:
        assert answered(client, TASK, mock=mock)["status"] == "SUCCEEDED"
    else:
        assert refusal(client, TASK, mock=mock)[0] == "ValidationException"


MAP = {
    "Type": "Map",
    "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}},
    "End": True,
}
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:a"
SYNC = "arn:aws:states:::states:startExecution.sync"


@pytest.mark.parametrize(
    ("state", "members"),
    [
        ({"Type": "Pass", "End": True}, {"mock": DONE}),
        ({"Type": "Fail"}, {"mock": DONE}),
        ({"Type": "Succeed"}, {"mock": DONE}),
        (MAP, {}),
        ({**TASK, "Resource": ACTIVITY}, {}),
        ({**TASK, "Resource": SYNC}, {}),
        (TASK, {"mock": DONE, "revealSecrets": True}),
    ],
    ids=[
        "mocked Pass",
        "mocked Fail",
        "mocked Succeed",
        "Map without a mock",
        "activity without a mock",
        "sync without a mock",
        "secrets of a mock",
    ],
)
def test_mock_stands_where_it_is_needed_and_nowhere_else(
    client: Any, state: Any, members: Any
) -> None:
    assert refusal(client, state, **members)[0] in (
        "ValidationException",
        "InvalidDefinition",
    )
