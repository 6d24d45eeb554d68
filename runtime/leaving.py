"""Leaving a state: its exit event, and the end of the execution where it was the last."""

from __future__ import annotations

from typing import Final

from asl.errors import StatesError
from asl.model import (
    ChoiceState,
    MapState,
    Outcome,
    ParallelState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from asl.payload import Json, Payload
from runtime import events as ev
from runtime.draft import Visit
from runtime.event_class import builder
from runtime.limits import MAX_DATA_BYTES, MAX_VARIABLE_BYTES, MAX_VARIABLES_BYTES
from runtime.retry import DATA_LIMIT

_EXITED: Final[dict[type[State], type[ev.StateExited]]] = {
    TaskState: builder(ev.TaskStateExited),
    PassState: builder(ev.PassStateExited),
    ChoiceState: builder(ev.ChoiceStateExited),
    WaitState: builder(ev.WaitStateExited),
    SucceedState: builder(ev.SucceedStateExited),
    ParallelState: builder(ev.ParallelStateExited),
    MapState: builder(ev.MapStateExited),
}


_execution_succeeded: Final = builder(ev.ExecutionSucceeded)


def is_too_large(payload: Payload, limit: int = MAX_DATA_BYTES) -> bool:
    """Tell whether a payload exceeds a limit in bytes of UTF-8."""
    text = payload.text
    if len(text) * 4 <= limit:
        return False
    return len(text) > limit or len(text.encode("utf-8", "surrogatepass")) > limit


def too_large(name: str) -> StatesError:
    """Return the error of a result over the limit, in the recorded words."""
    cause = (
        f"The state/task '{name}' returned a result with a size exceeding "
        "the maximum number of bytes service limit."
    )
    return StatesError(DATA_LIMIT, cause, prefixed=False)


def within_limit(name: str, payload: Payload) -> Payload:
    """Return a payload that is within the limit; raise States.DataLimitExceeded else."""
    if is_too_large(payload):
        raise too_large(name)
    return payload


def check_variables(visit: Visit, assigned: dict[str, Json]) -> None:
    """Refuse an Assign that is too large, or that makes the variables too large in all."""
    if is_too_large(Payload.of_value(assigned), MAX_VARIABLE_BYTES):
        raise _too_much(visit.name, "assigned by")
    variables = {**visit.scope.variables, **assigned}
    # None is larger than one Assign may be, so a few cannot be too large together.
    are_many = len(variables) > MAX_VARIABLES_BYTES // MAX_VARIABLE_BYTES
    if are_many and is_too_large(Payload.of_value(variables), MAX_VARIABLES_BYTES):
        raise _too_much(visit.name, "after")


def _too_much(name: str, when: str) -> StatesError:
    cause = (
        f"The variables {when} the state '{name}' have a size exceeding "
        "the maximum number of bytes service limit."
    )
    return StatesError(DATA_LIMIT, cause, prefixed=False)


def leave_state(
    visit: Visit, state: State, outcome: Outcome, next_state: str | None
) -> None:
    """Put the exit of the visit; at the end of the root scope, ExecutionSucceeded too."""
    output = within_limit(visit.name, outcome.output)
    if outcome.assigned:
        check_variables(visit, outcome.assigned)
    draft = visit.draft
    exit_id = visit.put(
        _EXITED[type(state)](
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=output,
            name=visit.name,
            assigned=outcome.assigned,
            next=next_state,
        )
    )
    if next_state is None and visit.scope.parent is None:
        draft.put(
            _execution_succeeded(
                id=draft.next_id,
                previous_id=exit_id,
                time=draft.time,
                payload=output,
            )
        )
