"""What Task, Parallel and Map do once they are entered, and again on every retry."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from asl.errors import StatesError
from asl.model import (
    Environment,
    MapState,
    ParallelState,
    Pattern,
    Resource,
    ResourceKind,
    Seconds,
    TaskState,
)
from asl.payload import Json, Payload
from runtime import events as ev
from runtime.distributing import start_map_run
from runtime.draft import Draft, Visit
from runtime.event_class import builder
from runtime.execution import Children
from runtime.failing import Trouble, fail
from runtime.lambda_invoke import called_function, is_lambda_invoke
from runtime.leaving import within_limit
from runtime.limits import DEFAULT_TIMEOUT_SECONDS
from runtime.retry import RUNTIME

_SCHEDULED: Final[dict[ResourceKind, type[ev.Scheduled]]] = {
    ResourceKind.LAMBDA_FUNCTION: builder(ev.LambdaFunctionScheduled),
    ResourceKind.ACTIVITY: builder(ev.ActivityScheduled),
    ResourceKind.SERVICE: builder(ev.TaskScheduled),
}


_task_started: Final = builder(ev.TaskStarted)
_activity_started: Final = builder(ev.ActivityStarted)
_function_started: Final = builder(ev.LambdaFunctionStarted)


def schedule_task(visit: Visit, state: TaskState) -> None:
    """Put the Scheduled event, and Started with it where a worker has a free slot."""
    draft, resource = visit.draft, state.resource
    _require_activity(draft, resource)
    waits_for_token = resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN
    environment = visit.environment(
        scheduled_id=draft.next_id if waits_for_token else 0
    )
    arguments = within_limit(visit.name, state.arguments(environment))
    timeout = _seconds(state.timeout_seconds, environment)
    heartbeat = _seconds(state.heartbeat_seconds, environment)
    function = _function(state, arguments)
    visit.put(
        _SCHEDULED[resource.kind](
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=arguments,
            resource=resource.resource or resource.arn,
            resource_type=resource.resource_type,
            region=draft.turn.region if resource.resource_type else "",
            timeout_seconds=timeout,
            heartbeat_seconds=heartbeat,
            credentials=_shown_credentials(state, environment),
            function=function,
            waits_for_token=waits_for_token,
            due=_due(draft, timeout),
        )
    )
    if function is None:
        _refuse_service(visit, state)
        return
    worker = draft.turn.claim(function)
    if worker is not None:
        put_started(visit, state, worker, heartbeat)


def _seconds(read: Seconds | None, environment: Environment) -> int | None:
    """Return a time limit; one that data gives may be longer than a definition's."""
    return None if read is None else min(read(environment), DEFAULT_TIMEOUT_SECONDS)


def _require_activity(draft: Draft, resource: Resource) -> None:
    if resource.kind is not ResourceKind.ACTIVITY:
        return
    if not draft.turn.has_activity(resource.arn):
        raise StatesError(RUNTIME, f"The activity {resource.arn} does not exist.")


def _shown_credentials(state: TaskState, environment: Environment) -> Json:
    """Return the Credentials as the history shows them; RoleArn is all they can hold."""
    if state.credentials is None:
        return None
    credentials = state.credentials(environment)
    assert isinstance(credentials, dict), "Credentials are an object"
    return {"roleArn": credentials.get("RoleArn")}


def _function(state: TaskState, arguments: Payload) -> str | None:
    """Name what a worker must serve; None: no worker can, and no integration is here."""
    resource = state.resource
    match resource.kind:
        case ResourceKind.LAMBDA_FUNCTION:
            return resource.function
        case ResourceKind.ACTIVITY:
            return resource.arn
        case ResourceKind.SERVICE:
            return called_function(arguments) if is_lambda_invoke(resource) else None


def _due(draft: Draft, seconds: int | None) -> datetime | None:
    return None if seconds is None else draft.time + timedelta(seconds=seconds)


