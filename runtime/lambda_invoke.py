"""The optimised integration `arn:aws:states:::lambda:invoke`, seen from the workflow.

The parameters name the function and its Payload; the result wraps what the function
returned as the service's Invoke answer does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asl.jsontext import is_storable
from asl.model import Resource
from asl.payload import EMPTY_OBJECT_TEXT, Json, Payload
from runtime.execution import OpenTask


def is_lambda_invoke(resource: Resource) -> bool:
    """Tell whether a resource is the integration, with or without a pattern."""
    return resource.resource_type == "lambda" and resource.resource.startswith("invoke")


def function_name(reference: str) -> str:
    """Reduce a function's name, partial ARN or ARN to its bare name, without qualifier."""
    if ":function:" in reference:
        return reference.split(":function:", 1)[1].split(":", 1)[0]
    return reference.split(":", 1)[0]


def called_function(parameters: Payload) -> str | None:
    """Return the bare name of the function that the parameters name, if it can be one."""
    value = parameters.value
    reference = value.get("FunctionName") if isinstance(value, dict) else None
    if not isinstance(reference, str) or not is_storable(reference):
        return None
    return function_name(reference)


def function_input(parameters: Payload) -> Payload:
    """Return what the function is called with: an empty object for no Payload or null."""
    value = parameters.value
    if isinstance(value, dict) and value.get("Payload") is not None:
        return Payload.of_value(value["Payload"])
    return Payload.of_text(EMPTY_OBJECT_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One request to the Invoke API: the function's reference as it was given, and how.

    `wants_answer` tells that the task wants the whole answer, not the returned value alone;
    `seconds` is what its time limit leaves.
    """

    function: str
    payload: str
    wants_answer: bool = False
    qualifier: str | None = None
    invocation_type: str | None = None
    client_context: str | None = None
    log_type: str | None = None
    seconds: float | None = None
    trace_header: str | None = None


def invocation_of(
    task: OpenTask, seconds: float | None, trace_header: str | None
) -> Invocation:
    """Describe the request that a task asks for."""
    if task.family != "Task":
        return Invocation(
            function=task.resource,
            payload=task.payload.text,
            seconds=seconds,
            trace_header=trace_header,
        )
    parameters = task.payload.value
    assert isinstance(parameters, dict), "a task that names a function has parameters"

    def text(name: str) -> str | None:
        value = parameters.get(name)
        return value if isinstance(value, str) else None

    return Invocation(
        function=text("FunctionName") or "",
        payload=function_input(task.payload).text,
        wants_answer=True,
        qualifier=text("Qualifier"),
        invocation_type=text("InvocationType"),
        client_context=text("ClientContext"),
        log_type=text("LogType"),
        seconds=seconds,
        trace_header=trace_header,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What an answer of Invoke says beside what the function returned."""

    request_id: str
    status: int = 200
    executed_version: str | None = "$LATEST"
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json"}
    )
    log_result: str | None = None


def invoke_answer(returned: Payload, facts: CallFacts) -> Payload:
    """Wrap what a function returned as the answer of Invoke."""
    answer: dict[str, Json] = {
        "ExecutedVersion": facts.executed_version,
        "LogResult": facts.log_result,
        "Payload": returned.value,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [text] for name, text in facts.headers.items()},
            "HttpHeaders": dict(facts.headers),
            "HttpStatusCode": facts.status,
        },
        "SdkResponseMetadata": {"RequestId": facts.request_id},
        "StatusCode": facts.status,
    }
    optional = ("ExecutedVersion", "LogResult")
    absent = [name for name in optional if answer[name] is None]
    return Payload.of_value({k: v for k, v in answer.items() if k not in absent})
