"""The log: one class per public history event type, named as the API names it.

An event records a result, never an instruction to compute it again. Its fields are the
public details in snake case, plus what the fold needs and the API must not show (marked
*memo*). Every event carries at most one payload: the input, output or parameters that the
public details hold, or, for the starts of Map and Parallel, what their children run on.
Where a request can be behind an event, `caller` (memo) is who signed it.

Events are linked by `previous_id` as counted from recorded histories: the first StateEntered
points to 0, not to ExecutionStarted; a state entered later points to the StateExited (or the
start of its iteration or branch) before it; an outcome points to its TaskStarted, a retried
TaskScheduled to the failed outcome, and everything torn down by a failure to the one failing
event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asl.payload import Json, Payload
from runtime.event_class import event
from runtime.failure import Failure
from runtime.principal import Principal


@event
class HistoryEvent:
    """What every event has.

    `id` is gapless per execution from 1. `scope` is the id of the scope the event belongs
    to, `visit` the id of the StateEntered event of the visit it belongs to (0: none).
    `failure` (memo) is set on the one event that a failure started from. `data_from` (memo)
    is the id of the earlier event that stores the same payload, 0 where this one does.
    """

    id: int = 0
    previous_id: int = 0
    time: datetime
    scope: int = 0
    visit: int = 0
    payload: Payload | None = None
    failure: Failure | None = None
    data_from: int = 0


@event
class ExecutionStarted(HistoryEvent):
    """The first event; `payload` is the input.

    All fields but the role, version and alias are memo. `region` is where in the machine it
    runs: a child of a Map Run runs its processor, and knows the run, the run's shard, which
    of its children it is and how many items it has.
    """

    role_arn: str = ""
    arn: str = ""
    name: str = ""
    state_machine_arn: str = ""
    state_machine_name: str = ""
    start_at: str = ""
    deadline: datetime | None = None
    trace_header: str | None = None
    state_machine_alias_arn: str | None = None
    state_machine_version_arn: str | None = None
    region: int = 0
    map_run_arn: str | None = None
    map_run_shard: int = 0
    map_run_index: int = 0
    item_count: int = 0
    caller: Principal | None = None


@event
class ExecutionSucceeded(HistoryEvent):
    """The execution ended well; `payload` is its output."""


@event
class FailedEvent(HistoryEvent):
    """What every event with an error and a cause has; some were asked for by a caller."""

    error: str | None = None
    cause: str | None = None
    caller: Principal | None = None


@event
class ExecutionFailed(FailedEvent):
    """The execution ended with an error."""


@event
class ExecutionTimedOut(FailedEvent):
    """The machine's own TimeoutSeconds ran out."""


@event
class ExecutionAborted(FailedEvent):
    """StopExecution ended it."""


@event
class ExecutionRedriven(HistoryEvent):
    """RedriveExecution continued it from what had not ended well.

    `deadline` and `client_token` are memo.
    """

    redrive_count: int = 0
    deadline: datetime | None = None
    client_token: str = ""
    caller: Principal | None = None


@event
class EvaluationFailed(FailedEvent):
    """A JSONata expression failed; `location` is its field, `state` the state's name."""

    location: str | None = None
    state: str = ""


# States


@event
class StateEntered(HistoryEvent):
    """A visit of a state begins; `payload` is the state's raw input."""

    name: str = ""


@event
class StateExited(HistoryEvent):
    """A visit ends; `payload` is the state's output, `next` (memo) the state to enter."""

    name: str = ""
    assigned: dict[str, Json] | None = None
    next: str | None = None


@event
class PassStateEntered(StateEntered):
    """A Pass state was entered."""


@event
class PassStateExited(StateExited):
    """A Pass state was left."""


@event
class ChoiceStateEntered(StateEntered):
    """A Choice state was entered."""


@event
class ChoiceStateExited(StateExited):
    """A Choice state was left."""


@event
class SucceedStateEntered(StateEntered):
    """A Succeed state was entered."""


@event
class SucceedStateExited(StateExited):
    """A Succeed state was left."""


@event
class FailStateEntered(StateEntered):
    """A Fail state was entered; it is never left."""


@event
class WaitStateEntered(StateEntered):
    """A Wait state was entered; it sleeps until `due` (memo; None where that failed)."""

    due: datetime | None = None


@event
class WaitStateExited(StateExited):
    """A Wait state was left."""


@event
class WaitStateAborted(HistoryEvent):
    """A Wait state was torn down with its scope."""


@event
class TaskStateEntered(StateEntered):
    """A Task state was entered."""


