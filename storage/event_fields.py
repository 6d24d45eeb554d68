"""Which field of an event goes where in its row: public details under their API names, or memo."""

from __future__ import annotations

from typing import Final, TypeAlias

from runtime import events as ev

Fields: TypeAlias = tuple[tuple[str, str], ...]

CALLER: Final[Fields] = (("caller", "caller"),)
_ERROR: Final[Fields] = (("error", "error"), ("cause", "cause"))
_SERVICE: Final[Fields] = (("resource_type", "resourceType"), ("resource", "resource"))
_SCHEDULED: Final[Fields] = (
    ("resource", "resource"),
    ("resource_type", "resourceType"),
    ("region", "region"),
    ("timeout_seconds", "timeoutInSeconds"),
    ("heartbeat_seconds", "heartbeatInSeconds"),
    ("credentials", "taskCredentials"),
)
_SCHEDULED_MEMO: Final[Fields] = (
    ("function", "function"),
    ("waits_for_token", "waitsForToken"),
    ("due", "due"),
)
_EXITED: Final[Fields] = (("assigned", "assignedVariables"),)
_NEXT: Final[Fields] = (("next", "next"),)
_HEARTBEAT: Final[Fields] = (("heartbeat_due", "heartbeatDue"),)
_STARTED: Final[Fields] = (("worker", "worker"), *_HEARTBEAT)
_ITERATION: Final[Fields] = (("name", "name"), ("index", "index"))
_MAP_RUN: Final[Fields] = (("map_run_arn", "mapRunArn"),)

# Per class: the public details and the memo. A class that is not here takes those of the
# nearest base that is.
_FIELDS: Final[dict[type[ev.HistoryEvent], tuple[Fields, Fields]]] = {
    ev.HistoryEvent: ((), ()),
    ev.FailedEvent: (_ERROR, CALLER),
    ev.Succeeded: ((), CALLER),
    ev.StateExited: (_EXITED, _NEXT),
    ev.WaitStateEntered: ((), (("due", "due"),)),
    ev.Scheduled: (_SCHEDULED, _SCHEDULED_MEMO),
    ev.Started: ((), _STARTED),
    ev.MapIteration: (_ITERATION, ()),
    ev.MapRunEvent: (_MAP_RUN, ()),
    ev.ActivityStarted: ((("worker", "workerName"),), _HEARTBEAT),
    ev.TaskStarted: (_SERVICE, _STARTED),
    ev.TaskSubmitted: (_SERVICE, CALLER),
    ev.TaskSucceeded: (_SERVICE, CALLER),
    ev.TaskFailed: (_ERROR + _SERVICE, CALLER),
    ev.TaskTimedOut: (_ERROR + _SERVICE, CALLER),
    ev.TaskStartFailed: (_ERROR + _SERVICE, CALLER),
    ev.TaskSubmitFailed: (_ERROR + _SERVICE, CALLER),
    ev.EvaluationFailed: (
        (*_ERROR, ("location", "location"), ("state", "state")),
        CALLER,
    ),
    ev.ExecutionRedriven: (
        (("redrive_count", "redriveCount"),),
        (("deadline", "deadline"), ("client_token", "clientToken"), *CALLER),
    ),
    ev.MapRunRedriven: ((*_MAP_RUN, ("redrive_count", "redriveCount")), ()),
    ev.ParallelStateStarted: ((), (("regions", "regions"), ("starts", "starts"))),
    ev.MapStateStarted: (
        (("length", "length"),),
        (
            ("region", "region"),
            ("start_at", "startAt"),
            ("concurrency", "concurrency"),
            ("is_distributed", "isDistributed"),
        ),
    ),
    ev.MapRunStarted: (
        _MAP_RUN,
        (
            ("execution_type", "executionType"),
            ("concurrency", "concurrency"),
            ("tolerated_count", "toleratedCount"),
            ("tolerated_percentage", "toleratedPercentage"),
            ("most_items", "mostItems"),
            ("most_bytes", "mostBytes"),
        ),
    ),
    ev.ExecutionStarted: (
        (
            ("role_arn", "roleArn"),
            ("state_machine_alias_arn", "stateMachineAliasArn"),
            ("state_machine_version_arn", "stateMachineVersionArn"),
        ),
        (
            ("arn", "arn"),
            ("name", "name"),
            ("state_machine_arn", "stateMachineArn"),
            ("state_machine_name", "stateMachineName"),
            ("start_at", "startAt"),
            ("deadline", "deadline"),
            ("trace_header", "traceHeader"),
            ("region", "region"),
            ("map_run_arn", "mapRunArn"),
            ("map_run_shard", "mapRunShard"),
            ("map_run_index", "mapRunIndex"),
            ("item_count", "itemCount"),
            *CALLER,
        ),
    ),
}
TIMES: Final = frozenset({"due", "heartbeat_due", "deadline"})
TUPLES: Final = frozenset({"regions", "starts"})
PRINCIPALS: Final = frozenset({"caller"})
# Fields of which an empty value is not the same as none.
ALWAYS_SHOWN: Final = frozenset(
    {
        "assigned",
        "cause",
        "credentials",
        "error",
        "heartbeat_seconds",
        "index",
        "length",
        "redrive_count",
        "timeout_seconds",
    }
)
# Fields that no two executions share: what is written of them is not worth keeping.
UNREPEATED: Final = frozenset({ev.ExecutionStarted})


def fields_of(cls: type[ev.HistoryEvent]) -> tuple[Fields, Fields]:
    """Return the public details and the memo of an event class."""
    return next(_FIELDS[base] for base in cls.__mro__ if base in _FIELDS)
