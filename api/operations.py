"""The table of operations: name, request, function.

An operation that is not here answers UnknownOperationException.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from api import (
    activities,
    aliases,
    executions,
    express,
    histories,
    listings,
    map_runs,
    requests,
    state_machines,
    tags,
    tasks,
    teststate,
    validation,
    versions,
)
from api.access.actions import demands
from api.access.callers import Caller
from api.arns import Site
from api.context import Api
from api.engine_errors import with_public_errors
from api.model import api_model
from api.shapes import compile_request
from api.trail import note_change
from api.wire import Endpoint, Response


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table; an operation with `undo` is a long poll."""

    request: type
    function: Callable[[Api, Any], Coroutine[Any, Any, Response]]
    undo: Callable[[Api, Any, Response], None] | None = None

    @property
    def name(self) -> str:
        """The operation's public name."""
        return self.request.__name__


OPERATIONS: Final = (
    Operation(requests.CreateActivity, activities.create_activity),
    Operation(requests.CreateStateMachine, state_machines.create_state_machine),
    Operation(requests.CreateStateMachineAlias, aliases.create_state_machine_alias),
    Operation(requests.DeleteActivity, activities.delete_activity),
    Operation(requests.DeleteStateMachine, state_machines.delete_state_machine),
    Operation(requests.DeleteStateMachineAlias, aliases.delete_state_machine_alias),
    Operation(
        requests.DeleteStateMachineVersion, versions.delete_state_machine_version
    ),
    Operation(requests.DescribeActivity, activities.describe_activity),
    Operation(requests.DescribeExecution, executions.describe_execution),
    Operation(requests.DescribeMapRun, map_runs.describe_map_run),
    Operation(requests.DescribeStateMachine, state_machines.describe_state_machine),
    Operation(requests.DescribeStateMachineAlias, aliases.describe_state_machine_alias),
    Operation(
        requests.DescribeStateMachineForExecution,
        executions.describe_state_machine_for_execution,
    ),
    Operation(
        requests.GetActivityTask,
        activities.get_activity_task,
        undo=activities.give_back_activity_task,
    ),
    Operation(requests.GetExecutionHistory, histories.get_execution_history),
    Operation(requests.ListActivities, activities.list_activities),
    Operation(requests.ListExecutions, listings.list_executions),
    Operation(requests.ListMapRuns, map_runs.list_map_runs),
    Operation(requests.ListStateMachineAliases, aliases.list_state_machine_aliases),
    Operation(requests.ListStateMachineVersions, versions.list_state_machine_versions),
    Operation(requests.ListStateMachines, state_machines.list_state_machines),
    Operation(requests.ListTagsForResource, tags.list_tags_for_resource),
    Operation(
        requests.PublishStateMachineVersion, versions.publish_state_machine_version
    ),
    Operation(requests.RedriveExecution, executions.redrive_execution),
    Operation(requests.SendTaskFailure, tasks.send_task_failure),
    Operation(requests.SendTaskHeartbeat, tasks.send_task_heartbeat),
    Operation(requests.SendTaskSuccess, tasks.send_task_success),
    Operation(requests.StartExecution, executions.start_execution),
    Operation(requests.StartSyncExecution, express.start_sync_execution),
    Operation(requests.StopExecution, executions.stop_execution),
    Operation(requests.TagResource, tags.tag_resource),
    Operation(requests.TestState, teststate.test_state),
    Operation(requests.UntagResource, tags.untag_resource),
    Operation(requests.UpdateMapRun, map_runs.update_map_run),
    Operation(requests.UpdateStateMachine, state_machines.update_state_machine),
    Operation(requests.UpdateStateMachineAlias, aliases.update_state_machine_alias),
    Operation(
        requests.ValidateStateMachineDefinition,
        validation.validate_state_machine_definition,
    ),
)


def endpoints(api: Api) -> dict[str, Endpoint]:
    """Bind every operation to the parts it works with, its request check compiled."""
    model = api_model()
    return {
        operation.name: Endpoint(
            compile_request(model, operation.name, operation.request),
            partial(_authorize, operation.name, api.site),
            partial(_perform, operation, api),
            waits=operation.undo is not None,
            undo=operation.undo and partial(operation.undo, api),
        )
        for operation in OPERATIONS
    }


def _authorize(name: str, site: Site, caller: Caller, request: Any) -> None:
    """Refuse a caller who may not do all that a request would."""
    if caller.policy is not None:
        for action, resource in demands(name, site, request):
            caller.require(action, resource)


async def _perform(
    operation: Operation, api: Api, caller: Caller, request: Any
) -> Response:
    """Run an operation for a caller."""
    seen = api.seen_by(caller)
    response = await with_public_errors(operation.function, seen, request)
    note_change(operation.name, api, caller, request)
    return response
