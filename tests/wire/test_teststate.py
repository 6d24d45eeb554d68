"""TestState as an ordinary client sees it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

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
