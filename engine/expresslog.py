"""What of an Express execution's history goes to the log, as its machine asks.

The levels are those of the service: ALL writes every event, ERROR what says that something
failed, timed out or was aborted, FATAL the end of an execution that did not succeed. Of a
part of a history each row must say by itself what it would share with rows that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from asl.jsontext import WRAPPED_DEPTH, dumps, loads
from runtime import events as ev
from storage.codec import EventRow, encode
from storage.packed_events import packed_events, packed_rows

_FATAL: Final = (ev.ExecutionFailed, ev.ExecutionTimedOut, ev.ExecutionAborted)
_ERRORS: Final = ("Failed", "TimedOut", "Aborted")
_ASSIGNED: Final = "assignedVariables"


def _is_error(event: ev.HistoryEvent) -> bool:
    name = type(event).__name__
    return name.endswith(_ERRORS) or name == "FailStateEntered"


_PARTS: Final[Mapping[str, Callable[[ev.HistoryEvent], bool]]] = {
    "ERROR": _is_error,
    "FATAL": lambda event: isinstance(event, _FATAL),
}


def wants_log(configuration: Mapping[str, Any] | None) -> bool:
    """Tell whether a machine asks for anything."""
    return configuration is not None and configuration.get("level", "OFF") != "OFF"


def packed_log(
    head: bytes,
    events: Sequence[ev.HistoryEvent],
    configuration: Mapping[str, Any] | None,
) -> tuple[bytes, int]:
    """Return the rows that a machine asks for, packed, and the id of the last; or nothing."""
    if configuration is None or not wants_log(configuration):
        return b"", 0
    if configuration["level"] == "ALL" and configuration.get("includeExecutionData"):
        return packed_events(head, events), events[-1].id
    rows = logged_rows(events, configuration)
    return packed_rows(head, rows), rows[-1].event_id if rows else 0


def logged_rows(
    events: Sequence[ev.HistoryEvent], configuration: Mapping[str, Any]
) -> list[EventRow]:
    """Return the rows that a machine's logging configuration asks for."""
    is_wanted = _PARTS.get(configuration["level"])
    if is_wanted is None:
        rows = [encode(event) for event in events]
    else:
        rows = [_by_itself(event, events) for event in events if is_wanted(event)]
    if configuration.get("includeExecutionData"):
        return rows
    return [_without_data(row) for row in rows]


def _by_itself(event: ev.HistoryEvent, events: Sequence[ev.HistoryEvent]) -> EventRow:
    payload = event.payload
    entered = events[event.visit - 1] if event.visit else None
    return encode(event)._replace(
        data=None if payload is None else payload.text,
        data_from=None,
        state_name=getattr(entered, "name", None),
    )


def _without_data(row: EventRow) -> EventRow:
    details = row.details
    if details is not None and _ASSIGNED in details:
        shown: Any = loads(details, WRAPPED_DEPTH)
        shown.pop(_ASSIGNED, None)
        details = dumps(shown) if shown else None
    return row._replace(data=None, data_from=None, details=details)