@event
class TaskStateExited(StateExited):
    """A Task state was left, with its result or through a Catch."""


@event
class TaskStateAborted(HistoryEvent):
    """A Task state was torn down with its scope."""


# Tasks, in their three families


@event
class Scheduled(HistoryEvent):
    """A task was scheduled; `payload` is what it is called with.

    `resource` is the ARN, or for a service its action; `resource_type` and `region` are a
    service's own. `function` (memo) is the function
    name a worker must serve, `waits_for_token` (memo) tells that the task waits for a callback,
    `due` (memo) is the end of its time limit.
    """

    resource: str = ""
    resource_type: str = ""
    region: str = ""
    timeout_seconds: int | None = None
    heartbeat_seconds: int | None = None
    credentials: Json = None
    function: str | None = None
    waits_for_token: bool = False
    due: datetime | None = None


@event
class Started(HistoryEvent):
    """An attempt began; `worker` names the worker session (memo, public for activities).

    Heartbeats count from here: before, there was nobody to send one. `heartbeat_due` (memo)
    is when the first must have come.
    """

    worker: str | None = None
    heartbeat_due: datetime | None = None


@event
class Succeeded(HistoryEvent):
    """An attempt succeeded; `payload` is its result."""

    caller: Principal | None = None


@event
class LambdaFunctionScheduled(Scheduled):
    """A function named by its ARN was scheduled; `payload` is its input."""


@event
class LambdaFunctionScheduleFailed(FailedEvent):
    """A function could not be scheduled."""


@event
class LambdaFunctionStarted(Started):
    """A worker was given the function."""


@event
class LambdaFunctionStartFailed(FailedEvent):
    """A function could not be started."""


@event
class LambdaFunctionSucceeded(Succeeded):
    """A function returned."""


@event
class LambdaFunctionFailed(FailedEvent):
    """A function failed."""


@event
class LambdaFunctionTimedOut(FailedEvent):
    """A function took too long."""


@event
class ActivityScheduled(Scheduled):
    """An activity task waits for a poller; `payload` is its input."""


@event
class ActivityScheduleFailed(FailedEvent):
    """An activity task could not be scheduled."""


@event
class ActivityStarted(Started):
    """A poller took the activity task."""


@event
class ActivitySucceeded(Succeeded):
    """SendTaskSuccess closed the activity task."""


@event
class ActivityFailed(FailedEvent):
    """SendTaskFailure closed the activity task."""


@event
class ActivityTimedOut(FailedEvent):
    """The activity task took too long, or missed a heartbeat."""


@event
class TaskScheduled(Scheduled):
    """A service task was scheduled; `payload` is its parameters."""


@event
class TaskStarted(Started):
    """The call to the service began."""

    resource_type: str = ""
    resource: str = ""


@event
class TaskStartFailed(FailedEvent):
    """The call to the service could not begin."""

    resource_type: str = ""
    resource: str = ""


@event
class TaskSubmitted(HistoryEvent):
    """The service accepted the call and the task waits; `payload` is the answer."""

    resource_type: str = ""
    resource: str = ""
    caller: Principal | None = None


@event
class TaskSubmitFailed(FailedEvent):
    """The service refused what should have been submitted."""

    resource_type: str = ""
    resource: str = ""


@event
class TaskSucceeded(Succeeded):
    """The service task succeeded."""

    resource_type: str = ""
    resource: str = ""


@event
class TaskFailed(FailedEvent):
    """The service task failed."""

    resource_type: str = ""
    resource: str = ""


@event
class TaskTimedOut(FailedEvent):
    """The service task took too long, or missed a heartbeat."""

    resource_type: str = ""
    resource: str = ""


# Parallel and Map


@event
class ParallelStateEntered(StateEntered):
    """A Parallel state was entered."""


@event
class ParallelStateStarted(HistoryEvent):
    """The branches begin; `payload` (memo) is their input.

    `regions` and `starts` (memo) say, per branch, in which region of the machine it runs
    and at which state.
    """

    regions: tuple[int, ...] = ()
    starts: tuple[str, ...] = ()


@event
class ParallelStateSucceeded(HistoryEvent):
    """All branches ended well."""


@event
class ParallelStateFailed(HistoryEvent):
    """A branch failed and no Retry took it."""


@event
class ParallelStateAborted(HistoryEvent):
    """The state was torn down with its scope."""


@event
class ParallelStateExited(StateExited):
    """A Parallel state was left."""


@event
class MapStateEntered(StateEntered):
    """A Map state was entered."""


