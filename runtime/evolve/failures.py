"""A failure is taken by a Retry or a Catch."""

from __future__ import annotations

from runtime.evolve.upkeep import close_task, close_timer, open_timer, remove_children
from runtime.execution import Execution, Phase, TimerKind
from runtime.failure import Action, Failure


def resolve(execution: Execution, failure: Failure) -> None:
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
