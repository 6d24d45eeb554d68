"""Timers, tasks, Map Runs and scopes of an execution, opened and closed.

These are the steps that the modules of this package share; nobody else takes them.
"""

from __future__ import annotations

from datetime import datetime

from runtime import events as ev
from runtime.execution import Execution, MapRunStatus, Phase, Scope, TimerKey, TimerKind

# Timers and tasks


def open_timer(execution: Execution, key: TimerKey, due: datetime) -> None:
    """Open a timer, or set it anew."""
    execution.timers[key] = due
    execution.opened_timers.add(key)


def close_timer(execution: Execution, key: TimerKey) -> None:
    """Close a timer that is open."""
    if execution.timers.pop(key, None) is None:
        return
    if key in execution.opened_timers:
        execution.opened_timers.discard(key)
    else:
        execution.closed_timers.add(key)


def close_task(execution: Execution, scope: Scope) -> None:
    """Close the open attempt of a scope, with its timers."""
    task = scope.task
    if task is None:
        return
    scope.task = None
    scheduled_id = task.scheduled_id
    del execution.tasks[scheduled_id]
    execution.changed_tasks.discard(scheduled_id)
    if scheduled_id in execution.opened_tasks:
        execution.opened_tasks.discard(scheduled_id)
    else:
        execution.closed_tasks.add(scheduled_id)
    if execution.timers:
        close_timer(execution, (scheduled_id, TimerKind.TASK_TIMEOUT))
        close_timer(execution, (scheduled_id, TimerKind.HEARTBEAT))


def close_map_run(execution: Execution, scope: Scope, status: MapRunStatus) -> None:
    """Close the open Map Run of a scope."""
    run = scope.map_run
    if run is None:
        return
    scope.map_run = None
    if status is not MapRunStatus.SUCCEEDED:
        scope.ended_run = run
    del execution.map_runs[run.started_id]
    execution.closed_map_runs[run.arn] = status


# Scopes


def make_ready(execution: Execution, scope: Scope, phase: Phase) -> None:
    """Let a scope have something to decide."""
    scope.phase = phase
    execution.ready[scope.id] = None


def begin_work(execution: Execution, event: ev.HistoryEvent) -> Scope:
    """Begin, or begin again, what the visited state is there for."""
    scope = execution.scopes[event.scope]
    execution.ready.pop(scope.id, None)
    if scope.phase is Phase.BACKOFF:
        close_timer(execution, (scope.visit, TimerKind.RETRY))
    scope.last_id = event.id
    return scope


def remove_scope(execution: Execution, scope: Scope) -> None:
    """Take a scope out, with its children, its task, its Map Run and its timers."""
    remove_children(execution, scope)
    close_task(execution, scope)
    close_map_run(execution, scope, MapRunStatus.ABORTED)
    end_visit(execution, scope)
    execution.ready.pop(scope.id, None)
    del execution.scopes[scope.id]


def remove_children(execution: Execution, scope: Scope) -> None:
    """Take out what a scope has below it."""
    if scope.children is None:
        return
    for child_id in scope.children.open.values():
        remove_scope(execution, execution.scopes[child_id])
    scope.children = None


def end_visit(execution: Execution, scope: Scope) -> None:
    """End the visit of a scope: what it sleeps for comes no more."""
    if scope.phase is Phase.WAITING:
        close_timer(execution, (scope.visit, TimerKind.WAIT))
    elif scope.phase is Phase.BACKOFF:
        close_timer(execution, (scope.visit, TimerKind.RETRY))
    execution.visits.pop(scope.visit, None)
