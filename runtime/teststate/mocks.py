"""What is made up for a state's work: a result or an error, and whether the state takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from asl.errors import PayloadError
from asl.jsontext import loads
from asl.model import (
    MapState,
    ParallelState,
    Pattern,
    Resource,
    ResourceKind,
    TaskState,
)
from asl.payload import Json, Payload
from runtime.lambda_invoke import is_lambda_invoke
from runtime.teststate.errors import RefusedTrialError, UnsupportedStateError
from runtime.teststate.results import FieldValidation, ServiceModels, check_result
from runtime.teststate.subject import Subject


@dataclass(frozen=True, slots=True)
class MockedResult:
    """What the state's work is said to have yielded."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class MockedError:
    """What the state's work is said to have failed with."""

    error: str | None
    cause: str | None


Mock: TypeAlias = MockedResult | MockedError

_NOT_A_LIST: Final = "Mocked result must be an array."
_NOT_AN_OBJECT: Final = "Mocked result must be a JSON object."
_NO_MAP: Final = (
    "TestState API does not support Map or Parallel states. Supported state types include: "
    "[Task, Wait, Pass, Succeed, Fail, Choice]"
)
# What a .sync integration yields is the answer of another action than the one it starts.
_AWAITED: Final[dict[tuple[str, str], str]] = {
    ("states", "startExecution"): "describeExecution",
}


def calls_a_function(state: TaskState) -> bool:
    """Tell whether a Task calls a function, and waits for nothing but its return."""
    resource = state.resource
    if resource.kind is ResourceKind.LAMBDA_FUNCTION:
        return True
    is_answered = resource.pattern is Pattern.REQUEST_RESPONSE
    return is_answered and is_lambda_invoke(resource)


def check_takes_mock(subject: Subject) -> None:
    """Refuse a mock for a state that has no work of its own."""
    if not subject.is_retriable:
        msg = f"State type '{subject.kind}' is not supported when a mock is specified"
        raise RefusedTrialError(msg)


def check_needs_no_mock(subject: Subject) -> None:
    """Refuse a state that can be tested with a mock only: a function can be called."""
    state = subject.state
    if isinstance(state, MapState | ParallelState):
        raise UnsupportedStateError(_NO_MAP)
    if not isinstance(state, TaskState):
        return
    kind = "service integrations"
    if subject.waits_for_another:
        kind = f"the '{state.resource.pattern}' service integration pattern"
    elif state.resource.kind is ResourceKind.ACTIVITY:
        kind = "Activity tasks"
    elif calls_a_function(state):
        return
    msg = (
        f"TestState on this server supports {kind} only when a mock is specified:"
        f" it does not call {state.resource.arn}"
    )
    raise UnsupportedStateError(msg)


def mocked_result(
    text: str, subject: Subject, mode: FieldValidation, models: ServiceModels
) -> MockedResult:
    """Return a result that the state's work could have yielded; refuse any other."""
    try:
        value = loads(text)
    except PayloadError:
        raise RefusedTrialError("Mocked result must be valid JSON") from None
    state = subject.state
    if isinstance(state, TaskState):
        _check_task_result(value, state.resource, mode, models)
    elif isinstance(state, MapState) and "ResultWriter" in subject.fields:
        _require(isinstance(value, dict), _NOT_AN_OBJECT)
    else:
        _require(isinstance(value, list), _NOT_A_LIST)
    return MockedResult(Payload(text, value))


def _check_task_result(
    value: Json, resource: Resource, mode: FieldValidation, models: ServiceModels
) -> None:
    if mode is FieldValidation.NONE or resource.kind is not ResourceKind.SERVICE:
        return
    action = _answering_action(resource)
    if action is None:
        return
    model = models.result_model(resource.resource_type, action)
    if model is not None:
        _require(isinstance(value, dict), _NOT_AN_OBJECT)
        check_result(value, model, mode)


def _answering_action(resource: Resource) -> str | None:
    """Name the action whose answer is the result; None: the result may be anything."""
    action = resource.resource.removesuffix(resource.pattern)
    match resource.pattern:
        case Pattern.REQUEST_RESPONSE:
            return action
        case Pattern.SYNC | Pattern.SYNC_2:
            return _AWAITED.get((resource.resource_type, action))
        case Pattern.WAIT_FOR_TASK_TOKEN:
            return None


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise RefusedTrialError(message)
