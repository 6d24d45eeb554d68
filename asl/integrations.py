"""Which services a Task can call by `arn:aws:states:::SERVICE:ACTION`, and how it can wait.

The table is the documented one of optimised integrations. Services gain actions, so an action
is not looked at; any service can be called by `aws-sdk:SERVICE`, and none of those as a job.
"""

from __future__ import annotations

from typing import Final

from asl.model import Pattern, Resource, ResourceKind

_CALL: Final = frozenset({Pattern.REQUEST_RESPONSE})
_CALLBACK: Final = _CALL | {Pattern.WAIT_FOR_TASK_TOKEN}
_JOB: Final = _CALL | {Pattern.SYNC}
_ALL: Final = frozenset(Pattern)
_SDK: Final = "aws-sdk:"
_PATTERNS: Final[dict[str, frozenset[Pattern]]] = {
    "apigateway": _CALLBACK,
    "athena": _JOB,
    "batch": _JOB,
    "bedrock": _JOB | _CALLBACK,
    "bedrockagentcore": _JOB | _CALLBACK,
    "codebuild": _JOB,
    "databrew": _JOB,
    "dynamodb": _CALL,
    "ecs": _JOB | _CALLBACK,
    "eks": _JOB | _CALLBACK,
    "elasticmapreduce": _JOB,
    "emr-containers": _JOB,
    "emr-serverless": _JOB,
    "events": _CALLBACK,
    "glue": _JOB,
    "http": _CALL,
    "lambda": _CALLBACK,
    "mediaconvert": _JOB,
    "sagemaker": _JOB,
    "sns": _CALLBACK,
    "sqs": _CALLBACK,
    "states": _ALL,
}


def is_recognized(resource: Resource) -> bool:
    """Tell whether a Task can have a resource: a function, an activity, a known service."""
    if resource.kind is not ResourceKind.SERVICE:
        return True
    if resource.resource_type.startswith(_SDK):
        return resource.pattern in _CALLBACK
    return resource.pattern in _PATTERNS.get(resource.resource_type, ())


def not_recognized(arn: str) -> str:
    """Return the service's words about a resource that it does not know."""
    return (
        f"The resource provided {arn} is not recognized. The value is not a valid "
        "resource ARN, or the resource is not available in this region."
    )
