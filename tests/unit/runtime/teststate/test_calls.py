"""The call that a tested Task makes when no mock stands in for its function."""

from __future__ import annotations

from typing import Any

from asl.model import TaskState
from asl.payload import Payload
from runtime.chance import SeededEntropy
from runtime.teststate.calls import function_call, mock_of
from runtime.teststate.mocks import MockedError, MockedResult
from runtime.teststate.subject import LONE_NAME, Subject
from runtime.teststate.trial import Trial
from tests.support.trials import NOW, subject, task

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work"


def trial(state: Subject, given: Any, mock: MockedError | None = None) -> Trial:
    return Trial(
        subject=state,
        input=Payload.of_value(given),
        context={},
        variables={},
        now=NOW,
        entropy=SeededEntropy(b"seed"),
        mock=mock,
    )


def test_a_function_is_called_with_the_arguments_of_its_state() -> None:
    state = subject(
        Type="Task", Resource=ARN, Parameters={"v.$": "$.n"}, TimeoutSeconds=7, End=True
    )

    call = function_call(trial(state, {"n": 4}))

    assert call is not None
    called = call.machine.regions[0].states[LONE_NAME]
    assert isinstance(called, TaskState)
    assert (called.resource.arn, call.input.value) == (ARN, {"v": 4})


def test_an_invocation_hands_its_payload_on_as_it_is() -> None:
    parameters = {"FunctionName": "work", "Payload": {"a.b": 1}}

    call = function_call(trial(task(Parameters=parameters), {}))

    assert call is not None
    assert call.input.value == parameters


def test_a_mock_an_error_before_the_call_and_other_states_call_nothing() -> None:
    missing = task(Parameters={"FunctionName.$": "$.missing"})

    assert function_call(trial(task(), {}, MockedError("E", None))) is None
    assert function_call(trial(missing, {})) is None
    assert function_call(trial(subject(Type="Pass", End=True), {})) is None


def test_how_a_call_ended_stands_where_a_mock_would() -> None:
    assert mock_of("SUCCEEDED", "[1]", None, None) == MockedResult(
        Payload.of_text("[1]")
    )
    assert mock_of("FAILED", None, "E", "C") == MockedError("E", "C")
    assert mock_of("TIMED_OUT", None, None, None) == MockedError("States.Timeout", None)
