"""The context object that is made up for a tested state."""

from __future__ import annotations

from typing import Any

from runtime.teststate.contexts import Pretence, pretended_context
from runtime.teststate.subject import Subject
from tests.support.trials import INVOKE, NOW, subject, task

PRETENCE = Pretence(
    execution_arn="arn:execution",
    execution_name="run",
    machine_arn="arn:machine",
    machine_name="machine",
    task_token="token",
    role_arn="arn:role",
)


def made(state: Subject) -> dict[str, Any]:
    return pretended_context(PRETENCE, state, {"a": 1}, NOW, 2)


def test_context_is_that_of_an_execution_that_just_came_to_the_state() -> None:
    time = "2025-01-01T00:00:00.000Z"

    assert made(task()) == {
        "Execution": {
            "Id": "arn:execution",
            "Input": {"a": 1},
            "Name": "run",
            "RoleArn": "arn:role",
            "StartTime": time,
        },
        "StateMachine": {"Id": "arn:machine", "Name": "machine"},
        "State": {"Name": "StateName", "EnteredTime": time, "RetryCount": 2},
    }


def test_state_that_is_never_retried_has_no_count() -> None:
    assert "RetryCount" not in made(subject(Type="Pass", End=True))["State"]


def test_only_a_callback_task_has_a_token() -> None:
    callback = subject(Type="Task", Resource=f"{INVOKE}.waitForTaskToken", End=True)

    assert made(callback)["Task"] == {"Token": "token"}
    assert "Task" not in made(task())
