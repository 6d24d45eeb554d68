"""Apply one event to an execution: the only code that changes one.

The rules:

1. Nothing here evaluates an expression, looks at the definition, or reads a clock. What the
   definition said at the time (the next state, the region of a branch, a due time, who takes
   a failure) is in the event.
2. Every prefix of a log folds. A failing event carries the resolution of the failure; the
   events of the tear-down that follow it find their scopes already gone and change nothing.
3. Open timers and tasks are part of the state. The `timers` and `tasks` rows of an execution
   must equal them after every commit.
4. A scope that has something to decide stands in `ready`, in the order it became so.
5. An execution that ends badly keeps its scopes as they were: a redrive goes on from them.

`evolve` dispatches through a table keyed by event class; a test compares its keys with
`EVENT_CLASSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from runtime import events as ev
from runtime.execution import (
    ROOT,
    ChildOf,
    Children,
    Execution,
    MapRunStatus,
    OpenMapRun,
    OpenTask,
    Phase,
    Scope,
    Status,
    TimerKind,
    child_scope_id,
)
from runtime.failure import Action, Failure
from runtime.identity import ExecutionId
from runtime.limits import REDRIVE_TOKENS
from runtime.resuming import resume
from runtime.upkeep import (
    close_map_run,
    close_task,
    close_timer,
    end_visit,
    make_ready,
    open_timer,
    remove_children,
)


def evolve(execution: Execution, event: ev.HistoryEvent) -> None:
    """Apply one event; ids must follow each other without a gap."""
    assert event.id == execution.last_event_id + 1, "events must be applied in order"
    _TABLE[type(event)](execution, event)
    execution.last_event_id = event.id
    execution.last_time = event.time
    if event.failure is not None:
        _resolve(execution, event.failure)


def fold(
    shard: int, execution_id: ExecutionId, log: Iterable[ev.HistoryEvent]
) -> Execution:
    """Rebuild an execution from its log.

    What the log has opened is not a change to be written again, except where only the
    start is there: its timers are written by the first turn.
    """
    execution = Execution(shard=shard, execution_id=execution_id)
    for event in log:
        payload = event.payload
        if payload is not None and not event.data_from:
            payload.owner, payload.holder = execution.ledger, event.id
        evolve(execution, event)
    if execution.last_event_id > 1:
        forget_changes(execution)
    return execution


def forget_changes(execution: Execution) -> None:
    """Declare the changes since the last commit written."""
    execution.opened_timers.clear()
    execution.closed_timers.clear()
    execution.opened_tasks.clear()
    execution.changed_tasks.clear()
    execution.closed_tasks.clear()
    execution.opened_map_runs.clear()
    execution.redriven_map_runs.clear()
    execution.closed_map_runs.clear()


def _close_execution(
    execution: Execution, event: ev.HistoryEvent, status: Status
) -> None:
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


# One function per kind of event


def _execution_started(execution: Execution, event: ev.ExecutionStarted) -> None:
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


def _execution_succeeded(execution: Execution, event: ev.ExecutionSucceeded) -> None:
    execution.output = event.payload
    _close_execution(execution, event, Status.SUCCEEDED)


def _execution_failed(execution: Execution, event: ev.FailedEvent) -> None:
    execution.error, execution.cause = event.error, event.cause
    _close_execution(execution, event, _CLOSING_STATUS[type(event)])


_CLOSING_STATUS: Final[dict[type[ev.HistoryEvent], Status]] = {
    ev.ExecutionFailed: Status.FAILED,
    ev.ExecutionTimedOut: Status.TIMED_OUT,
    ev.ExecutionAborted: Status.ABORTED,
}


def _execution_redriven(execution: Execution, event: ev.ExecutionRedriven) -> None:
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


def _state_entered(execution: Execution, event: ev.StateEntered) -> None:
    scope = execution.scopes[event.scope]
    assert event.payload is not None, "a state is entered with an input"
    execution.ready.pop(scope.id, None)
    scope.state = event.name
    scope.payload = event.payload
    scope.visit = event.id
    scope.before = event.previous_id
    scope.entered = event.time
    scope.last_id = event.id
    scope.phase = Phase.RUNNING
    scope.kind = _KINDS[type(event)]
    scope.ended_run = None
    if scope.retries:
        scope.retries = {}
    scope.retry_count = scope.failed_id = 0
    execution.visits[event.id] = scope.id


_KINDS: Final = {
    entered: entered.__name__.removesuffix("StateEntered")
    for entered in ev.EVENT_CLASSES
    if issubclass(entered, ev.StateEntered)
}


def _wait_state_entered(execution: Execution, event: ev.WaitStateEntered) -> None:
    _state_entered(execution, event)
    scope = execution.scopes[event.scope]
    scope.due = event.due
    if event.due is not None:
        scope.phase = Phase.WAITING
        open_timer(execution, (event.id, TimerKind.WAIT), event.due)


def _state_exited(execution: Execution, event: ev.StateExited) -> None:
    scope = execution.scopes[event.scope]
    assert event.payload is not None, "a state is left with an output"
    execution.ready.pop(scope.id, None)
    end_visit(execution, scope)
    scope.children = None
    scope.last_id = event.id
    scope.payload = event.payload
    if event.assigned:
        scope.variables = {**scope.variables, **event.assigned}
    if event.next is not None:
        scope.state = event.next
        make_ready(execution, scope, Phase.ENTERING)
    elif scope.parent is None:
        scope.phase = Phase.DONE
    else:
        _child_done(execution, scope)


def _child_done(execution: Execution, scope: Scope) -> None:
    """End a branch, which has no event of its own, or let an iteration report."""
    if scope.items is not None:
        make_ready(execution, scope, Phase.DONE)
        return
    assert scope.parent is not None
    parent = execution.scopes[scope.parent]
    children = parent.children
    assert children is not None, "a branch has a parent that is joining"
    del execution.scopes[scope.id], children.open[scope.index]
    children.results[scope.index] = scope.payload
    parent.last_id = scope.last_id
    if children.is_complete:
        make_ready(execution, parent, Phase.JOINED)


def _nothing(execution: Execution, event: ev.HistoryEvent) -> None:
    """Record only: what it tells has already happened to the state."""


def _link(execution: Execution, event: ev.HistoryEvent) -> None:
    """Move the causal chain of the scope to this event."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        scope.last_id = event.id


