"""What a log must say about time: it never goes back, and nobody is woken early."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runtime import events as ev
from runtime.failure import Action

_WAKING = (
    ev.WaitStateExited,
    ev.Scheduled,
    ev.ParallelStateStarted,
    ev.MapStateStarted,
)
_TIMED_OUT = (ev.TaskTimedOut, ev.LambdaFunctionTimedOut, ev.ActivityTimedOut)


def assert_punctual(log: Sequence[ev.HistoryEvent]) -> None:
    """Check every event against the due times that earlier ones have recorded.

    A redrive waits for no backoff; a Wait it lets end when it was to end.
    """
    wake: dict[int, datetime] = {}
    limits: dict[int, datetime] = {}
    last = log[0].time
    for event in log:
        assert event.time >= last, f"event {event.id} goes back in time"
        last = event.time
        _check_early(event, wake, limits)
        _note_due(event, wake, limits, log)
        if isinstance(event, ev.ExecutionRedriven):
            wake = {
                visit: due
                for visit, due in wake.items()
                if isinstance(log[visit - 1], ev.WaitStateEntered)
            }


def _check_early(
    event: ev.HistoryEvent, wake: dict[int, datetime], limits: dict[int, datetime]
) -> None:
    if isinstance(event, _WAKING):
        due = wake.pop(event.visit, event.time)
        assert event.time >= due, f"event {event.id} woke at {event.time}, due {due}"
    if isinstance(event, _TIMED_OUT):
        due = limits[event.visit]
        assert event.time >= due, f"event {event.id} timed out before {due}"


def _note_due(
    event: ev.HistoryEvent,
    wake: dict[int, datetime],
    limits: dict[int, datetime],
    log: Sequence[ev.HistoryEvent],
) -> None:
    if isinstance(event, ev.WaitStateEntered) and event.due is not None:
        wake[event.id] = event.due
    if isinstance(event, ev.Scheduled) and event.due is not None:
        limits[event.visit] = event.due
    if isinstance(event, ev.Started) and event.heartbeat_due is not None:
        end = limits.get(event.visit, event.heartbeat_due)
        limits[event.visit] = min(end, event.heartbeat_due)
    failure = event.failure
    if failure is not None and failure.action is Action.RETRY:
        assert failure.due is not None
        visit = _visit_of_scope(failure.scope, event.id, log)
        wake[visit] = failure.due


def _visit_of_scope(scope: int, before: int, log: Sequence[ev.HistoryEvent]) -> int:
    """Find the visit that a scope was in when an event was put."""
    return next(
        event.id
        for event in reversed(log[:before])
        if isinstance(event, ev.StateEntered) and event.scope == scope
    )
