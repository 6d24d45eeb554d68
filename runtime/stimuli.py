"""What can come to an execution from outside, and what whoever sent it is told.

`caller` is who asked for it; None: nobody is known, or the engine itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from asl.payload import Payload
from runtime.execution import TimerKind
from runtime.principal import Principal


class Verdict(StrEnum):
    """What became of a stimulus: it made events, or came too late, or names nothing."""

    ACCEPTED = "accepted"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Begin:
    """The execution was started; its first turn follows."""


@dataclass(frozen=True, slots=True)
class Continue:
    """A turn was cut because it grew too large; go on."""


@dataclass(frozen=True, slots=True)
class TaskClaimed:
    """A worker has a free slot for a task that waits."""

    scheduled_id: int
    worker: str


@dataclass(frozen=True, slots=True)
class WorkerReturned:
    """The function of a task returned."""

    scheduled_id: int
    output: Payload
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class ServiceAnswered:
    """A service that the engine called has answered; `output` is the task's result."""

    scheduled_id: int
    output: Payload


@dataclass(frozen=True, slots=True)
class WorkerRaised:
    """The function of a task failed."""

    scheduled_id: int
    error: str | None
    cause: str | None
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker that had a task is gone; what the function did is unknown."""

    scheduled_id: int
    worker: str


@dataclass(frozen=True, slots=True)
class CallbackSucceeded:
    """SendTaskSuccess."""

    scheduled_id: int
    output: Payload
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class CallbackFailed:
    """SendTaskFailure."""

    scheduled_id: int
    error: str | None
    cause: str | None
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """SendTaskHeartbeat, or a beat of a worker's function."""

    scheduled_id: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer is due. `last_heartbeat`: for a HEARTBEAT timer, the latest beat known."""

    event_id: int
    kind: TimerKind
    last_heartbeat: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChildrenSucceeded:
    """The children of a Map Run have ended, well enough; the run is named by its start."""

    started_id: int
    output: Payload


@dataclass(frozen=True, slots=True)
class ChildrenFailed:
    """A Map Run fails: too many of its children did, or one could not be started."""

    started_id: int
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """StopExecution."""

    error: str | None
    cause: str | None
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class Redrive:
    """RedriveExecution; the same client token again is the same call again."""

    client_token: str
    caller: Principal | None = None


@dataclass(frozen=True, slots=True)
class RedriveChild:
    """The Map Run of a child that ended badly is redriven, and so is the child."""


OfTask: TypeAlias = (
    TaskClaimed
    | WorkerReturned
    | ServiceAnswered
    | WorkerRaised
    | WorkerLost
    | CallbackSucceeded
    | CallbackFailed
    | Heartbeat
)
OfMapRun: TypeAlias = ChildrenSucceeded | ChildrenFailed
OfCaller: TypeAlias = (
    WorkerReturned | WorkerRaised | CallbackSucceeded | CallbackFailed | Stop | Redrive
)
Stimulus: TypeAlias = (
    Begin | Continue | OfTask | OfMapRun | TimerFired | Stop | Redrive | RedriveChild
)
