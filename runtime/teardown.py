"""Tear down the branches or iterations of a Map or Parallel of which one has failed.

Everything torn down points to the failing event, as recorded; tasks of siblings whose time is
up at the same instant are shown as timed out first. What lies deeper was not
recorded: a Map or Parallel that is aborted inside a sibling points to its own start, and so
do its iterations, so that a reader can tell which of several it is.
"""

from __future__ import annotations

from typing import Final

from runtime import events as ev
from runtime.draft import Draft, Visit
from runtime.execution import OpenMapRun, Phase, Scope
from runtime.outcomes import put_timeout

_ABORTED: Final[dict[str, type[ev.HistoryEvent]]] = {
    "Task": ev.TaskStateAborted,
    "Wait": ev.WaitStateAborted,
    "Map": ev.MapStateAborted,
    "Parallel": ev.ParallelStateAborted,
}
_NESTING: Final = frozenset({"Map", "Parallel"})
_IDLE: Final = frozenset({Phase.ENTERING, Phase.DONE})


def tear_down(failed: Visit) -> Visit:
    """Show the failed scope and its siblings as ended; return the visit of the parent.

    Every event points to the failing one, and so will what the parent puts next.
    """
    draft = failed.draft
    scope = failed.scope
    assert scope.parent is not None, "the root scope has nothing above it"
    parent = draft.execution.scopes[scope.parent]
    failing_id = failed.last_id
    above = Visit(draft, parent)
    above.last_id = failing_id
    teardown = _Teardown(draft, failing_id)
    assert parent.children is not None
    siblings = [
        draft.execution.scopes[sibling_id]
        for sibling_id in parent.children.open.values()
        if sibling_id != scope.id
    ]
    teardown.time_out(siblings)
    if scope.items is not None:
        teardown.put_iteration(ev.MapIterationFailed, parent, scope, failing_id)
    if scope.task is not None or _task_has_just_failed(failed):
        teardown.put(ev.TaskStateAborted, scope, failed.id, failing_id)
    for sibling in siblings:
        teardown.abort(parent, sibling, failing_id)
    return above


def _task_has_just_failed(visit: Visit) -> bool:
    """A task's own failure is already an event of this draft, not folded yet."""
    return visit.scope.kind == "Task" and visit.scope.phase is Phase.RUNNING


class _Teardown:
    """Puts the events of one tear-down."""

    def __init__(self, draft: Draft, failing_id: int) -> None:
        self._draft = draft
        self._failing_id = failing_id

    def put(
        self, cls: type[ev.HistoryEvent], scope: Scope, visit: int, previous_id: int
    ) -> None:
        draft = self._draft
        draft.put(
            cls(
                id=draft.next_id,
                previous_id=previous_id,
                time=draft.time,
                scope=scope.id,
                visit=visit,
            )
        )

    def put_iteration(
        self,
        cls: type[ev.MapIteration],
        parent: Scope,
        child: Scope,
        previous_id: int,
    ) -> None:
        draft = self._draft
        draft.put(
            cls(
                id=draft.next_id,
                previous_id=previous_id,
                time=draft.time,
                scope=parent.id,
                visit=parent.visit,
                name=parent.state,
                index=child.index,
            )
        )

    def put_run_aborted(self, scope: Scope, run: OpenMapRun) -> None:
        draft = self._draft
        draft.put(
            ev.MapRunAborted(
                id=draft.next_id,
                previous_id=run.started_id,
                time=draft.time,
                scope=scope.id,
                visit=scope.visit,
                map_run_arn=run.arn,
            )
        )

    def time_out(self, scopes: list[Scope]) -> None:
        """Show the tasks whose time is up as timed out."""
        for scope in scopes:
            task = scope.task
            if (
                task is not None
                and task.due is not None
                and task.due <= self._draft.time
            ):
                put_timeout(Visit(self._draft, scope), task)

    def abort(self, parent: Scope, scope: Scope, previous_id: int) -> None:
        """Show a scope that was still running as aborted, with all below it."""
        if scope.items is not None:
            self.put_iteration(ev.MapIterationAborted, parent, scope, previous_id)
        aborted = _ABORTED.get(scope.kind)
        if aborted is None or scope.phase in _IDLE:
            return
        begun = self._failing_id
        if scope.kind in _NESTING:
            begun = self._abort_children(scope)
        self.put(aborted, scope, scope.visit, begun)

    def _abort_children(self, scope: Scope) -> int:
        """Show what a Map or Parallel runs as aborted; return where that has begun."""
        run, children = scope.map_run, scope.children
        if run is not None:
            self.put_run_aborted(scope, run)
            return run.started_id
        if children is None:
            return scope.last_id
        for child_id in children.open.values():
            child = self._draft.execution.scopes[child_id]
            self.abort(scope, child, children.started_id)
        return children.started_id
