"""A redriven log without what its redrives have done again: as if nothing had failed.

For each redrive, the events of the tear-down, of the end, and of the work that was done again
are taken out, and the rest is numbered anew. What is left must read as the log of an
execution that was never redriven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runtime import events as ev
from runtime.evolve import evolve
from runtime.execution import Execution, Phase

_TEAR_DOWN = (
    ev.MapIterationAborted,
    ev.MapIterationFailed,
    ev.MapRunAborted,
    ev.MapStateAborted,
    ev.MapStateFailed,
    ev.ParallelStateAborted,
    ev.ParallelStateFailed,
    ev.TaskStateAborted,
    ev.WaitStateAborted,
)
_TIMED_OUT = (ev.TaskTimedOut, ev.LambdaFunctionTimedOut, ev.ActivityTimedOut)
_BRANCH_BITS = 16


def without_the_undone(log: Sequence[ev.HistoryEvent]) -> list[ev.HistoryEvent]:
    """Return the log of what has counted."""
    undone: set[int] = set()
    execution = Execution(shard=0, execution_id="")
    for event in log:
        evolve(execution, event)
        if isinstance(event, ev.ExecutionRedriven):
            undone |= _end(log[: event.id])
            undone |= _done_again(execution, log[: event.id])
    visits = {event.id: event.visit for event in log}
    return _numbered([event for event in log if event.id not in undone], visits)


def _end(log: Sequence[ev.HistoryEvent]) -> set[int]:
    """Find the redrive, the end before it, and the tear-down that led to that."""
    undone = {log[-1].id, log[-2].id}
    if isinstance(log[-2], ev.ExecutionFailed):
        for event in reversed(log[:-2]):
            if not isinstance(event, _TEAR_DOWN + _TIMED_OUT):
                break
            if isinstance(event, _TEAR_DOWN):
                undone.add(event.id)
    return undone


def _done_again(execution: Execution, log: Sequence[ev.HistoryEvent]) -> set[int]:
    """Find what belongs to visits of which the work begins again."""
    ready = [execution.scopes[scope_id] for scope_id in execution.ready]
    redriven = [scope for scope in ready if scope.phase is Phase.REDRIVEN]
    again = {s.visit for s in redriven if not s.children and not s.ended_run}
    entered_again = {
        scope.visit
        for scope in ready
        if scope.phase is Phase.ENTERING
        and scope.kind in ("Fail", "Wait")
        # The scope stands at the very state that it has visited last.
        and getattr(log[scope.visit - 1], "name", "") == scope.state
        and scope.last_id == scope.before
    }
    undone = set(entered_again)
    runs = {scope.visit for scope in redriven if scope.ended_run}
    for event in log:
        is_failure = isinstance(event, ev.MapRunFailed) and event.failure is None
        if event.visit in runs and is_failure:
            undone.add(event.id)
        is_entry = isinstance(event, ev.StateEntered) and event.id == event.visit
        is_of_visit = event.visit in again | entered_again and not is_entry
        if is_of_visit or event.scope >> _BRANCH_BITS in undone:
            undone.add(event.id)
    return undone


def _numbered(
    log: Sequence[ev.HistoryEvent], visits: Mapping[int, int]
) -> list[ev.HistoryEvent]:
    ids = {event.id: number for number, event in enumerate(log, start=1)} | {0: 0}

    def kept(previous_id: int) -> int:
        """Find what counts of an event: its visit, or, of a redrive, what is before it."""
        if previous_id in ids:
            return ids[previous_id]
        if visits.get(previous_id) in ids:
            return ids[visits[previous_id]]
        return next(ids[each] for each in range(previous_id, -1, -1) if each in ids)

    return [
        replace(
            event,
            id=ids[event.id],
            previous_id=kept(event.previous_id),
            visit=ids[event.visit],
            data_from=0,
        )
        for event in log
    ]
