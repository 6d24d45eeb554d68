"""What every operation asks of a policy: the action of its name, on the resources it names.

Resources are those of IAM's own reference for Step Functions. An operation that can touch
more asks for more: to hand a role to a machine is `iam:PassRole` on that role.

The demands are made of the request alone, before anything is looked up: who may not touch
a resource gets the same answer whether it exists or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from api.arns import Site
from api.model import api_model

Demand: TypeAlias = tuple[str, str]

EVERYTHING: Final = "*"
PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - the name of an action
REVEAL_SECRETS: Final = "states:RevealSecrets"
CLAIM_TASKS: Final = "stepwell:ClaimTasks"
READ_METRICS: Final = "stepwell:ReadMetrics"
SEND_TASK: Final = ("states:SendTaskSuccess", "states:SendTaskFailure")


def known_actions() -> frozenset[str]:
    """Return every action that something here asks for."""
    states = {f"states:{name}" for name in api_model().operations}
    return frozenset({*states, REVEAL_SECRETS, PASS_ROLE, CLAIM_TASKS, READ_METRICS})


def demands(operation: str, site: Site, request: Any) -> Iterator[Demand]:
    """Yield the actions that a request needs, each with the resource it needs it on."""
    yield f"states:{operation}", RESOURCES[operation](site, request)
    more = _MORE.get(operation)
    if more is not None:
        yield from more(site, request)


def _member(name: str) -> Callable[[Site, Any], str]:
    def read(_site: Site, request: Any) -> str:
        arn: str = getattr(request, name)
        return arn

    return read


def _new_machine(site: Site, request: Any) -> str:
    return site.state_machine(request.name)


def _new_activity(site: Site, request: Any) -> str:
    return site.activity(request.name)


def _new_alias(_site: Site, request: Any) -> str:
    version = str(request.routing_configuration[0].get("stateMachineVersionArn", ""))
    return f"{version.rpartition(':')[0]}:{request.name}"


def _any_machine(site: Site, _request: Any) -> str:
    return site.state_machine(EVERYTHING)


def _any_activity(site: Site, _request: Any) -> str:
    return site.activity(EVERYTHING)


def _listed(site: Site, request: Any) -> str:
    return request.state_machine_arn or request.map_run_arn or _any_machine(site, None)


_ACTIVITY: Final = _member("activity_arn")
_ALIAS: Final = _member("state_machine_alias_arn")
_EXECUTION: Final = _member("execution_arn")
_MACHINE: Final = _member("state_machine_arn")
_MAP_RUN: Final = _member("map_run_arn")
_RESOURCE: Final = _member("resource_arn")
_VERSION: Final = _member("state_machine_version_arn")

RESOURCES: Final[Mapping[str, Callable[[Site, Any], str]]] = {
    "CreateActivity": _new_activity,
    "CreateStateMachine": _new_machine,
    "CreateStateMachineAlias": _new_alias,
    "DeleteActivity": _ACTIVITY,
    "DeleteStateMachine": _MACHINE,
    "DeleteStateMachineAlias": _ALIAS,
    "DeleteStateMachineVersion": _VERSION,
    "DescribeActivity": _ACTIVITY,
    "DescribeExecution": _EXECUTION,
    "DescribeMapRun": _MAP_RUN,
    "DescribeStateMachine": _MACHINE,
    "DescribeStateMachineAlias": _ALIAS,
    "DescribeStateMachineForExecution": _EXECUTION,
    "GetActivityTask": _ACTIVITY,
    "GetExecutionHistory": _EXECUTION,
    "ListActivities": _any_activity,
    "ListExecutions": _listed,
    "ListMapRuns": _EXECUTION,
    "ListStateMachineAliases": _MACHINE,
    "ListStateMachineVersions": _MACHINE,
    "ListStateMachines": _any_machine,
    "ListTagsForResource": _RESOURCE,
    "PublishStateMachineVersion": _MACHINE,
    "RedriveExecution": _EXECUTION,
    "SendTaskFailure": _any_machine,
    "SendTaskHeartbeat": _any_machine,
    "SendTaskSuccess": _any_machine,
    "StartExecution": _MACHINE,
    "StartSyncExecution": _MACHINE,
    "StopExecution": _EXECUTION,
    "TagResource": _RESOURCE,
    "TestState": _any_machine,
    "UntagResource": _RESOURCE,
    "UpdateMapRun": _MAP_RUN,
    "UpdateStateMachine": _MACHINE,
    "UpdateStateMachineAlias": _ALIAS,
    "ValidateStateMachineDefinition": _any_machine,
}


def _for_new_activity(site: Site, request: Any) -> Iterator[Demand]:
    if request.tags:
        yield "states:TagResource", _new_activity(site, request)


def _for_new_machine(site: Site, request: Any) -> Iterator[Demand]:
    arn = _new_machine(site, request)
    yield PASS_ROLE, request.role_arn
    if request.tags:
        yield "states:TagResource", arn
    if request.publish:
        yield "states:PublishStateMachineVersion", arn


def _for_update(_site: Site, request: Any) -> Iterator[Demand]:
    if request.role_arn is not None:
        yield PASS_ROLE, request.role_arn
    if request.publish:
        yield "states:PublishStateMachineVersion", request.state_machine_arn


def _for_listing(_site: Site, request: Any) -> Iterator[Demand]:
    if request.state_machine_arn and request.map_run_arn:
        yield "states:ListExecutions", request.map_run_arn


def _for_trial(site: Site, request: Any) -> Iterator[Demand]:
    if request.role_arn is not None:
        yield PASS_ROLE, request.role_arn
    if request.reveal_secrets:
        yield REVEAL_SECRETS, _any_machine(site, request)


_MORE: Final[Mapping[str, Callable[[Site, Any], Iterator[Demand]]]] = {
    "CreateActivity": _for_new_activity,
    "CreateStateMachine": _for_new_machine,
    "ListExecutions": _for_listing,
    "TestState": _for_trial,
    "UpdateStateMachine": _for_update,
}
