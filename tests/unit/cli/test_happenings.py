"""A history as a person reads it."""

import json
from typing import Any

import pytest

from cli.happenings import gist, happenings, history_table, message_of, stack_of

CAUSE = json.dumps({"errorMessage": "no stock", "errorType": "Empty", "stackTrace": []})


def event(number: int, kind: str, after: int, **details: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "type": kind,
        "previousEventId": after,
        "timestamp": 100.0 + number,
    }
    return {**made, "someEventDetails": details} if details else made


HISTORY = [
    event(1, "ExecutionStarted", 0, input="{}"),
    event(2, "TaskStateEntered", 0, name="Check", input="{}"),
    event(3, "LambdaFunctionScheduled", 2, resource="arn:aws:lambda:r:a:function:f"),
    event(4, "LambdaFunctionStarted", 3),
    event(5, "LambdaFunctionFailed", 4, error="Empty", cause=CAUSE),
    event(6, "LambdaFunctionScheduled", 5, resource="arn:aws:lambda:r:a:function:f"),
    event(7, "ExecutionFailed", 6, error="Empty", cause=CAUSE),
]


def test_the_events_of_a_task_are_led_back_to_their_state() -> None:
    told = list(happenings(HISTORY))

    assert [each.state for each in told] == ["", *["Check"] * 5, ""]


def test_times_count_from_the_first_event() -> None:
    assert [each.seconds for each in happenings(HISTORY)] == list(range(7))


def test_a_function_is_named_and_a_failure_told() -> None:
    told = list(happenings(HISTORY))

    assert told[2].gist == "f"
    assert told[4].gist == "Empty: no stock"


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"redriveCount": 2}, "redrive 2"),
        (
            {
                "resource": "invoke",
                "resourceType": "lambda",
                "parameters": '{"FunctionName": "arn:aws:lambda:r:a:function:g"}',
            },
            "g",
        ),
        (
            {
                "resource": "invoke",
                "resourceType": "lambda",
                "parameters": '{"FunctionName": "g"}',
            },
            "g",
        ),
        ({"output": '{"a":  1}'}, '{"a": 1}'),
        ({"length": 3}, "length 3"),
        ({"name": "Each", "index": 0}, "name Each, index 0"),
        ({"cause": "why"}, "why"),
        ({}, ""),
    ],
    ids=[
        "redrive",
        "service by ARN",
        "service",
        "payload",
        "length",
        "iteration",
        "cause",
        "none",
    ],
)
def test_the_gist_of_details(details: dict[str, Any], expected: str) -> None:
    assert gist(details) == expected


@pytest.mark.parametrize("cause", ["plain words", '["a list"]', '{"other": 1}'])
def test_a_cause_that_is_no_functions_stays_as_it_is(cause: str) -> None:
    assert message_of(cause) == cause


def test_a_table_has_a_line_per_event() -> None:
    assert len(history_table(HISTORY).splitlines()) == 2 + len(HISTORY)


def test_the_stack_trace_of_an_exception_is_found_in_its_cause() -> None:
    lines = ['  File "app.py", line 7, in charge\n', "    return 1 / 0\n"]

    assert stack_of(json.dumps({"errorMessage": "x", "stackTrace": lines})) == (
        '  File "app.py", line 7, in charge\n    return 1 / 0'
    )


@pytest.mark.parametrize("cause", ["", "a text", "[1]", CAUSE, '{"stackTrace": 5}'])
def test_a_cause_without_a_stack_trace_has_none(cause: str) -> None:
    assert stack_of(cause) == ""
