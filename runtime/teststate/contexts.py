"""The context object of a tested state: made up by the caller, or by us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from asl.errors import PayloadError
from asl.jsontext import loads
from asl.payload import Json
from runtime.context import iso_milliseconds
from runtime.teststate.errors import RefusedTrialError
from runtime.teststate.subject import Subject

_PARTS: Final = ("Execution", "State", "StateMachine", "Task")
_TASK_OF_NOBODY: Final = (
    "Context object contains 'Task' when state is not a Task state with a '.sync' or"
    " '.waitForTaskToken' service integration pattern"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretence:
    """The execution that a tested state is said to belong to."""

    execution_arn: str
    execution_name: str
    machine_arn: str
    machine_name: str
    task_token: str
    role_arn: str | None = None


def mocked_context(text: str, subject: Subject) -> dict[str, Json]:
    """Return a context object as it was given; refuse one that cannot be."""
    try:
        context = loads(text)
    except PayloadError:
        _refuse("Context object must be valid JSON")
    if not isinstance(context, dict):
        _refuse("Context object must be a JSON object")
    for name, part in context.items():
        if name not in _PARTS:
            _refuse(f"'{name}' field is not supported when mocking a Context object")
        if not isinstance(part, dict):
            _refuse(f"'{name}' field must be a JSON object")
    if "Task" in context and not subject.waits_for_another:
        _refuse(_TASK_OF_NOBODY)
    return context


def pretended_context(
    pretence: Pretence, subject: Subject, given: Json, now: datetime, retry_count: int
) -> dict[str, Json]:
    """Build the context object of an execution that has just come to the state."""
    time = iso_milliseconds(now)
    execution: dict[str, Json] = {
        "Id": pretence.execution_arn,
        "Input": given,
        "Name": pretence.execution_name,
        "StartTime": time,
    }
    if pretence.role_arn is not None:
        execution["RoleArn"] = pretence.role_arn
    state: dict[str, Json] = {"Name": subject.state.name, "EnteredTime": time}
    if subject.is_retriable:
        state["RetryCount"] = retry_count
    context: dict[str, Json] = {
        "Execution": execution,
        "StateMachine": {"Id": pretence.machine_arn, "Name": pretence.machine_name},
        "State": state,
    }
    if subject.waits_for_token:
        context["Task"] = {"Token": pretence.task_token}
    return context


def _refuse(reason: str) -> NoReturn:
    msg = f"Invalid Context object provided: {reason}"
    raise RefusedTrialError(msg)
