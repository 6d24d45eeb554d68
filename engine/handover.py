"""What workers and the engine say to each other: polls, reports, and their answers.

A poll carries the worker's session, its free slots and its inventory: the tokens of all
attempts it holds. Whatever was assigned to that session and is missing there is delivered
again; a token absent from the inventory is promised never to run. Reports are answered one
by one, so that one bad item fails none of its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runtime.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRequest:
    """A worker asks for tasks; `free` is how many it can take, `wait` how long it waits."""

    session: str
    name: str
    functions: tuple[str, ...]
    free: int
    inventory: frozenset[str]
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAssignment:
    """One attempt for one worker; `input` is JSON text."""

    token: str
    function: str
    input: str
    execution_arn: str
    state_machine_arn: str
    state_name: str
    attempt_id: str
    idempotency_key: str
    retry_count: int
    remaining_seconds: float | None
    heartbeat_seconds: int | None
    shard: int
    epoch: int
    trace_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResponse:
    """New assignments, and tokens of attempts that are closed already."""

    tasks: tuple[TaskAssignment, ...] = ()
    cancelled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSuccess:
    """A function returned; `output` is JSON text."""

    token: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """A function failed."""

    token: str
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What became of attempts, and which ones are alive; `caller` is who signed it."""

    session: str
    results: tuple[TaskSuccess | TaskFailure, ...] = ()
    heartbeats: tuple[str, ...] = ()
    caller: Principal | None = None


class Verdict(StrEnum):
    """What the engine made of a result: there is an event now; the attempt was closed
    before; nobody remembers it; the token or the result is not one.
    """

    ACCEPTED = "accepted"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResponse:
    """One verdict per result, in their order, and tokens of attempts closed already.

    None where there is none yet: the result is to be reported again.
    """

    verdicts: tuple[Verdict | None, ...]
    cancelled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByeRequest:
    """A worker leaves; `returned` was assigned to it and has not begun."""

    session: str
    returned: tuple[str, ...] = ()
