"""Builders of definitions: a state is one call, a machine is the list of its states.

States run in the order in which they are given; the last one ends. `Next`, `End` and
`StartAt` are filled in where a state does not say them itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from asl.model import Machine
from asl.parse import parse_machine

State: TypeAlias = dict[str, Any]
FUNCTIONS = "arn:aws:lambda:us-east-1:123456789012:function:"
ACTIVITIES = "arn:aws:states:us-east-1:123456789012:activity:"
INVOKE = "arn:aws:states:::lambda:invoke"
CALLBACK = f"{INVOKE}.waitForTaskToken"
_NEVER_LEFT = ("Choice", "Succeed", "Fail")


def region(*states: State, **fields: Any) -> dict[str, Any]:
    """Chain states to a machine, a branch or a processor."""
    named: dict[str, Any] = {}
    for state, following in zip(states, [*states[1:], None], strict=True):
        name = state["Name"]
        body = {key: value for key, value in state.items() if key != "Name"}
        if body["Type"] not in _NEVER_LEFT and not {"Next", "End"} & body.keys():
            body |= {"End": True} if following is None else {"Next": following["Name"]}
        named[name] = body
    return {"StartAt": states[0]["Name"], "States": named, **fields}


def machine(*states: State, **fields: Any) -> Machine:
    """Compile a chain of states."""
    return parse_machine(json.dumps(region(*states, **fields)))


def task(name: str = "Work", **fields: Any) -> State:
    """Call the function `work`."""
    return {"Name": name, "Type": "Task", "Resource": f"{FUNCTIONS}work", **fields}


def activity(name: str = "Work", **fields: Any) -> State:
    """Wait for a poller of the activity `work`."""
    return task(name, Resource=f"{ACTIVITIES}work", **fields)


def invoke(name: str = "Work", **fields: Any) -> State:
    """Call the function `work` through the integration."""
    given = {"FunctionName": "work", "Payload.$": "$"}
    return task(name, **{"Resource": INVOKE, "Parameters": given, **fields})


def callback(name: str = "Ask", **fields: Any) -> State:
    """Call the function `work` and wait for its token to come back."""
    given = {"FunctionName": "work", "Payload": {"token.$": "$$.Task.Token"}}
    return task(name, **{"Resource": CALLBACK, "Parameters": given, **fields})


def pass_on(name: str = "Pass", **fields: Any) -> State:
    """Pass the input on."""
    return {"Name": name, "Type": "Pass", **fields}


def wait(name: str = "Sleep", seconds: int | None = 60, **fields: Any) -> State:
    """Sleep."""
    given = {} if seconds is None else {"Seconds": seconds}
    return {"Name": name, "Type": "Wait", **given, **fields}


def choice(name: str, *rules: State, **fields: Any) -> State:
    """Choose by rules."""
    return {"Name": name, "Type": "Choice", "Choices": list(rules), **fields}


def succeed(name: str = "Done", **fields: Any) -> State:
    """End well."""
    return {"Name": name, "Type": "Succeed", **fields}


def fail(name: str = "Broken", **fields: Any) -> State:
    """End badly."""
    return {"Name": name, "Type": "Fail", **fields}


def parallel(name: str, *branches: Sequence[State] | State, **fields: Any) -> State:
    """Run branches; each is a state or a list of states."""
    regions = [
        region(branch) if isinstance(branch, dict) else region(*branch)
        for branch in branches
    ]
    return {"Name": name, "Type": "Parallel", "Branches": regions, **fields}


def each(name: str, *states: State, **fields: Any) -> State:
    """Run states for each item of the input."""
    return {"Name": name, "Type": "Map", "ItemProcessor": region(*states), **fields}


def retry(*errors: str, **fields: Any) -> State:
    """Retry on errors, by default on all."""
    return {"ErrorEquals": list(errors) or ["States.ALL"], **fields}


def catch(following: str, *errors: str, **fields: Any) -> State:
    """Catch errors, by default all."""
    return {
        "ErrorEquals": list(errors) or ["States.ALL"],
        "Next": following,
        **fields,
    }


def distributed(
    name: str, *states: State, kind: str = "STANDARD", **fields: Any
) -> State:
    """Run states as a child execution for each item of the input."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    processor = region(*states, ProcessorConfig=config)
    return {"Name": name, "Type": "Map", "ItemProcessor": processor, **fields}
