"""An event to the columns of its row, and back.

The payload goes to `data`, or `data_from` points to the event that holds it. The other
public details go to `details` under their API names, what only the fold needs to `memo`;
both are JSON texts, NULL when empty. A table says which field goes where; texts that repeat
(the same state of the same machine writes the same details) are made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from asl.jsontext import WRAPPED_DEPTH, dumps, loads
from asl.payload import Json, Payload
from runtime import events as ev
from runtime.failure import Action, Failure
from runtime.principal import Principal
from storage.principals import plain_principal, principal_of

Fields: TypeAlias = tuple[tuple[str, str], ...]

_CALLER: Final[Fields] = (("caller", "caller"),)
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
    ev.FailedEvent: (_ERROR, _CALLER),
    ev.Succeeded: ((), _CALLER),
    ev.StateExited: (_EXITED, _NEXT),
    ev.WaitStateEntered: ((), (("due", "due"),)),
    ev.Scheduled: (_SCHEDULED, _SCHEDULED_MEMO),
    ev.Started: ((), _STARTED),
    ev.MapIteration: (_ITERATION, ()),
    ev.MapRunEvent: (_MAP_RUN, ()),
    ev.ActivityStarted: ((("worker", "workerName"),), _HEARTBEAT),
    ev.TaskStarted: (_SERVICE, _STARTED),
    ev.TaskSubmitted: (_SERVICE, _CALLER),
    ev.TaskSucceeded: (_SERVICE, _CALLER),
    ev.TaskFailed: (_ERROR + _SERVICE, _CALLER),
    ev.TaskTimedOut: (_ERROR + _SERVICE, _CALLER),
    ev.TaskStartFailed: (_ERROR + _SERVICE, _CALLER),
    ev.TaskSubmitFailed: (_ERROR + _SERVICE, _CALLER),
    ev.EvaluationFailed: (
        (*_ERROR, ("location", "location"), ("state", "state")),
        _CALLER,
    ),
    ev.ExecutionRedriven: (
        (("redrive_count", "redriveCount"),),
        (("deadline", "deadline"), ("client_token", "clientToken"), *_CALLER),
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
            *_CALLER,
        ),
    ),
}
_TIMES: Final = frozenset({"due", "heartbeat_due", "deadline"})
_TUPLES: Final = frozenset({"regions", "starts"})
_PRINCIPALS: Final = frozenset({"caller"})
# Fields of which an empty value is not the same as none.
_ALWAYS_SHOWN: Final = frozenset(
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
_FAILURE_KEY: Final = "failure"
_CACHED_TEXTS: Final = 5_000


class EventRow(NamedTuple):
    """The columns of one event, without the keys that its execution gives it."""

    event_id: int
    previous_id: int
    type: int
    time: datetime
    scope: int | None
    visit: int | None
    data_from: int | None
    state_name: str | None
    data: str | None
    details: str | None
    memo: str | None


class EventColumns(NamedTuple):
    """The same of many events, column by column."""

    event_id: Sequence[int]
    previous_id: Sequence[int]
    type: Sequence[int]
    time: Sequence[datetime]
    scope: Sequence[int | None]
    visit: Sequence[int | None]
    data_from: Sequence[int | None]
    state_name: Sequence[str | None]
    data: Sequence[str | None]
    details: Sequence[str | None]
    memo: Sequence[str | None]


def columns_of(rows: Sequence[EventRow]) -> EventColumns:
    """Turn rows, of which there is at least one, into columns."""
    return EventColumns(*zip(*rows, strict=True))


@dataclass(frozen=True, slots=True)
class _Codec:
    """How one class is written: one getter for all fields, details first."""

    code: int
    details: Fields
    memo: Fields
    getter: Any
    is_entered: bool
    made: dict[object, tuple[str | None, str | None]]

    def texts(self, event: ev.HistoryEvent) -> tuple[str | None, str | None]:
        if self.getter is None:
            return _NO_TEXTS
        values = self.getter(event)
        try:
            return self.made[values]
        except KeyError:
            texts = self._make(values)
            if len(self.made) < _CACHED_TEXTS and len(texts[0] or "") < 512:
                self.made[values] = texts
            return texts
        except TypeError:
            return self._make(values)

    def _make(self, values: tuple[object, ...]) -> tuple[str | None, str | None]:
        count = len(self.details)
        return (
            _json_text(self.details, values[:count]),
            _json_text(self.memo, values[count:]),
        )


_NO_TEXTS: Final = (None, None)


def _json_text(fields: Fields, values: tuple[object, ...]) -> str | None:
    shown: dict[str, Json] = {}
    for (attribute, key), value in zip(fields, values, strict=True):
        if value is None or (not value and attribute not in _ALWAYS_SHOWN):
            continue
        shown[key] = _plain(value)
    return dumps(shown, WRAPPED_DEPTH) if shown else None


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Principal):
        return plain_principal(value)
    return list(value) if isinstance(value, tuple) else value


def _fields_of(cls: type[ev.HistoryEvent]) -> tuple[Fields, Fields]:
    return next(_FIELDS[base] for base in cls.__mro__ if base in _FIELDS)


def _tuple_getter(names: list[str]) -> Any:
    if not names:
        return None
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda event: (get(event),)
    return attrgetter(*names)


def _codec(cls: type[ev.HistoryEvent]) -> _Codec:
    details, memo = _fields_of(cls)
    names = [attribute for attribute, _ in details + memo]
    is_entered = issubclass(cls, ev.StateEntered)
    getter = _tuple_getter(names)
    return _Codec(ev.EVENT_CODES[cls], details, memo, getter, is_entered, {})


# What EventRow(...) does, without a call in between.
_new_tuple: Final = tuple.__new__
_CODECS: Final = {cls: _codec(cls) for cls in ev.EVENT_CLASSES}


def encode(event: ev.HistoryEvent) -> EventRow:
    """Return the columns of an event."""
    codec = _CODECS[type(event)]
    details, memo = codec.texts(event)
    if event.failure is not None:
        memo = _with_failure(memo, event.failure)
    payload = event.payload
    data_from = event.data_from or None
    return _new_tuple(
        EventRow,
        (
            event.id,
            event.previous_id,
            codec.code,
            event.time,
            event.scope or None,
            event.visit or None,
            data_from,
            event.name if codec.is_entered else None,  # type: ignore[attr-defined]  # checked
            None if payload is None or data_from is not None else payload.text,
            details,
            memo,
        ),
    )


def _with_failure(memo: str | None, failure: Failure) -> str:
    shown: Any = loads(memo) if memo else {}
    shown[_FAILURE_KEY] = {
        "action": failure.action.value,
        "scope": failure.scope,
        "retrier": failure.retrier,
        "due": failure.due and failure.due.isoformat(),
        "previousId": failure.previous_id,
    }
    return dumps(shown)


def decode(rows: Iterable[EventRow]) -> list[ev.HistoryEvent]:
    """Rebuild the events of one execution, given from its first on."""
    log: list[ev.HistoryEvent] = []
    read_on(log, rows)
    return log


def read_on(log: list[ev.HistoryEvent], rows: Iterable[EventRow]) -> None:
    """Append the events of the rows that follow a log."""
    for row in rows:
        payload: Payload | None = None
        if row.data_from is not None:
            payload = log[row.data_from - 1].payload
        elif row.data is not None:
            payload = Payload.of_text(row.data)
        log.append(_decode(row, payload, log))


def _decode(
    row: EventRow, payload: Payload | None, earlier: list[ev.HistoryEvent]
) -> ev.HistoryEvent:
    cls = ev.EVENT_CLASSES[row.type - 1]
    details, memo = _fields_of(cls)
    values = _values(details, row.details)
    values |= _values(memo, row.memo)
    if row.state_name is not None:
        values["name"] = row.state_name
    elif issubclass(cls, ev.StateExited):
        values["name"] = getattr(earlier[(row.visit or 1) - 1], "name", "")
    return cls(
        id=row.event_id,
        previous_id=row.previous_id,
        time=row.time,
        scope=row.scope or 0,
        visit=row.visit or 0,
        payload=payload,
        failure=_failure(row.memo),
        data_from=row.data_from or 0,
        **values,
    )


def _values(fields: Fields, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    shown: Any = loads(text, WRAPPED_DEPTH)
    return {
        attribute: _typed(attribute, shown[key])
        for attribute, key in fields
        if key in shown
    }


def _typed(attribute: str, value: Any) -> Any:
    if attribute in _TIMES:
        return datetime.fromisoformat(value)
    if attribute in _PRINCIPALS:
        return principal_of(value)
    return tuple(value) if attribute in _TUPLES else value


def caller_in(memo: str | None) -> Principal | None:
    """Return who asked for an event, by its memo."""
    caller: Principal | None = _values(_CALLER, memo).get("caller")
    return caller


def _failure(memo: str | None) -> Failure | None:
    if memo is None or f'"{_FAILURE_KEY}"' not in memo:
        return None
    shown: Any = loads(memo)
    stored = shown.get(_FAILURE_KEY)
    if stored is None:
        return None
    return Failure(
        action=Action(stored["action"]),
        scope=stored["scope"],
        retrier=stored["retrier"],
        due=stored["due"] and datetime.fromisoformat(stored["due"]),
        previous_id=stored["previousId"],
    )
