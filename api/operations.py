"""The table of operations: name, request, function.

An operation that is not here answers UnknownOperationException.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from api import executions, histories, requests, state_machines, tasks, validation
from api.context import Api
from api.engine_errors import with_public_errors
from api.model import api_model
from api.shapes import compile_request
from api.wire import Endpoint, Response


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table; `waits` says that it is a long poll."""

    request: type
    function: Callable[[Api, Any], Coroutine[Any, Any, Response]]
    waits: bool = False

    @property
    def name(self) -> str:
        """The operation's public name."""
        return self.request.__name__


OPERATIONS: Final = (
    Operation(requests.CreateStateMachine, state_machines.create_state_machine),
    Operation(requests.DeleteStateMachine, state_machines.delete_state_machine),
    Operation(requests.DescribeExecution, executions.describe_execution),
    Operation(requests.DescribeStateMachine, state_machines.describe_state_machine),
    Operation(
        requests.DescribeStateMachineForExecution,
        executions.describe_state_machine_for_execution,
    ),
    Operation(requests.GetExecutionHistory, histories.get_execution_history),
    Operation(requests.ListExecutions, executions.list_executions),
    Operation(requests.ListStateMachines, state_machines.list_state_machines),
    Operation(requests.SendTaskFailure, tasks.send_task_failure),
    Operation(requests.SendTaskHeartbeat, tasks.send_task_heartbeat),
    Operation(requests.SendTaskSuccess, tasks.send_task_success),
    Operation(requests.StartExecution, executions.start_execution),
    Operation(requests.StopExecution, executions.stop_execution),
    Operation(requests.UpdateStateMachine, state_machines.update_state_machine),
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
            partial(with_public_errors, operation.function, api),
            waits=operation.waits,
        )
        for operation in OPERATIONS
    }