@event
class MapStateStarted(HistoryEvent):
    """The iterations can begin; `payload` (memo) is the list of items.

    `region` and `start_at` (memo) say where an iteration runs, `concurrency` (memo) how
    many run at once. With `is_distributed` (memo) a Map Run does the work.
    """

    length: int = 0
    region: int = 0
    start_at: str = ""
    concurrency: int = 0
    is_distributed: bool = False


@event
class MapStateSucceeded(HistoryEvent):
    """All iterations ended well."""


@event
class MapStateFailed(HistoryEvent):
    """An iteration failed and no Retry took it."""


@event
class MapStateAborted(HistoryEvent):
    """The state was torn down with its scope."""


@event
class MapStateExited(StateExited):
    """A Map state was left."""


@event
class MapIteration(HistoryEvent):
    """What the events of an iteration have: the Map state's name and the item's index."""

    name: str = ""
    index: int = 0


@event
class MapIterationStarted(MapIteration):
    """An iteration begins; `payload` (memo) is its input where that is not the item."""


@event
class MapIterationSucceeded(MapIteration):
    """An iteration ended well."""


@event
class MapIterationFailed(MapIteration):
    """An iteration failed."""


@event
class MapIterationAborted(MapIteration):
    """An iteration was torn down because another one failed."""


@event
class MapRunEvent(HistoryEvent):
    """What the events of a Map Run have."""

    map_run_arn: str = ""


@event
class MapRunStarted(MapRunEvent):
    """A Map Run began; `payload` (memo) is what every batch of items carries beside them.

    All fields but the ARN are memo: how the run begins. Concurrency and tolerance may be
    changed while it runs; the run's own row has what holds now.
    """

    execution_type: str = ""
    concurrency: int = 0
    tolerated_count: int = 0
    tolerated_percentage: float = 0.0
    most_items: int | None = None
    most_bytes: int | None = None


@event
class MapRunSucceeded(MapRunEvent):
    """A Map Run ended well."""


@event
class MapRunFailed(FailedEvent):
    """A Map Run failed."""


@event
class MapRunAborted(MapRunEvent):
    """A Map Run was aborted."""


@event
class MapRunRedriven(MapRunEvent):
    """A Map Run was redriven."""

    redrive_count: int = 0


# The codes under which the log stores the types: the position here, from 1. Append only.
EVENT_CLASSES: Final[tuple[type[HistoryEvent], ...]] = (
    ActivityFailed,
    ActivityScheduled,
    ActivityScheduleFailed,
    ActivityStarted,
    ActivitySucceeded,
    ActivityTimedOut,
    ChoiceStateEntered,
    ChoiceStateExited,
    ExecutionAborted,
    ExecutionFailed,
    ExecutionStarted,
    ExecutionSucceeded,
    ExecutionTimedOut,
    FailStateEntered,
    LambdaFunctionFailed,
    LambdaFunctionScheduled,
    LambdaFunctionScheduleFailed,
    LambdaFunctionStarted,
    LambdaFunctionStartFailed,
    LambdaFunctionSucceeded,
    LambdaFunctionTimedOut,
    MapIterationAborted,
    MapIterationFailed,
    MapIterationStarted,
    MapIterationSucceeded,
    MapStateAborted,
    MapStateEntered,
    MapStateExited,
    MapStateFailed,
    MapStateStarted,
    MapStateSucceeded,
    ParallelStateAborted,
    ParallelStateEntered,
    ParallelStateExited,
    ParallelStateFailed,
    ParallelStateStarted,
    ParallelStateSucceeded,
    PassStateEntered,
    PassStateExited,
    SucceedStateEntered,
    SucceedStateExited,
    TaskFailed,
    TaskScheduled,
    TaskStarted,
    TaskStartFailed,
    TaskStateAborted,
    TaskStateEntered,
    TaskStateExited,
    TaskSubmitFailed,
    TaskSubmitted,
    TaskSucceeded,
    TaskTimedOut,
    WaitStateAborted,
    WaitStateEntered,
    WaitStateExited,
    MapRunAborted,
    MapRunFailed,
    MapRunStarted,
    MapRunSucceeded,
    ExecutionRedriven,
    MapRunRedriven,
    EvaluationFailed,
)
EVENT_TYPES: Final[tuple[str, ...]] = tuple(cls.__name__ for cls in EVENT_CLASSES)
EVENT_CODES: Final[dict[type[HistoryEvent], int]] = {
    cls: code for code, cls in enumerate(EVENT_CLASSES, start=1)
}
