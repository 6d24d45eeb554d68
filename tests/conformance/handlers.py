"""Answer the tasks of a case without a history: by its functions in Python, or by its mocks."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from asl.jsontext import dumps
from asl.payload import Json, Payload
from runtime import stimuli as st
from runtime.execution import OpenTask
from runtime.lambda_invoke import function_input
from tests.conformance.cases import Case


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, or how it failed."""

    output: Any = None
    error: str | None = None
    cause: str | None = None

    @property
    def result(self) -> dict[str, Any]:
        """The answer as a worker reports it."""
        if self.error is not None:
            return {"error": self.error, "cause": self.cause}
        return {"output": self.output}

    def stimulus(self, scheduled_id: int) -> st.Stimulus:
        """Return the answer as it comes to an execution."""
        if self.error is not None:
            return st.WorkerRaised(scheduled_id, self.error, self.cause)
        payload = Payload.of_text(json.dumps(self.output))
        return st.WorkerReturned(scheduled_id, payload)


Handler: TypeAlias = Callable[[Any, Any], Any]
Worker: TypeAlias = Callable[[OpenTask, str], st.Stimulus]


class Functions:
    """The functions of a case: handlers in Python, run where they are called."""

    def __init__(self, case: Case) -> None:
        """Compile the functions."""
        functions = case.data["mocks"].get("lambda", {})
        self._handlers = {
            name: _handler(function["handler"], function["python_source"])
            for name, function in functions.items()
        }

    def call(self, name: str, given: Any) -> Answer:
        """Call a function; bytes that it returns are JSON already."""
        try:
            value = self._handlers[name](given, None)
            return Answer(json.loads(value) if isinstance(value, bytes) else value)
        except Exception as error:  # noqa: BLE001 - the function's failure is its answer
            return Answer(error=type(error).__name__, cause=_cause(error))


def _handler(name: str, source: str) -> Handler:
    namespace: dict[str, Any] = {}
    exec(compile(source, "/var/task/handler.py", "exec"), namespace)
    handler: Handler = namespace[name.rpartition(".")[2]]
    return handler


def _cause(error: Exception) -> str:
    told: dict[str, Json] = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": "request",
        "stackTrace": [*traceback.format_exception(error)[2:-1]],
    }
    return dumps(told)


def worker_of(case: Case) -> Worker:
    """Return what answers the tasks of a case: its mocked responses, else its functions."""
    mocks = case.data["mocks"]
    if "service_mock_config" in mocks:
        return _mocked(mocks["service_mock_config"], case.data["mock_test_case"])
    functions = Functions(case)

    def answer(task: OpenTask, _state: str) -> st.Stimulus:
        given = function_input(task.payload) if task.family == "Task" else task.payload
        called = functions.call(str(task.function), json.loads(given.text))
        return called.stimulus(task.scheduled_id)

    return answer


def _mocked(config: Mapping[str, Any], test_case: str) -> Worker:
    (machine,) = config["StateMachines"].values()
    responses = {
        state: config["MockedResponses"][name]
        for state, name in machine["TestCases"][test_case].items()
    }
    counts: Counter[str] = Counter()

    def answer(task: OpenTask, state: str) -> st.Stimulus:
        response = _response(responses[state], counts[state])
        counts[state] += 1
        if "Throw" in response:
            thrown = response["Throw"]
            answer = Answer(error=thrown["Error"], cause=thrown["Cause"])
        else:
            value = response["Return"]
            answer = Answer(value["Payload"] if task.family == "Task" else value)
        return answer.stimulus(task.scheduled_id)

    return answer


def _response(responses: Mapping[str, Any], number: int) -> Any:
    """Return the response of an attempt: a key is its number, or a range such as `1-3`."""
    for key, response in responses.items():
        first, _, last = key.partition("-")
        if int(first) <= number <= int(last or first):
            return response
    msg = f"no response is given for attempt {number}"
    raise AssertionError(msg)
