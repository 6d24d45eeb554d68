"""Which functions an execution waits for, told from its history."""

from typing import Any

from cli.awaited import functions_not_taken


def event(number: int, kind: str, after: int, **details: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": kind,
        "previousEventId": after,
        "xEventDetails": details,
    }


def test_a_function_is_named_until_something_follows_its_schedule() -> None:
    scheduled = event(
        3, "LambdaFunctionScheduled", 2, resource="arn:aws:lambda:r:1:function:f"
    )

    assert functions_not_taken([scheduled]) == ["f"]
    assert functions_not_taken([event(4, "LambdaFunctionStarted", 3), scheduled]) == []


def test_a_function_in_parameters_is_named_and_an_activity_is_none() -> None:
    invoked = event(
        3, "TaskScheduled", 2, resourceType="lambda", parameters='{"FunctionName": "g"}'
    )
    activity = event(
        5, "ActivityScheduled", 4, resource="arn:aws:states:r:1:activity:a"
    )

    assert functions_not_taken([activity, invoked]) == ["g"]
