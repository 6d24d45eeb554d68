"""The machines that are measured."""

from __future__ import annotations

import json

ACCOUNT = "123456789012"
FUNCTION = "measured"
_FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{FUNCTION}"


def _chain(states: list[dict[str, object]]) -> str:
    named = {}
    for index, state in enumerate(states):
        is_last = index == len(states) - 1
        follows: dict[str, object] = (
            {"End": True} if is_last else {"Next": f"S{index + 1}"}
        )
        named[f"S{index}"] = state if state["Type"] == "Choice" else state | follows
    return json.dumps({"StartAt": "S0", "States": named})


def tasks(count: int = 10) -> str:
    """Return a machine of Task states in a row, each keeping its result beside the input."""
    task = {"Type": "Task", "Resource": _FUNCTION_ARN, "ResultPath": "$.result"}
    return _chain([dict(task) for _ in range(count)])


def states(count: int = 10) -> str:
    """Return a machine of Choice and Pass states in turn."""
    made: list[dict[str, object]] = []
    for index in range(count):
        if index % 2:
            made.append({"Type": "Pass"})
            continue
        rule = {
            "Variable": "$.order.amount",
            "NumericGreaterThan": 10,
            "Next": f"S{index + 1}",
        }
        made.append({"Type": "Choice", "Choices": [rule], "Default": f"S{index + 1}"})
    return _chain(made)


def wait() -> str:
    """Return a machine that waits until the time that its input names."""
    return json.dumps(
        {
            "StartAt": "Sleep",
            "States": {
                "Sleep": {"Type": "Wait", "TimestampPath": "$.until", "End": True}
            },
        }
    )


def payload(size: int = 300) -> str:
    """Return an input of about `size` bytes."""
    order = {"order": {"id": "o-1", "amount": 42, "currency": "EUR"}, "note": ""}
    order["note"] = "x" * (size - len(json.dumps(order)))
    return json.dumps(order)


def result(_event: object) -> dict[str, object]:
    """Be the measured function: answer something small at once."""
    return {"status": "done", "code": 200}


def one_pass() -> str:
    """Return one Pass state."""
    return json.dumps(
        {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    )


def distributed() -> str:
    """Return a distributed Map, each of whose children is one Pass state."""
    processor = json.loads(one_pass())
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = {"Type": "Map", "ItemProcessor": processor, "End": True}
    return json.dumps({"StartAt": "Each", "States": {"Each": each}})
