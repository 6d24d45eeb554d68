"""How a task ended badly, as an event: which class, by what kind of task it was."""

from __future__ import annotations

from typing import Final

from asl.model import TaskState
from runtime import events as ev
from runtime.draft import Visit
from runtime.execution import OpenTask
from runtime.retry import TIMEOUT

_FAILED: Final[dict[str, type[ev.FailedEvent]]] = {
    "LambdaFunction": ev.LambdaFunctionFailed,
    "Activity": ev.ActivityFailed,
}
_TIMED_OUT: Final[dict[str, type[ev.FailedEvent]]] = {
    "LambdaFunction": ev.LambdaFunctionTimedOut,
    "Activity": ev.ActivityTimedOut,
}


def put_failure(
    visit: Visit, task: OpenTask, error: str | None, cause: str | None
) -> None:
    """Show that a task has failed."""
    _put(visit, task, ev.TaskFailed, _FAILED, error, cause)


def put_timeout(visit: Visit, task: OpenTask) -> None:
    """Show that a task's time was up; a missed heartbeat is recorded so too."""
    _put(visit, task, ev.TaskTimedOut, _TIMED_OUT, TIMEOUT, None)


def _put(
    visit: Visit,
    task: OpenTask,
    service_class: type[ev.TaskFailed] | type[ev.TaskTimedOut],
    classes: dict[str, type[ev.FailedEvent]],
    error: str | None,
    cause: str | None,
) -> None:
    draft = visit.draft
    event: ev.FailedEvent
    if task.family == "Task":
        state = draft.state_of(visit.scope)
        assert isinstance(state, TaskState), "an open task belongs to a Task state"
        event = service_class(
            id=draft.next_id,
            previous_id=task.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error=error,
            cause=cause,
            resource_type=state.resource.resource_type,
            resource=state.resource.resource,
        )
    else:
        event = classes[task.family](
            id=draft.next_id,
            previous_id=task.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error=error,
            cause=cause,
        )
    visit.put(event)
