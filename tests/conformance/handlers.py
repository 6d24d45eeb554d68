"""Run the functions of a case: its handlers in Python, called as a worker would."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from asl.jsontext import dumps
from asl.payload import Json, Payload
from runtime import stimuli as st
from runtime.execution import OpenTask
from runtime.lambda_invoke import function_input
from tests.conformance.cases import Case

Handler: TypeAlias = Callable[[Any, Any], Any]
Worker: TypeAlias = Callable[[OpenTask, str], st.Stimulus]


def worker_of(case: Case) -> Worker:
    """Return what answers the tasks of a case: its mocked responses, else its functions."""
    mocks = case.data["mocks"]
    if "service_mock_config" in mocks:
        return _mocked(mocks["service_mock_config"], case.data["mock_test_case"])
    return _called(mocks.get("lambda", {}))


def _called(functions: Mapping[str, Mapping[str, Any]]) -> Worker:
    handlers = {
        name: _handler(function["handler"], function["python_source"])
        for name, function in functions.items()
    }

    def answer(task: OpenTask, _state: str) -> st.Stimulus:
        given = function_input(task.payload) if task.family == "Task" else task.payload
        try:
            value = handlers[str(task.function)](json.loads(given.text), None)
        except Exception as error:  # noqa: BLE001 - the function's failure is its answer
            cause = _cause(error, task)
            return st.WorkerRaised(task.scheduled_id, type(error).__name__, cause)
        return _returned(task, value)

    return answer


def _returned(task: OpenTask, value: Any) -> st.WorkerReturned:
    return st.WorkerReturned(task.scheduled_id, Payload.of_text(json.dumps(value)))


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
            return st.WorkerRaised(task.scheduled_id, thrown["Error"], thrown["Cause"])
        value = response["Return"]
        return _returned(task, value["Payload"] if task.family == "Task" else value)

    return answer


def _response(responses: Mapping[str, Any], number: int) -> Any:
    """Return the response of an attempt: a key is its number, or a range such as `1-3`."""
    for key, response in responses.items():
        first, _, last = key.partition("-")
        if int(first) <= number <= int(last or first):
            return response
    msg = f"no response is given for attempt {number}"
    raise AssertionError(msg)


def _handler(name: str, source: str) -> Handler:
    namespace: dict[str, Any] = {}
    exec(compile(source, "/var/task/handler.py", "exec"), namespace)
    handler: Handler = namespace[name.rpartition(".")[2]]
    return handler


def _cause(error: Exception, task: OpenTask) -> str:
    frames = traceback.format_exception(error)[2:-1]
    told: dict[str, Json] = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": f"request-{task.scheduled_id}",
        "stackTrace": [*frames],
    }
    return dumps(told)
