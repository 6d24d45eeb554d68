"""What must hold inside a folded execution, whatever its machine and history."""

from __future__ import annotations

from runtime.execution import ROOT, Execution, Phase, Scope, Status, TimerKind

_SLEEPING = {TimerKind.WAIT: Phase.WAITING, TimerKind.RETRY: Phase.BACKOFF}


def assert_sound(execution: Execution) -> None:
    """Check that everything refers to something that is there."""
    assert execution.ready.keys() <= execution.scopes.keys()
    for scope in execution.scopes.values():
        _check_place(execution, scope)
        _check_children(execution, scope)
    _check_tasks(execution)
    _check_map_runs(execution)
    _check_timers(execution)
    for visit, scope_id in execution.visits.items():
        assert execution.scopes[scope_id].visit == visit
    if execution.is_open:
        assert not execution.remains
    else:
        _check_closed(execution)


def assert_owned(execution: Execution) -> None:
    """Check that an execution at rest waits for something that will come."""
    assert not execution.ready
    if execution.is_open:
        deadline = (1, TimerKind.EXECUTION_TIMEOUT)
        timers = execution.timers.keys() - {deadline}
        assert execution.tasks or execution.map_runs or timers


def _check_place(execution: Execution, scope: Scope) -> None:
    if scope.parent is None:
        assert scope.id == ROOT
        return
    children = execution.scopes[scope.parent].children
    assert children is not None
    assert children.open[scope.index] == scope.id


def _check_children(execution: Execution, scope: Scope) -> None:
    if scope.children is None:
        return
    children = scope.children
    assert scope.phase in (Phase.JOINING, Phase.JOINED, Phase.REDRIVEN)
    assert not children.open.keys() & children.results.keys()
    assert len(children.open) + len(children.results) <= children.total
    for child_id in children.open.values():
        assert execution.scopes[child_id].parent == scope.id
    if children.concurrency:
        assert len(children.open) <= children.concurrency


def _check_tasks(execution: Execution) -> None:
    for scheduled_id, task in execution.tasks.items():
        assert task.scheduled_id == scheduled_id
        assert execution.scopes[task.scope].task is task
        assert execution.scopes[task.scope].visit == task.visit
        assert execution.scopes[task.scope].phase is Phase.RUNNING
        assert task.submitted_id == 0 or task.submitted_id > task.started_id > 0
    with_task = [scope for scope in execution.scopes.values() if scope.task]
    assert len(with_task) == len(execution.tasks)


def _check_map_runs(execution: Execution) -> None:
    for started_id, run in execution.map_runs.items():
        assert run.started_id == started_id
        scope = execution.scopes[run.scope]
        assert scope.map_run is run
        assert scope.visit == run.visit
        assert scope.phase is Phase.JOINING
    with_run = [scope for scope in execution.scopes.values() if scope.map_run]
    assert len(with_run) == len(execution.map_runs)


def _check_timers(execution: Execution) -> None:
    sleepers = set()
    for event_id, kind in execution.timers:
        if kind in _SLEEPING:
            scope = execution.scopes[execution.visits[event_id]]
            assert scope.phase is _SLEEPING[kind]
            sleepers.add(scope.id)
        elif kind is TimerKind.EXECUTION_TIMEOUT:
            assert event_id == 1
        else:
            assert event_id in execution.tasks
    asleep = {
        scope.id
        for scope in execution.scopes.values()
        if scope.phase in _SLEEPING.values()
    }
    assert sleepers == asleep


def _check_closed(execution: Execution) -> None:
    left = (
        execution.scopes,
        execution.ready,
        execution.timers,
        execution.tasks,
        execution.map_runs,
        execution.visits,
    )
    assert bool(execution.remains) is (execution.status is not Status.SUCCEEDED)
    assert not any(left)
    assert execution.stopped is not None
