"""The context object: what `$$` shows."""

from __future__ import annotations

from typing import Any

from runtime import events as ev
from tests.support.live import ARN, live
from tests.support.machines import (
    callback,
    each,
    machine,
    parallel,
    pass_on,
    task,
    wait,
)


def shown(path: str = "$$") -> dict[str, Any]:
    return {"Parameters": {"shown.$": path}}


def test_the_context_names_execution_state_and_machine() -> None:
    it = live(machine(pass_on(**shown())), {"n": 1})

    assert it.output["shown"] == {
        "Execution": {
            "Id": ARN,
            "Input": {"n": 1},
            "StartTime": "2026-03-01T09:00:00.000Z",
            "Name": "order-1",
            "RoleArn": "arn:aws:iam::123456789012:role/orders",
            "RedriveCount": 0,
        },
        "StateMachine": {
            "Id": "arn:aws:states:us-east-1:123456789012:stateMachine:orders",
            "Name": "orders",
        },
        "State": {
            "Name": "Pass",
            "EnteredTime": "2026-03-01T09:00:00.000Z",
        },
    }


def test_states_that_can_be_retried_show_how_often_they_were() -> None:
    path = "$$.State.RetryCount"

    it = live(machine(parallel("Both", pass_on(), ResultSelector={"count.$": path})))

    assert it.output == {"count": 0}


def test_a_task_that_waits_for_no_token_has_none() -> None:
    it = live(machine(task(Parameters={"context.$": "$$"})))

    scheduled = it.one(ev.LambdaFunctionScheduled).payload
    assert scheduled is not None
    assert "Token" not in scheduled.text


def test_credentials_are_shown_as_the_role_that_they_name() -> None:
    it = live(machine(task(Credentials={"RoleArn.$": "$.role"})), {"role": "arn:r"})

    assert it.one(ev.LambdaFunctionScheduled).credentials == {"roleArn": "arn:r"}


def test_the_entered_time_of_a_later_state_is_its_own() -> None:
    it = live(machine(wait(seconds=90), pass_on(**shown("$$.State.EnteredTime"))))

    it.fire()

    assert it.output["shown"] == "2026-03-01T09:01:30.000Z"


def test_an_iteration_sees_its_item_at_any_depth() -> None:
    deep = parallel("Both", pass_on("Deep", **shown("$$.Map.Item")))

    it = live(machine(each("Each", deep)), ["a", "b"])

    assert it.output == [
        [{"shown": {"Index": 0, "Value": "a"}}],
        [{"shown": {"Index": 1, "Value": "b"}}],
    ]


def test_an_inner_iteration_sees_the_inner_item() -> None:
    inner = each("Inner", pass_on(**shown("$$.Map.Item.Value")))

    it = live(machine(each("Outer", inner)), [[1], [2, 3]])

    assert it.output == [[{"shown": 1}], [{"shown": 2}, {"shown": 3}]]


def test_after_the_map_there_is_no_item() -> None:
    it = live(machine(each("Each", pass_on()), pass_on("After", **shown())), [1])

    assert "Map" not in it.output["shown"]


def test_the_token_is_there_while_a_task_is_scheduled() -> None:
    it = live(machine(callback()))

    scheduled = it.one(ev.TaskScheduled).payload
    assert scheduled is not None
    assert '"token":"' in scheduled.text


def test_the_token_is_not_there_afterwards() -> None:
    it = live(machine(task(), pass_on("After", **shown())))

    it.returned()

    assert "Task" not in it.output["shown"]
