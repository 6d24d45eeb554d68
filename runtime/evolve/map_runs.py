"""A Map Run opens, opens again, and ends."""

from __future__ import annotations

from typing import Final

from runtime import events as ev
from runtime.evolve.upkeep import close_map_run
from runtime.execution import Execution, MapRunStatus, OpenMapRun, Phase


def started(execution: Execution, event: ev.MapRunStarted) -> None:
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


def redriven(execution: Execution, event: ev.MapRunRedriven) -> None:
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


def ended(execution: Execution, event: ev.HistoryEvent) -> None:
    """Close a Map Run; one that is aborted in a tear-down is gone already."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        close_map_run(execution, scope, _STATUS[type(event)])
        scope.last_id = event.id


_STATUS: Final[dict[type[ev.HistoryEvent], MapRunStatus]] = {
    ev.MapRunSucceeded: MapRunStatus.SUCCEEDED,
    ev.MapRunFailed: MapRunStatus.FAILED,
    ev.MapRunAborted: MapRunStatus.ABORTED,
}
