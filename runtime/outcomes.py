"""How a task ended badly, as an event: which class, by what kind of task it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asl.model import TaskState
from runtime import events as ev
from runtime.draft import Visit
from runtime.execution import OpenTask
from runtime.principal import Principal
from runtime.retry import TIMEOUT


@dataclass(frozen=True, slots=True)
class _Classes:
    """The event classes of one outcome: a service's own, and those of the other tasks."""

    service: type[ev.TaskFailed] | type[ev.TaskTimedOut]
    others: dict[str, type[ev.FailedEvent]]


_FAILED: Final = _Classes(
    ev.TaskFailed,
    {"LambdaFunction": ev.LambdaFunctionFailed, "Activity": ev.ActivityFailed},
)
_TIMED_OUT: Final = _Classes(
    ev.TaskTimedOut,
    {"LambdaFunction": ev.LambdaFunctionTimedOut, "Activity": ev.ActivityTimedOut},
)


def put_failure(
    visit: Visit,
    task: OpenTask,
    error: str | None,
    cause: str | None,
    caller: Principal | None = None,
) -> None:
    """Show that a task has failed; `caller` is who said so, if anybody did."""
    _put(visit, task, _FAILED, error, cause, caller)


def put_timeout(visit: Visit, task: OpenTask) -> None:
    """Show that a task's time was up; a missed heartbeat is recorded so too."""
    _put(visit, task, _TIMED_OUT, TIMEOUT, None, None)


def _put(
    visit: Visit,
    task: OpenTask,
    classes: _Classes,
    error: str | None,
    cause: str | None,
    caller: Principal | None,
) -> None:
    draft = visit.draft
    event: ev.FailedEvent
    if task.family == "Task":
        state = draft.state_of(visit.scope)
        assert isinstance(state, TaskState), "an open task belongs to a Task state"
        event = classes.service(
            id=draft.next_id,
            previous_id=task.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error=error,
            cause=cause,
            caller=caller,
            resource_type=state.resource.resource_type,
            resource=state.resource.resource,
        )
    else:
        event = classes.others[task.family](
            id=draft.next_id,
            previous_id=task.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error=error,
            cause=cause,
            caller=caller,
        )
    visit.put(event)
