"""What a worker is told of an attempt, made from the folded execution."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from engine.handover import TaskAssignment
from runtime.execution import Execution, OpenTask
from runtime.identity import attempt_id, idempotency_key
from runtime.lambda_invoke import function_input
from runtime.tokens import TokenSigner

LAMBDA_INVOKE: Final = "lambda:invoke"


def is_activity(function: str) -> bool:
    """Tell whether pollers of an activity are meant, not a function of workers."""
    return ":activity:" in function


def assignment_of(
    execution: Execution,
    task: OpenTask,
    *,
    signer: TokenSigner,
    epoch: int,
    now: datetime,
) -> TaskAssignment:
    """Describe an attempt that was started; `now` gives the time that remains."""
    execution_id = execution.execution_id
    scope = execution.scopes[task.scope]
    is_invoke = task.resource.startswith(LAMBDA_INVOKE)
    payload = function_input(task.payload) if is_invoke else task.payload
    remaining = None if task.due is None else (task.due - now).total_seconds()
    return TaskAssignment(
        token=signer.sign(execution.shard, execution_id, task.scheduled_id),
        function=task.function or "",
        input=payload.text,
        execution_arn=execution.arn,
        state_machine_arn=execution.state_machine_arn,
        state_name=scope.state,
        attempt_id=attempt_id(execution_id, task.scheduled_id),
        idempotency_key=idempotency_key(execution_id, task.visit),
        retry_count=task.retry_count,
        remaining_seconds=remaining,
        heartbeat_seconds=task.heartbeat_seconds,
        shard=execution.shard,
        epoch=epoch,
        trace_header=execution.trace_header,
    )
