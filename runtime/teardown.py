"""Tear down the branches or iterations of a Map or Parallel of which one has failed."""

from __future__ import annotations

from typing import Final

from runtime import events as ev
from runtime.draft import Draft, Visit
from runtime.execution import Phase, Scope

_ABORTED: Final[dict[str, type[ev.HistoryEvent]]] = {
    "Task": ev.TaskStateAborted,
    "Wait": ev.WaitStateAborted,
    "Map": ev.MapStateAborted,
    "Parallel": ev.ParallelStateAborted,
}
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
    if scope.items is not None:
        teardown.put_iteration(ev.MapIterationFailed, parent, scope)
    if scope.task is not None or _task_has_just_failed(failed):
        teardown.put(ev.TaskStateAborted, scope, failed.id)
    assert parent.children is not None
    for sibling_id in parent.children.open.values():
        if sibling_id != scope.id:
            teardown.abort(parent, draft.execution.scopes[sibling_id])
    return above


def _task_has_just_failed(visit: Visit) -> bool:
    """A task's own failure is already an event of this draft, not folded yet."""
    return visit.scope.kind == "Task" and visit.scope.phase is Phase.RUNNING


class _Teardown:
    """Puts the events of one tear-down."""

    def __init__(self, draft: Draft, failing_id: int) -> None:
        self._draft = draft
        self._failing_id = failing_id

    def put(self, cls: type[ev.HistoryEvent], scope: Scope, visit: int) -> None:
        draft = self._draft
        draft.put(
            cls(
                id=draft.next_id,
                previous_id=self._failing_id,
                time=draft.time,
                scope=scope.id,
                visit=visit,
            )
        )

    def put_iteration(
        self, cls: type[ev.MapIteration], parent: Scope, child: Scope
    ) -> None:
        draft = self._draft
        draft.put(
            cls(
                id=draft.next_id,
                previous_id=self._failing_id,
                time=draft.time,
                scope=parent.id,
                visit=parent.visit,
                name=parent.state,
                index=child.index,
            )
        )

    def abort(self, parent: Scope, scope: Scope) -> None:
        """Show a scope that was still running as aborted, with all below it."""
        if scope.items is not None:
            self.put_iteration(ev.MapIterationAborted, parent, scope)
        aborted = _ABORTED.get(scope.kind)
        if aborted is None or scope.phase in _IDLE:
            return
        if scope.children is not None:
            scopes = self._draft.execution.scopes
            for child_id in scope.children.open.values():
                self.abort(scope, scopes[child_id])
        self.put(aborted, scope, scope.visit)