def put_started(
    visit: Visit, state: TaskState, worker: str, heartbeat_seconds: int | None
) -> None:
    """Put the Started event of the task that was scheduled last in this visit."""
    draft, resource = visit.draft, state.resource
    heartbeat_due = _due(draft, heartbeat_seconds)
    if resource.kind is ResourceKind.SERVICE:
        visit.put(
            _task_started(
                id=draft.next_id,
                previous_id=visit.last_id,
                time=draft.time,
                scope=visit.scope_id,
                visit=visit.id,
                worker=worker,
                heartbeat_due=heartbeat_due,
                resource=resource.resource,
                resource_type=resource.resource_type,
            )
        )
        return
    is_activity = resource.kind is ResourceKind.ACTIVITY
    started = _activity_started if is_activity else _function_started
    visit.put(
        started(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            worker=worker,
            heartbeat_due=heartbeat_due,
        )
    )


def _refuse_service(visit: Visit, state: TaskState) -> None:
    draft, resource = visit.draft, state.resource
    wanted = f"{resource.resource_type}:{resource.resource}"
    cause = f"No integration with {wanted} is installed on this server."
    if is_lambda_invoke(resource):
        cause = "The parameter FunctionName is missing or is not a string."
    visit.put(
        ev.TaskStartFailed(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            error="States.TaskFailed",
            cause=cause,
            resource=resource.resource,
            resource_type=resource.resource_type,
        )
    )
    fail(visit, Trouble(error="States.TaskFailed", cause=cause))


def start_branches(visit: Visit, state: ParallelState) -> None:
    """Put ParallelStateStarted; folding it makes every branch ready."""
    draft = visit.draft
    regions = draft.machine.regions
    visit.put(
        ev.ParallelStateStarted(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=within_limit(visit.name, state.arguments(visit.environment())),
            regions=state.branches,
            starts=tuple(regions[branch].start_at for branch in state.branches),
        )
    )


def start_map(visit: Visit, state: MapState) -> None:
    """Put MapStateStarted and as many iterations as may run at once; or begin a Map Run."""
    if state.distribution is not None:
        start_map_run(visit, state, state.distribution)
        return
    draft = visit.draft
    environment = visit.environment()
    items = state.items(environment)
    most = draft.turn.limits.inline_map_concurrency
    concurrency = state.max_concurrency(environment) or most
    same = items is visit.input.value
    visit.put(
        ev.MapStateStarted(
            id=draft.next_id,
            previous_id=visit.last_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=visit.input if same else Payload.of_value(items),
            length=len(items),
            region=state.processor,
            start_at=draft.machine.regions[state.processor].start_at,
            concurrency=concurrency,
        )
    )
    started_id = visit.last_id
    first = range(min(concurrency, len(items)))
    inputs = [_item_input(visit, state, index, items[index]) for index in first]
    for index in first:
        _put_iteration(visit, started_id, index, inputs[index])


def start_next_iteration(
    visit: Visit, state: MapState, children: Children, previous_id: int
) -> None:
    """Put the next iteration into the slot that the event `previous_id` has freed."""
    assert children.items is not None
    items = children.items.value
    assert isinstance(items, list), "the items of a Map are a list"
    index = children.next_index
    _put_iteration(
        visit, previous_id, index, _item_input(visit, state, index, items[index])
    )


def start_waiting_iterations(visit: Visit, state: MapState, children: Children) -> None:
    """Put iterations into all free slots of a Map that goes on after a redrive."""
    assert children.items is not None
    items = children.items.value
    assert isinstance(items, list), "the items of a Map are a list"
    indexes = children.next_indexes
    inputs = [_item_input(visit, state, index, items[index]) for index in indexes]
    for index, payload in zip(indexes, inputs, strict=True):
        _put_iteration(visit, children.started_id, index, payload)


def _item_input(visit: Visit, state: MapState, index: int, item: Json) -> Payload:
    payload = state.item_input(visit.environment(item=(index, item)), index, item)
    return within_limit(visit.name, payload)


def _put_iteration(
    visit: Visit, previous_id: int, index: int, payload: Payload
) -> None:
    draft = visit.draft
    draft.put(
        ev.MapIterationStarted(
            id=draft.next_id,
            previous_id=previous_id,
            time=draft.time,
            scope=visit.scope_id,
            visit=visit.id,
            payload=payload,
            name=visit.name,
            index=index,
        )
    )
