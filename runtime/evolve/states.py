"""A state is entered and left."""

from __future__ import annotations

from typing import Final

from runtime import events as ev
from runtime.evolve.children import child_done
from runtime.evolve.upkeep import end_visit, make_ready, open_timer
from runtime.execution import Execution, Phase, TimerKind


def entered(execution: Execution, event: ev.StateEntered) -> None:
    """Begin a visit."""
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
    cls: cls.__name__.removesuffix("StateEntered")
    for cls in ev.EVENT_CLASSES
    if issubclass(cls, ev.StateEntered)
}


def wait_entered(execution: Execution, event: ev.WaitStateEntered) -> None:
    """Begin a visit that sleeps."""
    entered(execution, event)
    scope = execution.scopes[event.scope]
    scope.due = event.due
    if event.due is not None:
        scope.phase = Phase.WAITING
        open_timer(execution, (event.id, TimerKind.WAIT), event.due)


def exited(execution: Execution, event: ev.StateExited) -> None:
    """End a visit: the next state is entered, or the scope is done."""
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
        child_done(execution, scope)


def link(execution: Execution, event: ev.HistoryEvent) -> None:
    """Move the causal chain of the scope to this event."""
    scope = execution.scopes.get(event.scope)
    if scope is not None:
        scope.last_id = event.id


def nothing(execution: Execution, event: ev.HistoryEvent) -> None:
    """Record only: what it tells has already happened to the state."""
