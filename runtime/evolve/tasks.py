"""A task is scheduled, started, submitted and closed."""

from __future__ import annotations

from typing import Final

from runtime import events as ev
from runtime.evolve.upkeep import begin_work, close_task, open_timer
from runtime.execution import Execution, OpenTask, Phase, TimerKind


def scheduled(execution: Execution, event: ev.Scheduled) -> None:
    """Open an attempt."""
    scope = begin_work(execution, event)
    assert event.payload is not None, "a task is scheduled with parameters"
    scope.failed_id = 0
    scope.phase = Phase.RUNNING
    scope.task = execution.tasks[event.id] = OpenTask(
        scheduled_id=event.id,
        scope=scope.id,
        visit=event.visit,
        family=_FAMILY[type(event)],
        resource=_resource(event),
        function=event.function,
        payload=event.payload,
        waits_for_token=event.waits_for_token,
        timeout_seconds=event.timeout_seconds,
        heartbeat_seconds=event.heartbeat_seconds,
        retry_count=scope.retry_count,
        scheduled=event.time,
        due=event.due,
    )
    execution.opened_tasks.add(event.id)
    if event.due is not None:
        open_timer(execution, (event.id, TimerKind.TASK_TIMEOUT), event.due)


_FAMILY: Final[dict[type[ev.HistoryEvent], str]] = {
    ev.LambdaFunctionScheduled: "LambdaFunction",
    ev.ActivityScheduled: "Activity",
    ev.TaskScheduled: "Task",
}


def _resource(event: ev.Scheduled) -> str:
    if isinstance(event, ev.TaskScheduled):
        return f"{event.resource_type}:{event.resource}"
    return event.resource


def started(execution: Execution, event: ev.Started) -> None:
    """Give the open attempt to a worker."""
    scope = execution.scopes[event.scope]
    task = scope.task
    assert task is not None, "a task starts after it was scheduled"
    task.started_id = event.id
    task.started = event.time
    task.worker = event.worker
    scope.last_id = event.id
    if event.heartbeat_due is not None:
        key = (task.scheduled_id, TimerKind.HEARTBEAT)
        open_timer(execution, key, event.heartbeat_due)
    if task.scheduled_id not in execution.opened_tasks:
        execution.changed_tasks.add(task.scheduled_id)


def submitted(execution: Execution, event: ev.TaskSubmitted) -> None:
    """Let the open attempt wait for its callback; its worker is free."""
    scope = execution.scopes[event.scope]
    assert scope.task is not None, "a task is submitted after it was started"
    scope.task.submitted_id = event.id
    scope.task.worker = None
    scope.last_id = event.id
    if scope.task.scheduled_id not in execution.opened_tasks:
        execution.changed_tasks.add(scope.task.scheduled_id)


def closed(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a task; one that timed out while it was torn down is gone already."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        close_task(execution, scope)
        scope.last_id = event.id


def failed(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a task badly: what tries it again, a retry or a redrive, follows this event."""
    closed(execution, event)
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        scope.failed_id = event.id
