"""One transition of one ready scope: which events follow?

A scope is ready when it stands before a state to enter, when the last of its children has
closed, or, for an iteration, when its own work is done. Expressions are evaluated here and
in `react` only; what they yield is in the events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asl.errors import StatesError
from asl.model import (
    ChoiceState,
    FailState,
    Machine,
    MapState,
    ParallelState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from asl.payload import Payload
from runtime import events as ev
from runtime.distributing import redrive_map_run
from runtime.draft import Draft, Visit
from runtime.event_class import builder
from runtime.execution import Execution, Phase, Scope, ScopeId
from runtime.failing import Trouble, evaluation_trouble, fail
from runtime.leaving import leave_state
from runtime.turn import Turn
from runtime.working import (
    schedule_task,
    start_branches,
    start_map,
    start_next_iteration,
    start_waiting_iterations,
)


def decide(
    machine: Machine, execution: Execution, scope_id: ScopeId, turn: Turn
) -> list[ev.HistoryEvent]:
    """Return the events of the scope's next transition; nothing is changed."""
    draft = Draft(machine, execution, turn)
    scope = execution.scopes[scope_id]
    match scope.phase:
        case Phase.ENTERING:
            _enter(draft, scope)
        case Phase.JOINED:
            _join(draft, scope)
        case Phase.DONE:
            _close_iteration(draft, scope)
        case Phase.REDRIVEN:
            _work_again(draft, scope)
        case _:
            msg = f"a scope that is {scope.phase} has nothing to decide"
            raise AssertionError(msg)
    return draft.events


_ENTERED: Final[dict[type[State], type[ev.StateEntered]]] = {
    TaskState: builder(ev.TaskStateEntered),
    PassState: builder(ev.PassStateEntered),
    ChoiceState: builder(ev.ChoiceStateEntered),
    SucceedState: builder(ev.SucceedStateEntered),
    FailState: builder(ev.FailStateEntered),
    ParallelState: builder(ev.ParallelStateEntered),
    MapState: builder(ev.MapStateEntered),
}


def _enter(draft: Draft, scope: Scope) -> None:
    state = draft.state_of(scope)
    visit = Visit(draft, scope)
    visit.begin(draft.next_id)
    if isinstance(state, WaitState):
        _wait(visit, state)
        return
    draft.put(
        _ENTERED[type(state)](
            id=visit.id,
            previous_id=visit.before,
            time=draft.time,
            scope=scope.id,
            visit=visit.id,
            payload=visit.input,
            name=visit.name,
        )
    )
    try:
        _WORK[type(state)](visit, state)
    except StatesError as error:
        fail(visit, evaluation_trouble(visit, error))


def _wait(visit: Visit, state: WaitState) -> None:
    """Enter a Wait: its due time is in the Entered event. One that is past is left at once."""
    draft = visit.draft
    environment = visit.environment()
    trouble: StatesError | None = None
    due = None
    try:
        due = state.due(environment, visit.entered)
    except StatesError as error:
        trouble = error
    draft.put(
        ev.WaitStateEntered(
            id=visit.id,
            previous_id=visit.before,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=visit.input,
            name=visit.name,
            due=due,
        )
    )
    if trouble is not None:
        fail(visit, evaluation_trouble(visit, trouble, after=visit.id))
    elif due is not None and due <= draft.time:
        leave_simply(visit, state)


def leave_simply(visit: Visit, state: PassState | WaitState | SucceedState) -> None:
    """Leave a state that has no result of its own."""
    try:
        outcome = state.leave(visit.environment())
        next_state = None if isinstance(state, SucceedState) else state.next
        leave_state(visit, state, outcome, next_state)
    except StatesError as error:
        fail(visit, evaluation_trouble(visit, error))


def _choose(visit: Visit, state: ChoiceState) -> None:
    next_state, outcome = state.choose(visit.environment())
    leave_state(visit, state, outcome, next_state)


def _fail_state(visit: Visit, state: FailState) -> None:
    error, cause = state.failure(visit.environment())
    fail(visit, Trouble(error=error, cause=cause))


_WORK: Final[dict[type[State], Callable[..., None]]] = {
    TaskState: schedule_task,
    PassState: leave_simply,
    ChoiceState: _choose,
    SucceedState: leave_simply,
    FailState: _fail_state,
    ParallelState: start_branches,
    MapState: start_map,
}


def _work_again(draft: Draft, scope: Scope) -> None:
    """Do again, after a redrive, what a state is there for: its visit goes on.

    A Map that has kept results goes on with the items that have not begun, a Map Run with
    the children that have not ended well.
    """
    state = draft.state_of(scope)
    visit = Visit(draft, scope)
    try:
        if scope.children is not None:
            assert isinstance(state, MapState), "only a Map has items that wait"
            start_waiting_iterations(visit, state, scope.children)
        elif scope.ended_run is not None:
            assert isinstance(state, MapState), "only a Map has a Map Run"
            redrive_map_run(visit, state, scope.ended_run)
        else:
            _WORK[type(state)](visit, state)
    except StatesError as error:
        fail(visit, evaluation_trouble(visit, error))


def leave_with_result(
    visit: Visit, state: TaskState | ParallelState | MapState, result: Payload
) -> None:
    """Leave a state whose work has a result."""
    try:
        outcome = state.leave(visit.environment(result=result))
        leave_state(visit, state, outcome, state.next)
    except StatesError as error:
        fail(visit, evaluation_trouble(visit, error))


def _join(draft: Draft, scope: Scope) -> None:
    """Leave a Parallel or Map of which the last child has closed.

    The *Succeeded event is a leaf: it and the exit both point to what closed the child.
    """
    state = draft.state_of(scope)
    children = scope.children
    assert isinstance(state, ParallelState | MapState)
    assert children is not None
    visit = Visit(draft, scope)
    is_map = isinstance(state, MapState)
    event_class = ev.MapStateSucceeded if is_map else ev.ParallelStateSucceeded
    draft.put(
        event_class(
            id=draft.next_id,
            previous_id=scope.last_id,
            time=draft.time,
            scope=scope.id,
            visit=visit.id,
        )
    )
    texts = [children.results[index].text for index in range(children.total)]
    leave_with_result(visit, state, Payload.of_text(f"[{','.join(texts)}]"))


def _close_iteration(draft: Draft, child: Scope) -> None:
    """Close an iteration and give its slot to the next item."""
    assert child.parent is not None
    parent = draft.execution.scopes[child.parent]
    children = parent.children
    state = draft.state_of(parent)
    assert isinstance(state, MapState)
    assert children is not None
    visit = Visit(draft, parent)
    visit.put(
        ev.MapIterationSucceeded(
            id=draft.next_id,
            previous_id=child.last_id,
            time=draft.time,
            scope=parent.id,
            visit=parent.visit,
            name=parent.state,
            index=child.index,
        )
    )
    if children.next_index < children.total:
        try:
            start_next_iteration(visit, state, children, child.last_id)
        except StatesError as error:
            fail(visit, evaluation_trouble(visit, error))
