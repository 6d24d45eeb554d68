"""The function behind a tested Task, where no mock stands in for it.

A Task of a function is the one state whose work this server can do for a test: the function
is called once, by an execution of a machine of one state that is stored nowhere. What came of
the call is then the state's result or error, as a mock would be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from asl.errors import StatesError
from asl.model import Environment, Machine, ResourceKind, TaskState
from asl.parse import parse_machine
from asl.payload import Payload
from runtime.execution import Status
from runtime.lambda_invoke import called_function, function_name
from runtime.retry import TIMEOUT
from runtime.teststate.mocks import Mock, MockedError, MockedResult, calls_a_function
from runtime.teststate.subject import LONE_NAME
from runtime.teststate.trial import Trial

LONGEST_SECONDS: Final = 300
_PARAMETERS: Final = frozenset({"FunctionName", "Payload", "Qualifier"})


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The machine that calls the function, its input, and the function's bare name, if
    the arguments give one."""

    machine: Machine
    input: Payload
    function: str | None


def function_call(trial: Trial) -> FunctionCall | None:
    """Return the call that a trial without a mock needs; None where it fails before it."""
    state = trial.subject.state
    if not isinstance(state, TaskState) or trial.mock or not calls_a_function(state):
        return None
    environment = Environment(
        input=trial.input,
        context=lambda: trial.context,
        variables=trial.variables,
        now=trial.now,
        entropy=trial.entropy,
    )
    try:
        arguments = state.arguments(environment)
        timeout = state.timeout_seconds and state.timeout_seconds(environment)
    except StatesError:
        return None
    machine = _machine(state, arguments, timeout)
    return FunctionCall(machine, arguments, _function(state, arguments))


def _function(state: TaskState, arguments: Payload) -> str | None:
    if state.resource.kind is ResourceKind.SERVICE:
        return called_function(arguments)
    return function_name(state.resource.arn)


def _machine(state: TaskState, arguments: Payload, timeout: int | None) -> Machine:
    task: dict[str, object] = {
        "Type": "Task",
        "Resource": state.resource.arn,
        "TimeoutSeconds": min(timeout or LONGEST_SECONDS, LONGEST_SECONDS),
        "End": True,
    }
    if state.resource.kind is ResourceKind.SERVICE:
        value = arguments.value
        given = value if isinstance(value, dict) else {}
        names = _PARAMETERS & given.keys()
        task["Parameters"] = {f"{name}.$": f"$.{name}" for name in names}
    machine = {"StartAt": LONE_NAME, "States": {LONE_NAME: task}}
    return parse_machine(json.dumps(machine))


def mock_of(
    status: str, output: str | None, error: str | None, cause: str | None
) -> Mock:
    """Return how a call ended in the form of a mock."""
    if status == Status.SUCCEEDED and output is not None:
        return MockedResult(Payload.of_text(output))
    return MockedError(error or TIMEOUT, cause)
