"""Policies that have a name: what most keys need."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import orjson

from api.access.policies import VERSION, Policy, parse_policy

_LOOK: Final = (
    "states:Describe*",
    "states:List*",
    "states:GetExecutionHistory",
    "states:ValidateStateMachineDefinition",
    "stepwell:ReadMetrics",
)
_SEND: Final = ("states:SendTask*",)

# What each may do, on everything.
PRESETS: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("states:*", "stepwell:*", "iam:PassRole"),
    "operator": (
        *_LOOK,
        *_SEND,
        "states:Start*",
        "states:StopExecution",
        "states:RedriveExecution",
        "states:UpdateMapRun",
    ),
    "starter": ("states:Start*", "states:DescribeExecution"),
    "approver": (
        *_SEND,
        "states:DescribeExecution",
        "states:DescribeStateMachineForExecution",
        "states:GetExecutionHistory",
        "states:ListExecutions",
        "states:ListStateMachines",
    ),
    "auditor": _LOOK,
    "scraper": ("stepwell:ReadMetrics",),
    "worker": ("stepwell:ClaimTasks", "states:GetActivityTask", *_SEND),
}


def preset_document(name: str) -> dict[str, Any]:
    """Return the policy of a preset as IAM writes it."""
    allow = {"Effect": "Allow", "Action": list(PRESETS[name]), "Resource": "*"}
    return {"Version": VERSION, "Statement": [allow]}


@cache
def preset_policy(name: str) -> Policy:
    """Return the policy of a preset."""
    return parse_policy(orjson.dumps(preset_document(name)))
