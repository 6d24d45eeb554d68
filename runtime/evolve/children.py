"""Branches of a Parallel and iterations of a Map: they begin, end, and are joined."""

from __future__ import annotations

from runtime import events as ev
from runtime.evolve.upkeep import begin_work, make_ready
from runtime.execution import Children, Execution, Phase, Scope, child_scope_id


def parallel_started(execution: Execution, event: ev.ParallelStateStarted) -> None:
    """Let every branch be about to enter its first state."""
    scope = begin_work(execution, event)
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


def map_started(execution: Execution, event: ev.MapStateStarted) -> None:
    """Have the items ready for iterations, or for a Map Run."""
    scope = begin_work(execution, event)
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


def iteration_started(execution: Execution, event: ev.MapIterationStarted) -> None:
    """Let an iteration be about to enter its first state."""
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


def _add_child(execution: Execution, children: Children, child: Scope) -> None:
    children.open[child.index] = child.id
    execution.scopes[child.id] = child
    execution.ready[child.id] = None


def iteration_succeeded(execution: Execution, event: ev.MapIterationSucceeded) -> None:
    """Keep the result of an iteration; the last one ends the wait of its Map."""
    parent = execution.scopes[event.scope]
    children = parent.children
    assert children is not None, "an iteration has a Map that was started"
    child = execution.scopes.pop(children.open.pop(event.index))
    execution.ready.pop(child.id, None)
    children.results[event.index] = child.payload
    parent.last_id = event.id
    if children.is_complete:
        make_ready(execution, parent, Phase.JOINED)


def child_done(execution: Execution, scope: Scope) -> None:
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


def results_taken(execution: Execution, event: ev.HistoryEvent) -> None:
    """Take the results of a Map or Parallel to its exit; if that fails, they are spent."""
    scope = execution.scopes[event.scope]
    execution.ready.pop(scope.id, None)
    scope.children = None
    scope.phase = Phase.RUNNING
