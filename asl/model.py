"""A parsed and compiled definition: what the runtime asks of each state.

Every expression of a definition is compiled once, at parse time, into a callable that takes
an `Environment`. Which query language made the callable is invisible from here on: JSONPath
and JSONata are two compilers of the same fields. All callables are pure; they raise
`StatesError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from asl.payload import Json, Payload


class Entropy(Protocol):
    """Where `States.UUID`, `$random` and their kind take chance from; replayable by seed."""

    def random(self) -> float:
        """Return a float in [0, 1)."""

    def uuid(self) -> str:
        """Return a version 4 UUID as text."""


@dataclass(slots=True)
class Environment:
    """What an expression may see.

    `input` is the raw input of the state. `context` builds the context object (`$$`,
    `$states.context`) and is called only by expressions that mention it. `result` is set
    after a Task, Map or Parallel has its result, `error_output` (an object with Error and
    Cause) only for a catcher. `trace`, where given, is told what each stage of the data flow
    made, under the names that TestState shows; a stage that the definition does not mention
    makes nothing.
    """

    input: Payload
    context: Callable[[], dict[str, Json]]
    variables: Mapping[str, Json]
    now: datetime
    entropy: Entropy
    result: Payload | None = None
    error_output: Payload | None = None
    trace: Callable[[str, Payload], None] | None = None


@dataclass(slots=True)
class Outcome:
    """What leaving a state yields: its output and the variables it assigned (None: no Assign)."""

    output: Payload
    assigned: dict[str, Json] | None = None


Expression: TypeAlias = Callable[[Environment], Payload]
Leave: TypeAlias = Callable[[Environment], Outcome]
Seconds: TypeAlias = Callable[[Environment], int]


class Pattern(StrEnum):
    """How a Task waits for its service."""

    REQUEST_RESPONSE = ""
    SYNC = ".sync"
    SYNC_2 = ".sync:2"
    WAIT_FOR_TASK_TOKEN = ".waitForTaskToken"  # noqa: S105 - a pattern, no password


class ResourceKind(StrEnum):
    """Which family of history events a Task uses."""

    LAMBDA_FUNCTION = "LambdaFunction"
    ACTIVITY = "Activity"
    SERVICE = "Task"


@dataclass(frozen=True, slots=True)
class Resource:
    """The Resource of a Task, taken apart.

    A function ARN: kind LAMBDA_FUNCTION, `function` is its bare name. An activity ARN: kind
    ACTIVITY. `arn:aws:states:::SERVICE:ACTION.PATTERN`: kind SERVICE, `resource_type` is the
    service (`lambda`, `aws-sdk:s3`), `resource` the action with its pattern, as events show.
    """

    arn: str
    kind: ResourceKind
    pattern: Pattern = Pattern.REQUEST_RESPONSE
    resource_type: str = ""
    resource: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """One entry of Retry; `max_delay_seconds` None means unbounded."""

    errors: tuple[str, ...]
    interval_seconds: int = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: int | None = None
    jitter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """One entry of Catch; `leave` sees `error_output`."""

    errors: tuple[str, ...]
    next: str
    leave: Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """Calls a function, an activity or a service."""

    name: str
    next: str | None
    resource: Resource
    arguments: Expression
    timeout_seconds: Seconds | None
    heartbeat_seconds: Seconds | None
    credentials: Callable[[Environment], Json] | None
    leave: Leave
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassState:
    """Passes its input, or a fixed result, to its output."""

    name: str
    next: str | None
    leave: Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceState:
    """Chooses the next state; raises States.Runtime when no rule matches."""

    name: str
    choose: Callable[[Environment], tuple[str, Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState:
    """Sleeps until `due(environment, entered)`, a time in UTC."""

    name: str
    next: str | None
    due: Callable[[Environment, datetime], datetime]
    leave: Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class SucceedState:
    """Ends its scope well."""

    name: str
    leave: Leave


@dataclass(frozen=True, slots=True, kw_only=True)
class FailState:
    """Ends its scope with an error; both parts may be absent."""

    name: str
    failure: Callable[[Environment], tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelState:
    """Runs every branch over the same input; its result is the list of their outputs."""

    name: str
    next: str | None
    branches: tuple[int, ...]
    arguments: Expression
    leave: Leave
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


class ProcessorMode(StrEnum):
    """How a Map runs its iterations."""

    INLINE = "INLINE"
    DISTRIBUTED = "DISTRIBUTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How many iterations of a Map may fail: a count, a percentage (0-100), or both."""

    count: int = 0
    percentage: float = 0.0


class ExecutionType(StrEnum):
    """What the children of a distributed Map are."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class Transformation(StrEnum):
    """How the results of a distributed Map's children become its result."""

    NONE = "NONE"
    COMPACT = "COMPACT"
    FLATTEN = "FLATTEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batcher:
    """How items are grouped; what is None does not bound a batch."""

    max_items: Seconds | None
    max_bytes: Seconds | None
    batch_input: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What only a distributed Map has.

    `reader` and `writer` are the resources that items come from and results go to; None: the
    state's input, the state's output.
    """

    execution_type: ExecutionType = ExecutionType.STANDARD
    label: str | None = None
    reader: str | None = None
    batcher: Batcher | None = None
    writer: str | None = None
    transformation: Transformation = Transformation.COMPACT


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState:
    """Runs its processor over each item.

    `items` yields the list after InputPath/ItemsPath or Items; `item_input(environment, index, item)` applies ItemSelector (the environment's context
    already has Map.Item). `max_concurrency` 0 means the service's own limit. An inline Map has
    no `distribution`.
    """

    name: str
    next: str | None
    processor: int
    mode: ProcessorMode
    items: Callable[[Environment], list[Json]]
    item_input: Callable[[Environment, int, Json], Payload]
    max_concurrency: Seconds
    tolerance: Callable[[Environment], Tolerance]
    leave: Leave
    distribution: Distribution | None = None
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


State: TypeAlias = (
    TaskState
    | PassState
    | ChoiceState
    | WaitState
    | SucceedState
    | FailState
    | ParallelState
    | MapState
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One StartAt/States scope: the whole machine (index 0), a branch, or a Map processor."""

    start_at: str
    states: dict[str, State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A compiled definition; `activities` are the ARNs of those that its tasks wait for.

    Regions are numbered in the order in which a depth-first walk of the definition meets
    them, so the numbers are the same for every parse of one revision.
    """

    regions: tuple[Region, ...]
    timeout_seconds: int | None = None
    comment: str | None = None
    query_language: str = "JSONPath"
    variable_references: Mapping[str, list[str]] = field(default_factory=dict)
    activities: frozenset[str] = frozenset()
