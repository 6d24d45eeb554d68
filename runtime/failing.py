"""A failure finds whoever takes it: a Retry, a Catch, or nobody.

A failure starts in one scope and climbs. In each scope the state that stands there may
retry, else catch; if it does neither, the scope itself fails, its siblings are torn down,
and the failure goes on to the Map or Parallel above. All of it is one decision, and its
resolution rides on the failing event, the last one put before the climb began: folding
that event is enough to be where the decision leads.

Recorded rules: a retried Map or Parallel shows no *StateFailed; everything torn down points
to the failing event; States.Runtime is never retried nor caught, not even by name, and ends
the execution from where it is, whatever runs beside it or above; a task that fails uncaught
inside a Map or Parallel is also shown as aborted.
"""

from __future__ import annotations

from dataclasses import dataclass

from asl.errors import StatesError
from asl.jsontext import dumps
from asl.model import Catcher, MapState, ParallelState, Retrier, State, TaskState
from asl.payload import Payload
from runtime import events as ev
from runtime.draft import Visit
from runtime.failure import Action, Failure
from runtime.leaving import leave_state
from runtime.retry import DATA_LIMIT, RUNTIME, backoff, pick_catcher, pick_retrier
from runtime.teardown import tear_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An error on its way up; one that is not catchable ends the execution at once."""

    error: str | None
    cause: str | None
    is_catchable: bool = True
    is_heartbeat: bool = False

    def output(self) -> Payload:
        """Return the error output that a catcher sees."""
        return Payload.of_text(dumps({"Error": self.error, "Cause": self.cause}))


def evaluation_trouble(
    visit: Visit, error: StatesError, *, after: int | None = None
) -> Trouble:
    """Tell what a failed expression means; a JSONata one gets its EvaluationFailed event.

    The event points to the predecessor of the state's entry, or to `after`.
    """
    cause = error.cause
    if error.prefixed and cause is not None:
        where = f"'{visit.name}' (entered at the event id #{visit.id})"
        cause = f"An error occurred while executing the state {where}. {cause}"
    if error.location is not None:
        draft = visit.draft
        visit.put(
            ev.EvaluationFailed(
                id=draft.next_id,
                previous_id=visit.before if after is None else after,
                time=draft.time,
                scope=visit.scope_id,
                visit=visit.id,
                error=error.error,
                cause=cause,
                location=error.location,
                state=visit.name,
            )
        )
    return Trouble(
        error=error.error,
        cause=cause,
        is_catchable=error.error not in (RUNTIME, DATA_LIMIT),
    )


def fail(visit: Visit, trouble: Trouble) -> None:
    """Resolve a failure that the last event of the visit's draft has started.

    Without such an event, which is so when a retry can't even begin, a fold would see
    nothing of it: then only a Catch of the same state can take it, whose exit tells all.
    """
    draft = visit.draft
    carrier = draft.events[-1] if draft.events else None
    shows_failed = isinstance(carrier, ev.EvaluationFailed | ev.MapRunFailed)
    has_climbed = False
    while True:
        state = draft.state_of(visit.scope)
        retriers, catchers = _handlers(state, trouble)
        if has_climbed and carrier is None:
            retriers, catchers = (), ()
        failure = _retry(visit, trouble, retriers) if carrier is not None else None
        if failure is None:
            if shows_failed:
                _put_state_failed(visit, state)
            try:
                failure = _catch(visit, trouble, state, catchers)
            except StatesError as error:
                trouble = evaluation_trouble(visit, error)
        if failure is not None:
            if carrier is not None:
                carrier.failure = failure  # type: ignore[misc]  # still being decided
            return
        if visit.scope.parent is None or not trouble.is_catchable:
            _fail_execution(visit, trouble)
            return
        visit = tear_down(visit)
        shows_failed = has_climbed = True


def _handlers(
    state: State, trouble: Trouble
) -> tuple[tuple[Retrier, ...], tuple[Catcher, ...]]:
    if trouble.is_catchable and isinstance(state, TaskState | MapState | ParallelState):
        return state.retriers, state.catchers
    return (), ()


def _retry(
    visit: Visit, trouble: Trouble, retriers: tuple[Retrier, ...]
) -> Failure | None:
    error = trouble.error or ""
    index = pick_retrier(
        error, retriers, visit.retries, is_heartbeat=trouble.is_heartbeat
    )
    if index is None:
        return None
    used = visit.retries.get(index, 0)
    draft = visit.draft
    return Failure(
        action=Action.RETRY,
        scope=visit.scope_id,
        retrier=index,
        due=draft.time + backoff(retriers[index], used, draft.turn.entropy),
        previous_id=visit.last_id,
    )


def _put_state_failed(visit: Visit, state: State) -> None:
    event_class: type[ev.HistoryEvent]
    match state:
        case MapState():
            event_class = ev.MapStateFailed
        case ParallelState():
            event_class = ev.ParallelStateFailed
        case _:
            return
    draft = visit.draft
    visit.put(
        event_class(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
        )
    )


def _catch(
    visit: Visit, trouble: Trouble, state: State, catchers: tuple[Catcher, ...]
) -> Failure | None:
    catcher = pick_catcher(
        trouble.error or "", catchers, is_heartbeat=trouble.is_heartbeat
    )
    if catcher is None:
        return None
    previous_id = visit.last_id
    outcome = catcher.leave(visit.environment(error_output=trouble.output()))
    leave_state(visit, state, outcome, catcher.next)
    return Failure(action=Action.CATCH, scope=visit.scope_id, previous_id=previous_id)


def _fail_execution(visit: Visit, trouble: Trouble) -> None:
    draft = visit.draft
    draft.put(
        ev.ExecutionFailed(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            error=trouble.error,
            cause=trouble.cause,
        )
    )
