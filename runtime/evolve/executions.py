"""An execution begins, ends, and is redriven."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from runtime import events as ev
from runtime.evolve.resuming import resume
from runtime.evolve.upkeep import (
    close_map_run,
    close_task,
    close_timer,
    end_visit,
    open_timer,
)
from runtime.execution import (
    ROOT,
    ChildOf,
    Execution,
    MapRunStatus,
    Phase,
    Scope,
    Status,
    TimerKind,
)
from runtime.limits import REDRIVE_TOKENS


def started(execution: Execution, event: ev.ExecutionStarted) -> None:
    """Begin: the root scope is about to enter the first state."""
    assert event.payload is not None, "an execution starts with an input"
    execution.arn = event.arn
    execution.name = event.name
    execution.role_arn = event.role_arn
    execution.state_machine_arn = event.state_machine_arn
    execution.state_machine_name = event.state_machine_name
    execution.trace_header = event.trace_header
    execution.input = event.payload
    execution.started = event.time
    _set_deadline(execution, event.deadline)
    if event.map_run_arn is not None:
        execution.child_of = ChildOf(
            map_run_arn=event.map_run_arn,
            shard=event.map_run_shard,
            index=event.map_run_index,
            item_count=event.item_count,
        )
    root = Scope(
        id=ROOT,
        parent=None,
        region=event.region,
        phase=Phase.ENTERING,
        state=event.start_at,
        payload=event.payload,
        last_id=0,
    )
    execution.scopes[ROOT] = root
    execution.ready[ROOT] = None


def _set_deadline(execution: Execution, deadline: datetime | None) -> None:
    execution.deadline = deadline
    if deadline is not None:
        open_timer(execution, (1, TimerKind.EXECUTION_TIMEOUT), deadline)


def succeeded(execution: Execution, event: ev.ExecutionSucceeded) -> None:
    """End well."""
    execution.output = event.payload
    _close(execution, event, Status.SUCCEEDED)


def ended_badly(execution: Execution, event: ev.FailedEvent) -> None:
    """End with an error, by a limit, or by a stop."""
    execution.error, execution.cause = event.error, event.cause
    _close(execution, event, _CLOSING_STATUS[type(event)])


_CLOSING_STATUS: Final[dict[type[ev.HistoryEvent], Status]] = {
    ev.ExecutionFailed: Status.FAILED,
    ev.ExecutionTimedOut: Status.TIMED_OUT,
    ev.ExecutionAborted: Status.ABORTED,
}


def _close(execution: Execution, event: ev.HistoryEvent, status: Status) -> None:
    for scope in execution.scopes.values():
        close_task(execution, scope)
        close_map_run(execution, scope, MapRunStatus.ABORTED)
        end_visit(execution, scope)
    if status is not Status.SUCCEEDED:
        execution.remains = execution.scopes
    execution.scopes = {}
    execution.ready.clear()
    close_timer(execution, (1, TimerKind.EXECUTION_TIMEOUT))
    execution.status = status
    execution.stopped = event.time


def redriven(execution: Execution, event: ev.ExecutionRedriven) -> None:
    """Go on from the scopes as they were when the execution ended."""
    execution.status = Status.RUNNING
    execution.stopped = execution.error = execution.cause = None
    execution.redrive_count = event.redrive_count
    execution.redriven = event.time
    if event.client_token:
        latest = [*execution.redrives.items(), (event.client_token, event.time)]
        execution.redrives = dict(latest[-REDRIVE_TOKENS:])
    _set_deadline(execution, event.deadline)
    execution.scopes, execution.remains = execution.remains, {}
    for scope in execution.scopes.values():
        resume(execution, scope)
