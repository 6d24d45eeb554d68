"""Something came from outside: which events follow, and what is the sender told?

A stimulus that comes twice, or too late, yields no event. An answer for a task is taken
while the task is open, whoever brings it first; everything later finds it closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from asl.errors import StatesError
from asl.model import Machine, MapState, ParallelState, TaskState, WaitState
from asl.payload import Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.decide import leave_simply, leave_with_result
from runtime.draft import Draft, Visit
from runtime.event_class import builder
from runtime.execution import Execution, OpenTask, TimerKind
from runtime.failing import Trouble, evaluation_trouble, fail
from runtime.identity import attempt_id
from runtime.lambda_invoke import CallFacts, invoke_answer
from runtime.leaving import is_too_large, too_large
from runtime.limits import MAX_OPEN_TIME
from runtime.map_run_ends import end_map_run
from runtime.outcomes import put_failure, put_timeout
from runtime.principal import Principal
from runtime.redrive import redrive, redrive_child
from runtime.retry import TIMEOUT
from runtime.stimuli import Verdict
from runtime.turn import Turn
from runtime.working import put_started, schedule_task, start_branches, start_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """The events of a stimulus, its verdict, and how long its timer must still wait."""

    events: list[ev.HistoryEvent]
    verdict: Verdict
    rearm: timedelta | None = None


_CLOSED: Final = Reaction(events=[], verdict=Verdict.CLOSED)
_ACCEPTED: Final = Reaction(events=[], verdict=Verdict.ACCEPTED)


def react(
    machine: Machine, execution: Execution, stimulus: st.Stimulus, turn: Turn
) -> Reaction:
    """Return what a stimulus leads to; nothing is changed."""
    draft = Draft(machine, execution, turn)
    if isinstance(stimulus, st.Redrive):
        verdict = redrive(draft, stimulus)
        return Reaction(events=draft.events, verdict=verdict)
    if isinstance(stimulus, st.RedriveChild):
        verdict = redrive_child(draft)
        return Reaction(events=draft.events, verdict=verdict)
    if not execution.is_open:
        return _CLOSED
    match stimulus:
        case st.Begin() | st.Continue():
            return _ACCEPTED
        case st.TimerFired():
            return _timer_fired(draft, stimulus)
        case st.ChildrenSucceeded() | st.ChildrenFailed():
            return _map_run_ended(draft, stimulus)
        case st.Stop():
            _abort(draft, stimulus)
        case _:
            return _of_task(draft, stimulus)
    return Reaction(events=draft.events, verdict=Verdict.ACCEPTED)


def _abort(draft: Draft, stimulus: st.Stop) -> None:
    draft.put(
        ev.ExecutionAborted(
            id=draft.next_id,
            previous_id=0,
            time=draft.time,
            error=stimulus.error,
            cause=stimulus.cause,
            caller=stimulus.caller,
        )
    )


def _map_run_ended(draft: Draft, stimulus: st.OfMapRun) -> Reaction:
    run = draft.execution.map_runs.get(stimulus.started_id)
    if run is None:
        return _CLOSED
    end_map_run(Visit(draft, draft.execution.scopes[run.scope]), run, stimulus)
    return Reaction(events=draft.events, verdict=Verdict.ACCEPTED)


# Tasks


def _of_task(draft: Draft, stimulus: st.OfTask) -> Reaction:
    task = draft.execution.tasks.get(stimulus.scheduled_id)
    if task is None:
        return _CLOSED
    visit = Visit(draft, draft.execution.scopes[task.scope])
    _ANSWER[type(stimulus)](visit, task, stimulus)
    if not draft.events:
        is_beat = isinstance(stimulus, st.Heartbeat) and task.started_id
        return _ACCEPTED if is_beat else _CLOSED
    return Reaction(events=draft.events, verdict=Verdict.ACCEPTED)


def _claimed(visit: Visit, task: OpenTask, stimulus: st.TaskClaimed) -> None:
    if not task.started_id:
        state = _task_state(visit)
        put_started(visit, state, stimulus.worker, task.heartbeat_seconds)


def _beaten(visit: Visit, task: OpenTask, stimulus: st.Heartbeat) -> None:
    """Leave no event: the engine notes the beat, the timer asks for it."""


def _worker_returned(visit: Visit, task: OpenTask, stimulus: st.WorkerReturned) -> None:
    if task.started_id and not task.submitted_id:
        _returned(visit, task, stimulus.output, _stranger(task, stimulus.caller))


def _service_answered(
    visit: Visit, task: OpenTask, stimulus: st.ServiceAnswered
) -> None:
    if task.started_id and not task.submitted_id:
        _answered(visit, task, stimulus.output)


def _called_back(visit: Visit, task: OpenTask, stimulus: st.CallbackSucceeded) -> None:
    if task.started_id and is_too_large(stimulus.output):
        _failed_as_too_large(visit, task, stimulus.caller)
    elif task.started_id:
        _succeeded(visit, task, stimulus.output, stimulus.caller)


def _worker_raised(visit: Visit, task: OpenTask, stimulus: st.WorkerRaised) -> None:
    if task.started_id and not task.submitted_id:
        caller = _stranger(task, stimulus.caller)
        _failed(visit, task, stimulus.error, stimulus.cause, caller)


def _called_back_badly(
    visit: Visit, task: OpenTask, stimulus: st.CallbackFailed
) -> None:
    if task.started_id:
        _failed(visit, task, stimulus.error, stimulus.cause, stimulus.caller)


def _lost(visit: Visit, task: OpenTask, stimulus: st.WorkerLost) -> None:
    if task.worker == stimulus.worker:
        _failed(visit, task, "Lambda.Unknown", _lost_cause(task))


_ANSWER: Final[dict[type[st.OfTask], Callable[..., None]]] = {
    st.TaskClaimed: _claimed,
    st.Heartbeat: _beaten,
    st.WorkerReturned: _worker_returned,
    st.ServiceAnswered: _service_answered,
    st.WorkerRaised: _worker_raised,
    st.WorkerLost: _lost,
    st.CallbackSucceeded: _called_back,
    st.CallbackFailed: _called_back_badly,
}


def _task_state(visit: Visit) -> TaskState:
    state = visit.draft.state_of(visit.scope)
    assert isinstance(state, TaskState), "an open task belongs to a Task state"
    return state


def _stranger(task: OpenTask, caller: Principal | None) -> Principal | None:
    """Name who reports for a worker of another key; that of its own key the start names."""
    is_known = caller is None or (task.worker is not None and caller.owns(task.worker))
    return None if is_known else caller


def _lost_cause(task: OpenTask) -> str:
    return (
        f"The worker {task.worker} that ran {task.function} stopped answering; "
        "whether the function did its work is not known."
    )


def _returned(
    visit: Visit, task: OpenTask, output: Payload, caller: Principal | None
) -> None:
    if task.family == "Task":
        draft = visit.draft
        request_id = attempt_id(draft.execution.execution_id, task.scheduled_id)
        output = invoke_answer(output, CallFacts(request_id=request_id))
    _answered(visit, task, output, caller)


def _answered(
    visit: Visit, task: OpenTask, output: Payload, caller: Principal | None = None
) -> None:
    if is_too_large(output):
        _failed_as_too_large(visit, task, caller)
    elif task.waits_for_token:
        _submitted(visit, output, caller)
    else:
        _succeeded(visit, task, output, caller)


def _failed_as_too_large(
    visit: Visit, task: OpenTask, caller: Principal | None
) -> None:
    resource = _task_state(visit).resource
    error = too_large(resource.resource_type or resource.arn)
    _failed(visit, task, error.error, error.cause, caller)


def _submitted(visit: Visit, output: Payload, caller: Principal | None) -> None:
    draft, resource = visit.draft, _task_state(visit).resource
    visit.put(
        ev.TaskSubmitted(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=output,
            caller=caller,
            resource_type=resource.resource_type,
            resource=resource.resource,
        )
    )


def _succeeded(
    visit: Visit, task: OpenTask, output: Payload, caller: Principal | None
) -> None:
    state, draft = _task_state(visit), visit.draft
    event: ev.Succeeded
    match task.family:
        case "Task":
            event = _task_succeeded(
                id=draft.next_id,
                previous_id=task.last_id,
                time=draft.time,
                scope=visit.scope_id,
                visit=visit.id,
                payload=output,
                caller=caller,
                resource_type=state.resource.resource_type,
                resource=state.resource.resource,
            )
        case family:
            event = _SUCCEEDED[family](
                id=draft.next_id,
                previous_id=task.last_id,
                time=draft.time,
                scope=visit.scope_id,
                visit=visit.id,
                payload=output,
                caller=caller,
            )
    visit.put(event)
    leave_with_result(visit, state, output)


_task_succeeded: Final = builder(ev.TaskSucceeded)
_SUCCEEDED: Final[dict[str, type[ev.Succeeded]]] = {
    "LambdaFunction": builder(ev.LambdaFunctionSucceeded),
    "Activity": builder(ev.ActivitySucceeded),
}


def _failed(
    visit: Visit,
    task: OpenTask,
    error: str | None,
    cause: str | None,
    caller: Principal | None = None,
) -> None:
    put_failure(visit, task, error, cause, caller)
    fail(visit, Trouble(error=error, cause=cause))


# Timers


def _timer_fired(draft: Draft, stimulus: st.TimerFired) -> Reaction:
    execution = draft.execution
    due = execution.timers.get((stimulus.event_id, stimulus.kind))
    if due is None and not _is_default(draft, stimulus):
        return _CLOSED
    if due is not None and due > draft.time:
        # The firing of an earlier backoff of the same visit, come once more.
        left = due - draft.turn.now
        return Reaction(events=[], verdict=Verdict.ACCEPTED, rearm=left)
    match stimulus.kind:
        case TimerKind.WAIT | TimerKind.RETRY:
            _wake(draft, stimulus)
        case TimerKind.TASK_TIMEOUT:
            _time_out(draft, execution.tasks[stimulus.event_id], is_heartbeat=False)
        case TimerKind.HEARTBEAT:
            task = execution.tasks[stimulus.event_id]
            left = _until_next_beat(draft, task, stimulus)
            if left > timedelta(0):
                return Reaction(events=[], verdict=Verdict.ACCEPTED, rearm=left)
            _time_out(draft, task, is_heartbeat=True)
        case TimerKind.EXECUTION_TIMEOUT:
            _time_out_execution(draft)
        case _:
            assert_never(stimulus.kind)
    return Reaction(events=draft.events, verdict=Verdict.ACCEPTED)


def _is_default(draft: Draft, stimulus: st.TimerFired) -> bool:
    """Tell whether a default has run out, which a sweep finds: it has no timer."""
    execution = draft.execution
    match stimulus.kind:
        case TimerKind.TASK_TIMEOUT:
            task = execution.tasks.get(stimulus.event_id)
            return task is not None and task.due is None
        case TimerKind.EXECUTION_TIMEOUT:
            opened = execution.opened
            return opened is not None and opened + MAX_OPEN_TIME <= draft.time
        case _:
            return False


def _wake(draft: Draft, stimulus: st.TimerFired) -> None:
    execution = draft.execution
    scope = execution.scopes[execution.visits[stimulus.event_id]]
    state = draft.state_of(scope)
    visit = Visit(draft, scope)
    try:
        match state:
            case WaitState():
                leave_simply(visit, state)
            case TaskState():
                schedule_task(visit, state)
            case ParallelState():
                start_branches(visit, state)
            case MapState():
                start_map(visit, state)
            case _:
                raise AssertionError("only Wait, Task, Parallel and Map states sleep")
    except StatesError as error:
        fail(visit, evaluation_trouble(visit, error))


def _time_out(draft: Draft, task: OpenTask, *, is_heartbeat: bool) -> None:
    """End a task whose time is up; a missed heartbeat is recorded as States.Timeout too."""
    visit = Visit(draft, draft.execution.scopes[task.scope])
    put_timeout(visit, task)
    fail(visit, Trouble(error=TIMEOUT, cause=None, is_heartbeat=is_heartbeat))


def _until_next_beat(
    draft: Draft, task: OpenTask, stimulus: st.TimerFired
) -> timedelta:
    if stimulus.last_heartbeat is None or task.heartbeat_seconds is None:
        return timedelta(0)
    due = stimulus.last_heartbeat + timedelta(seconds=task.heartbeat_seconds)
    return due - draft.time


def _time_out_execution(draft: Draft) -> None:
    draft.put(
        ev.ExecutionTimedOut(
            id=draft.next_id,
            previous_id=0,
            time=draft.time,
            error=TIMEOUT,
        )
    )
