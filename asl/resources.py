"""The Resource of a Task, taken apart."""

from __future__ import annotations

import re
from typing import Final

from asl.jsontext import is_storable
from asl.model import Pattern, Resource, ResourceKind

_LAMBDA: Final = re.compile(
    r"arn:[^:]+:lambda:[^:]+:[^:]+:function:([^:]+)(?::([^:]+))?"
)
_ACTIVITY: Final = re.compile(r"arn:[^:]+:states:[^:]+:[^:]+:activity:([^:]+)")
_SERVICE: Final = re.compile(
    r"arn:[^:]+:states:[^:]*:[^:]*:(?P<service>(?:aws-sdk:)?[A-Za-z0-9-]+):"
    r"(?P<action>[A-Za-z0-9_]+)(?P<pattern>\.[A-Za-z]+(?::\d)?)?"
)


def parse_resource(arn: str) -> Resource | None:
    """Take a Resource apart; None when it is none."""
    if not is_storable(arn):
        return None
    function = _LAMBDA.fullmatch(arn)
    if function is not None:
        return Resource(arn, ResourceKind.LAMBDA_FUNCTION, function=function[1])
    if _ACTIVITY.fullmatch(arn) is not None:
        return Resource(arn, ResourceKind.ACTIVITY)
    service = _SERVICE.fullmatch(arn)
    return None if service is None else _service(arn, service)


def _service(arn: str, match: re.Match[str]) -> Resource | None:
    suffix = match["pattern"] or ""
    try:
        pattern = Pattern(suffix)
    except ValueError:
        return None
    return Resource(
        arn,
        ResourceKind.SERVICE,
        pattern=pattern,
        resource_type=match["service"],
        resource=match["action"] + suffix,
    )
