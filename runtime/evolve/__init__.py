"""Apply one event to an execution: the only code that changes one is in this package.

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
`EVENT_CLASSES`. The functions stand in a module per subject, named as the table reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from runtime import events as ev
from runtime.evolve import children, executions, failures, map_runs, states, tasks
from runtime.execution import Execution
from runtime.identity import ExecutionId


def evolve(execution: Execution, event: ev.HistoryEvent) -> None:
    """Apply one event; ids must follow each other without a gap."""
    assert event.id == execution.last_event_id + 1, "events must be applied in order"
    _TABLE[type(event)](execution, event)
    execution.last_event_id = event.id
    execution.last_time = event.time
    if event.failure is not None:
        failures.resolve(execution, event.failure)


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


_TABLE: Final[dict[type[ev.HistoryEvent], Callable[..., None]]] = {
    ev.ActivityFailed: tasks.failed,
    ev.ActivityScheduled: tasks.scheduled,
    ev.ActivityScheduleFailed: states.link,
    ev.ActivityStarted: tasks.started,
    ev.ActivitySucceeded: tasks.closed,
    ev.ActivityTimedOut: tasks.failed,
    ev.ChoiceStateEntered: states.entered,
    ev.ChoiceStateExited: states.exited,
    ev.EvaluationFailed: states.link,
    ev.ExecutionAborted: executions.ended_badly,
    ev.ExecutionFailed: executions.ended_badly,
    ev.ExecutionRedriven: executions.redriven,
    ev.ExecutionStarted: executions.started,
    ev.ExecutionSucceeded: executions.succeeded,
    ev.ExecutionTimedOut: executions.ended_badly,
    ev.FailStateEntered: states.entered,
    ev.LambdaFunctionFailed: tasks.failed,
    ev.LambdaFunctionScheduled: tasks.scheduled,
    ev.LambdaFunctionScheduleFailed: states.link,
    ev.LambdaFunctionStarted: tasks.started,
    ev.LambdaFunctionStartFailed: tasks.failed,
    ev.LambdaFunctionSucceeded: tasks.closed,
    ev.LambdaFunctionTimedOut: tasks.failed,
    ev.MapIterationAborted: states.nothing,
    ev.MapIterationFailed: states.nothing,
    ev.MapIterationStarted: children.iteration_started,
    ev.MapIterationSucceeded: children.iteration_succeeded,
    ev.MapRunAborted: map_runs.ended,
    ev.MapRunFailed: map_runs.ended,
    ev.MapRunRedriven: map_runs.redriven,
    ev.MapRunStarted: map_runs.started,
    ev.MapRunSucceeded: map_runs.ended,
    ev.MapStateAborted: states.nothing,
    ev.MapStateEntered: states.entered,
    ev.MapStateExited: states.exited,
    ev.MapStateFailed: states.nothing,
    ev.MapStateStarted: children.map_started,
    ev.MapStateSucceeded: children.results_taken,
    ev.ParallelStateAborted: states.nothing,
    ev.ParallelStateEntered: states.entered,
    ev.ParallelStateExited: states.exited,
    ev.ParallelStateFailed: states.nothing,
    ev.ParallelStateStarted: children.parallel_started,
    ev.ParallelStateSucceeded: children.results_taken,
    ev.PassStateEntered: states.entered,
    ev.PassStateExited: states.exited,
    ev.SucceedStateEntered: states.entered,
    ev.SucceedStateExited: states.exited,
    ev.TaskFailed: tasks.failed,
    ev.TaskScheduled: tasks.scheduled,
    ev.TaskStarted: tasks.started,
    ev.TaskStartFailed: tasks.failed,
    ev.TaskStateAborted: states.nothing,
    ev.TaskStateEntered: states.entered,
    ev.TaskStateExited: states.exited,
    ev.TaskSubmitFailed: tasks.failed,
    ev.TaskSubmitted: tasks.submitted,
    ev.TaskSucceeded: tasks.closed,
    ev.TaskTimedOut: tasks.failed,
    ev.WaitStateAborted: states.nothing,
    ev.WaitStateEntered: states.wait_entered,
    ev.WaitStateExited: states.exited,
}
