from __future__ import annotations

import json
from typing import Any

import pytest

import api.histories
from tests.wire.test_executions import start
from tests.wire.waiting import closed

TWO = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Assign": {"x": {"y": 1}}, "Next": "B"},
        "B": {"Type": "Pass", "Result": [1], "End": True},
    },
}


def events_of(client: Any, **members: Any) -> list[Any]:
    arn = start(client, TWO, input='{"a": 1}')["executionArn"]
    closed(client, arn)
    response = client.get_execution_history(executionArn=arn, **members)
    events: list[Any] = response["events"]
    return events


def test_history_has_the_public_details(client: Any) -> None:
    events = events_of(client)

    for event in events:
        event.pop("timestamp")
    data = {"input": '{"a": 1}', "inputDetails": {"truncated": False}}
    out = {"output": '{"a": 1}', "outputDetails": {"truncated": False}}
    assert events[:3] == [
        {
            "id": 1,
            "previousEventId": 0,
            "type": "ExecutionStarted",
            "executionStartedEventDetails": {
                "roleArn": "arn:aws:iam::123456789012:role/orders",
                **data,
            },
        },
        {
            "id": 2,
            "previousEventId": 0,
            "type": "PassStateEntered",
            "stateEnteredEventDetails": {"name": "A", **data},
        },
        {
            "id": 3,
            "previousEventId": 2,
            "type": "PassStateExited",
            "stateExitedEventDetails": {
                "name": "A",
                "assignedVariables": {"x": '{"y":1}'},
                "assignedVariablesDetails": {"truncated": False},
                **out,
            },
        },
    ]


def test_history_may_come_backwards(client: Any) -> None:
    events = events_of(client, reverseOrder=True)

    assert [event["id"] for event in events] == [6, 5, 4, 3, 2, 1]


def test_history_without_data_has_the_names_only(client: Any) -> None:
    events = events_of(client, includeExecutionData=False)

    assert events[2]["stateExitedEventDetails"] == {"name": "A"}
    assert "input" not in events[0]["executionStartedEventDetails"]


@pytest.mark.parametrize("backwards", [False, True])
def test_pages_are_the_whole_history(client: Any, backwards: bool) -> None:
    arn = start(client, TWO)["executionArn"]
    closed(client, arn)
    request = {"executionArn": arn, "reverseOrder": backwards}
    whole = client.get_execution_history(**request)["events"]

    paginator = client.get_paginator("get_execution_history")
    pages = list(paginator.paginate(**request, PaginationConfig={"PageSize": 4}))

    assert [len(page["events"]) for page in pages] == [4, 2]
    assert [event for page in pages for event in page["events"]] == whole


def test_token_is_bound_to_the_direction(client: Any) -> None:
    arn = start(client, TWO)["executionArn"]
    closed(client, arn)
    token = client.get_execution_history(executionArn=arn, maxResults=1)["nextToken"]

    with pytest.raises(client.exceptions.InvalidToken):
        client.get_execution_history(
            executionArn=arn, reverseOrder=True, nextToken=token
        )


def test_history_of_a_missing_execution(client: Any) -> None:
    arn = start(client)["executionArn"]

    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.get_execution_history(executionArn=arn + "-2")


@pytest.mark.parametrize("backwards", [False, True])
def test_page_ends_where_its_payloads_are_large_enough(
    client: Any, monkeypatch: pytest.MonkeyPatch, backwards: bool
) -> None:
    monkeypatch.setattr(api.histories, "_PAGE_CHARACTERS", 2_500)
    monkeypatch.setattr(api.histories, "_FIRST_PORTION", 2)
    arn = start(client, TWO, input=json.dumps("x" * 998))["executionArn"]
    closed(client, arn)

    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=backwards
    )

    sizes = [[event["id"] for event in page["events"]] for page in pages]
    expected = [[6, 5, 4, 3], [2, 1]] if backwards else [[1, 2], [3, 4, 5, 6]]
    assert sizes == expected


def test_event_that_is_larger_than_a_page_is_a_page_of_its_own(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.histories, "_PAGE_CHARACTERS", 10)
    arn = start(client, TWO, input=json.dumps("x" * 100))["executionArn"]
    closed(client, arn)

    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)

    ids = [[event["id"] for event in page["events"]] for page in pages]
    assert ids == [[1], [2], [3], [4], [5, 6]]
