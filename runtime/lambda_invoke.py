"""The optimised integration `arn:aws:states:::lambda:invoke`, seen from the workflow.

The parameters name the function and its Payload; the result wraps what the function
returned as the service's Invoke answer does.
"""

from __future__ import annotations

from asl.jsontext import is_storable
from asl.model import Resource
from asl.payload import EMPTY_OBJECT_TEXT, Json, Payload


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


def invoke_result(returned: Payload, request_id: str) -> Payload:
    """Wrap what a function returned as the answer of Invoke."""
    answer: dict[str, Json] = {
        "ExecutedVersion": "$LATEST",
        "Payload": returned.value,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {"Content-Type": ["application/json"]},
            "HttpHeaders": {"Content-Type": "application/json"},
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": 200,
    }
    return Payload.of_value(answer)