def _begin_work(execution: Execution, event: ev.HistoryEvent) -> Scope:
    """Begin, or begin again, what the visited state is there for."""
    scope = execution.scopes[event.scope]
    execution.ready.pop(scope.id, None)
    if scope.phase is Phase.BACKOFF:
        close_timer(execution, (scope.visit, TimerKind.RETRY))
    scope.last_id = event.id
    return scope


def _scheduled(execution: Execution, event: ev.Scheduled) -> None:
    scope = _begin_work(execution, event)
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


def _started(execution: Execution, event: ev.Started) -> None:
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


def _submitted(execution: Execution, event: ev.TaskSubmitted) -> None:
    scope = execution.scopes[event.scope]
    assert scope.task is not None, "a task is submitted after it was started"
    scope.task.submitted_id = event.id
    scope.task.worker = None
    scope.last_id = event.id
    if scope.task.scheduled_id not in execution.opened_tasks:
        execution.changed_tasks.add(scope.task.scheduled_id)


def _task_closed(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a task; one that timed out while it was torn down is gone already."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        close_task(execution, scope)
        scope.last_id = event.id


def _task_failed(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a task badly: what tries it again, a retry or a redrive, follows this event."""
    _task_closed(execution, event)
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        scope.failed_id = event.id


def _parallel_started(execution: Execution, event: ev.ParallelStateStarted) -> None:
    scope = _begin_work(execution, event)
    assert event.payload is not None, "branches start with an input"
    scope.phase = Phase.JOINING
    scope.children = Children(started_id=event.id, total=len(event.regions))
    for index, (region, start) in enumerate(
        zip(event.regions, event.starts, strict=True)
    ):
        child = Scope(
            id=child_scope_id(event.id, index),
            parent=scope.id,
            region=region,
            phase=Phase.ENTERING,
            state=start,
            payload=event.payload,
            last_id=event.id,
            variables=scope.variables,
            index=index,
        )
        _add_child(execution, scope.children, child)


def _add_child(execution: Execution, children: Children, child: Scope) -> None:
    children.open[child.index] = child.id
    execution.scopes[child.id] = child
    execution.ready[child.id] = None


def _map_started(execution: Execution, event: ev.MapStateStarted) -> None:
    scope = _begin_work(execution, event)
    scope.children = Children(
        started_id=event.id,
        total=event.length,
        concurrency=event.concurrency,
        region=event.region,
        start_at=event.start_at,
        items=event.payload,
    )
    scope.phase = Phase.JOINING
    if event.length == 0 and not event.is_distributed:
        make_ready(execution, scope, Phase.JOINED)


def _iteration_started(execution: Execution, event: ev.MapIterationStarted) -> None:
    scope = execution.scopes[event.scope]
    children = scope.children
    assert children is not None, "an iteration has a Map that was started"
    assert event.payload is not None, "an iteration starts with an input"
    children.next_index = event.index + 1
    if scope.phase is Phase.REDRIVEN:
        execution.ready.pop(scope.id, None)
        scope.phase = Phase.JOINING
    child = Scope(
        id=child_scope_id(event.id),
        parent=scope.id,
        region=children.region,
        phase=Phase.ENTERING,
        state=children.start_at,
        payload=event.payload,
        last_id=event.id,
        variables=scope.variables,
        index=event.index,
        items=children.items,
    )
    _add_child(execution, children, child)


def _iteration_succeeded(execution: Execution, event: ev.MapIterationSucceeded) -> None:
    parent = execution.scopes[event.scope]
    children = parent.children
    assert children is not None, "an iteration has a Map that was started"
    child = execution.scopes.pop(children.open.pop(event.index))
    execution.ready.pop(child.id, None)
    children.results[event.index] = child.payload
    parent.last_id = event.id
    if children.is_complete:
        make_ready(execution, parent, Phase.JOINED)


def _results_taken(execution: Execution, event: ev.HistoryEvent) -> None:
    """Take the results of a Map or Parallel to its exit; if that fails, they are spent."""
    scope = execution.scopes[event.scope]
    execution.ready.pop(scope.id, None)
    scope.children = None
    scope.phase = Phase.RUNNING


def _map_run_started(execution: Execution, event: ev.MapRunStarted) -> None:
    """Open a Map Run in the place of the iterations that its Map would have."""
    scope = execution.scopes[event.scope]
    children, scope.children = scope.children, None
    scope.ended_run = None
    assert children is not None, "a Map Run has a Map that was started"
    assert children.items is not None, "a Map Run has items"
    scope.map_run = OpenMapRun(
        started_id=event.id,
        scope=scope.id,
        visit=event.visit,
        arn=event.map_run_arn,
        started=event.time,
        region=children.region,
        start_at=children.start_at,
        items=children.items,
        length=children.total,
        execution_type=event.execution_type,
        concurrency=event.concurrency,
        tolerated_count=event.tolerated_count,
        tolerated_percentage=event.tolerated_percentage,
        most_items=event.most_items,
        most_bytes=event.most_bytes,
        batch_input=event.payload,
    )
    scope.last_id = event.id
    execution.map_runs[event.id] = scope.map_run
    execution.opened_map_runs[event.id] = scope.map_run


def _map_run_redriven(execution: Execution, event: ev.MapRunRedriven) -> None:
    """Open a Map Run again; from here on this event is its start."""
    scope = execution.scopes[event.scope]
    run, scope.ended_run = scope.ended_run, None
    assert run is not None, "only a Map Run that has ended badly is redriven"
    execution.ready.pop(scope.id, None)
    run.started_id = event.id
    run.redrive_count = event.redrive_count
    run.redriven = event.time
    scope.map_run = run
    scope.phase = Phase.JOINING
    scope.last_id = event.id
    execution.map_runs[event.id] = run
    execution.redriven_map_runs[event.id] = run
    execution.closed_map_runs.pop(run.arn, None)


def _map_run_ended(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a Map Run; one that is aborted in a tear-down is gone already."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        close_map_run(execution, scope, _MAP_RUN_STATUS[type(event)])
        scope.last_id = event.id


_MAP_RUN_STATUS: Final[dict[type[ev.HistoryEvent], MapRunStatus]] = {
    ev.MapRunSucceeded: MapRunStatus.SUCCEEDED,
    ev.MapRunFailed: MapRunStatus.FAILED,
    ev.MapRunAborted: MapRunStatus.ABORTED,
}


# Failures


def _resolve(execution: Execution, failure: Failure) -> None:
    """Bring a failure to the scope that takes it; all below that scope is gone."""
    scope = execution.scopes[failure.scope]
    execution.ready.pop(scope.id, None)
    if scope.phase is Phase.BACKOFF:
        close_timer(execution, (scope.visit, TimerKind.RETRY))
    remove_children(execution, scope)
    close_task(execution, scope)
    scope.ended_run = None
    scope.last_id = failure.previous_id
    if failure.action is Action.RETRY:
        assert failure.due is not None
        scope.phase = Phase.BACKOFF
        scope.retries[failure.retrier] = scope.retries.get(failure.retrier, 0) + 1
        scope.retry_count += 1
        open_timer(execution, (scope.visit, TimerKind.RETRY), failure.due)
    else:
        scope.phase = Phase.CAUGHT


_TABLE: Final[dict[type[ev.HistoryEvent], Callable[..., None]]] = {
    ev.ActivityFailed: _task_failed,
    ev.ActivityScheduled: _scheduled,
    ev.ActivityScheduleFailed: _link,
    ev.ActivityStarted: _started,
    ev.ActivitySucceeded: _task_closed,
    ev.ActivityTimedOut: _task_failed,
    ev.ChoiceStateEntered: _state_entered,
    ev.ChoiceStateExited: _state_exited,
    ev.EvaluationFailed: _link,
    ev.ExecutionAborted: _execution_failed,
    ev.ExecutionFailed: _execution_failed,
    ev.ExecutionRedriven: _execution_redriven,
    ev.ExecutionStarted: _execution_started,
    ev.ExecutionSucceeded: _execution_succeeded,
    ev.ExecutionTimedOut: _execution_failed,
    ev.FailStateEntered: _state_entered,
    ev.LambdaFunctionFailed: _task_failed,
    ev.LambdaFunctionScheduled: _scheduled,
    ev.LambdaFunctionScheduleFailed: _link,
    ev.LambdaFunctionStarted: _started,
    ev.LambdaFunctionStartFailed: _task_failed,
    ev.LambdaFunctionSucceeded: _task_closed,
    ev.LambdaFunctionTimedOut: _task_failed,
    ev.MapIterationAborted: _nothing,
    ev.MapIterationFailed: _nothing,
    ev.MapIterationStarted: _iteration_started,
    ev.MapIterationSucceeded: _iteration_succeeded,
    ev.MapRunAborted: _map_run_ended,
    ev.MapRunFailed: _map_run_ended,
    ev.MapRunRedriven: _map_run_redriven,
    ev.MapRunStarted: _map_run_started,
    ev.MapRunSucceeded: _map_run_ended,
    ev.MapStateAborted: _nothing,
    ev.MapStateEntered: _state_entered,
    ev.MapStateExited: _state_exited,
    ev.MapStateFailed: _nothing,
    ev.MapStateStarted: _map_started,
    ev.MapStateSucceeded: _results_taken,
    ev.ParallelStateAborted: _nothing,
    ev.ParallelStateEntered: _state_entered,
    ev.ParallelStateExited: _state_exited,
    ev.ParallelStateFailed: _nothing,
    ev.ParallelStateStarted: _parallel_started,
    ev.ParallelStateSucceeded: _results_taken,
    ev.PassStateEntered: _state_entered,
    ev.PassStateExited: _state_exited,
    ev.SucceedStateEntered: _state_entered,
    ev.SucceedStateExited: _state_exited,
    ev.TaskFailed: _task_failed,
    ev.TaskScheduled: _scheduled,
    ev.TaskStarted: _started,
    ev.TaskStartFailed: _task_failed,
    ev.TaskStateAborted: _nothing,
    ev.TaskStateEntered: _state_entered,
    ev.TaskStateExited: _state_exited,
    ev.TaskSubmitFailed: _task_failed,
    ev.TaskSubmitted: _submitted,
    ev.TaskSucceeded: _task_closed,
    ev.TaskTimedOut: _task_failed,
    ev.WaitStateAborted: _nothing,
    ev.WaitStateEntered: _wait_state_entered,
    ev.WaitStateExited: _state_exited,
}
