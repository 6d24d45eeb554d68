"""The folded state of one execution: what the log says is true now.

Parallel branches and Map iterations are rows of one flat dictionary of scopes, not a tree.
A scope's id derives from the event that began it, so a re-entered Map never reuses one.
Only the package `evolve` writes to these objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TypeAlias

from asl.payload import Json, Payload
from runtime.identity import ExecutionId

ScopeId: TypeAlias = int
ROOT: ScopeId = 0
_BRANCH_BITS = 16


def child_scope_id(started_event_id: int, index: int = 0) -> ScopeId:
    """Name the scope that an event began: branch `index`, or the iteration (index 0)."""
    return (started_event_id << _BRANCH_BITS) + index


class Status(StrEnum):
    """The status of an execution, as the API names it."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


class MapRunStatus(StrEnum):
    """The status of a Map Run, as the API names it."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"


class Phase(StrEnum):
    """What a scope is doing."""

    ENTERING = "entering"
    WAITING = "waiting"
    RUNNING = "running"
    BACKOFF = "backoff"
    JOINING = "joining"
    JOINED = "joined"
    REDRIVEN = "redriven"
    CAUGHT = "caught"
    DONE = "done"


class TimerKind(IntEnum):
    """Why a timer exists; the codes are stored."""

    WAIT = 1
    RETRY = 2
    TASK_TIMEOUT = 3
    HEARTBEAT = 4
    EXECUTION_TIMEOUT = 5


TimerKey: TypeAlias = tuple[int, TimerKind]


@dataclass(slots=True, kw_only=True)
class OpenTask:
    """A task that was scheduled and has no outcome yet."""

    scheduled_id: int
    scope: ScopeId
    visit: int
    family: str
    resource: str
    function: str | None
    payload: Payload
    waits_for_token: bool
    timeout_seconds: int | None
    heartbeat_seconds: int | None
    retry_count: int
    scheduled: datetime
    due: datetime | None = None
    started: datetime | None = None
    started_id: int = 0
    submitted_id: int = 0
    worker: str | None = None

    @property
    def last_id(self) -> int:
        """The event that an outcome of the task points to."""
        return self.submitted_id or self.started_id or self.scheduled_id


@dataclass(slots=True, kw_only=True)
class OpenMapRun:
    """A Map Run that was started and has not ended: what it began with.

    Where it stands is not here: the run's own row and its children know (`map_runs.py`).
    `started_id` names its MapRunStarted, or the MapRunRedriven that has begun it again.
    """

    started_id: int
    scope: ScopeId
    visit: int
    arn: str
    started: datetime
    region: int
    start_at: str
    items: Payload
    length: int
    execution_type: str
    concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    most_items: int | None = None
    most_bytes: int | None = None
    batch_input: Payload | None = None
    redrive_count: int = 0
    redriven: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOf:
    """Which child of which Map Run an execution is; `shard` is where the run's row is."""

    map_run_arn: str
    shard: int
    index: int
    item_count: int


@dataclass(slots=True, kw_only=True)
class Children:
    """The branches or iterations of a Parallel or Map state that is running."""

    started_id: int
    total: int
    concurrency: int = 0
    region: int = 0
    start_at: str = ""
    items: Payload | None = None
    next_index: int = 0
    open: dict[int, ScopeId] = field(default_factory=dict)
    results: dict[int, Payload] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every child has its result."""
        return len(self.results) == self.total

    @property
    def next_indexes(self) -> range:
        """The items of a Map that have not begun and for which a slot is free."""
        free = self.concurrency - len(self.open)
        return range(self.next_index, min(self.next_index + free, self.total))


@dataclass(slots=True, kw_only=True)
class Scope:
    """One thread of control: the execution itself, a branch, or an iteration.

    `last_id` is the causal predecessor of the next event. `state` is the state being
    visited, or, while ENTERING, the one to enter; `payload` its raw input (DONE: the
    scope's output). `visit` is the id of the visited state's StateEntered event, `before` the
    event that one points to. `due` is the end of a Wait, `ended_run` a Map Run that has
    ended badly in this visit. `index` and `items`: where an
    iteration stands in its Map.
    """

    id: ScopeId
    parent: ScopeId | None
    region: int
    phase: Phase
    state: str
    payload: Payload
    last_id: int
    variables: dict[str, Json] = field(default_factory=dict)
    index: int = -1
    items: Payload | None = None
    visit: int = 0
    before: int = 0
    entered: datetime | None = None
    due: datetime | None = None
    retries: dict[int, int] = field(default_factory=dict)
    retry_count: int = 0
    failed_id: int = 0
    children: Children | None = None
    map_run: OpenMapRun | None = None
    ended_run: OpenMapRun | None = None
    task: OpenTask | None = None
    kind: str = ""


@dataclass(slots=True, kw_only=True)
class Execution:
    """Everything the next decision needs to know of one execution.

    `timers`, `tasks` and `map_runs` are what is open; `opened`/`closed` sets collect what changed since
    the last commit, so that a turn writes only its difference. A timer that opens and
    closes within one turn never reaches the database. `ready` holds, in order, the scopes
    that have something to decide. `ledger` is what payloads name as their owner: it stands
    for this fold, not for the execution, because a decision that was never committed leaves
    its payloads behind. `remains` are the scopes as they were when the execution ended
    badly: from there a redrive goes on. `redrives` are the latest redrives, by client token.
    """

    shard: int
    execution_id: ExecutionId
    ledger: object = field(default_factory=object)
    arn: str = ""
    name: str = ""
    role_arn: str = ""
    state_machine_arn: str = ""
    state_machine_name: str = ""
    trace_header: str | None = None
    child_of: ChildOf | None = None
    input: Payload = field(default_factory=lambda: Payload.of_text("{}"))
    status: Status = Status.RUNNING
    started: datetime | None = None
    stopped: datetime | None = None
    deadline: datetime | None = None
    output: Payload | None = None
    error: str | None = None
    cause: str | None = None
    redrive_count: int = 0
    redriven: datetime | None = None
    redrives: dict[str, datetime] = field(default_factory=dict)
    last_event_id: int = 0
    last_time: datetime | None = None
    scopes: dict[ScopeId, Scope] = field(default_factory=dict)
    ready: dict[ScopeId, None] = field(default_factory=dict)
    timers: dict[TimerKey, datetime] = field(default_factory=dict)
    tasks: dict[int, OpenTask] = field(default_factory=dict)
    map_runs: dict[int, OpenMapRun] = field(default_factory=dict)
    visits: dict[int, ScopeId] = field(default_factory=dict)
    remains: dict[ScopeId, Scope] = field(default_factory=dict)
    opened_timers: set[TimerKey] = field(default_factory=set)
    closed_timers: set[TimerKey] = field(default_factory=set)
    opened_tasks: set[int] = field(default_factory=set)
    changed_tasks: set[int] = field(default_factory=set)
    closed_tasks: set[int] = field(default_factory=set)
    opened_map_runs: dict[int, OpenMapRun] = field(default_factory=dict)
    redriven_map_runs: dict[int, OpenMapRun] = field(default_factory=dict)
    closed_map_runs: dict[str, MapRunStatus] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the execution has not ended."""
        return self.status is Status.RUNNING

    @property
    def opened(self) -> datetime | None:
        """When the execution was opened: started, or redriven."""
        return self.redriven or self.started

    def iteration_of(self, scope: Scope) -> Scope | None:
        """Find the innermost iteration that the scope lives in, itself included."""
        current: Scope | None = scope
        while current is not None and current.items is None:
            current = None if current.parent is None else self.scopes[current.parent]
        return current
