"""Events of Express executions as rows of COPY, made once for all that repeat.

Executions of one machine write the same rows over and over, but for their key, their times and
their payloads: what is left of an event is looked up, by all its other fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from runtime.events import EVENT_CLASSES, HistoryEvent, StateEntered
from storage import elements
from storage.codec import EventRow, encode
from storage.event_fields import UNREPEATED, fields_of

_MOST_KEPT: Final = 1_000
_LONGEST_KEPT: Final = 512
_LINKS: Final = ("id", "previous_id", "scope", "visit", "data_from", "failure")


def packed_rows(head: bytes, rows: Sequence[EventRow]) -> bytes:
    """Pack rows behind a head that holds the number of columns and the execution's key."""
    parts: list[bytes] = []
    for row in rows:
        time = elements.timestamptz(row.time)
        parts += head, time, elements.text(row.data), _rest(row)
    return b"".join(parts)


def packed_events(head: bytes, events: Sequence[HistoryEvent]) -> bytes:
    """Pack the rows of events, as `packed_rows` would those that `encode` makes of them."""
    parts: list[bytes] = []
    last: datetime | None = None
    time = elements.NULL
    for event in events:
        if event.time is not last:
            last = event.time
            time = elements.timestamptz(last)
        payload = None if event.data_from else event.payload
        data = elements.text(None if payload is None else payload.text)
        parts += head, time, data, _PACKERS[type(event)](event)
    return b"".join(parts)


def _rest(row: EventRow) -> bytes:
    """Pack what is left of a row without its key, time and payload, in the order of COPY."""
    return b"".join(
        (
            elements.int4(row.event_id),
            elements.int4(row.previous_id),
            elements.int2(row.type),
            elements.int8(row.scope),
            elements.int4(row.visit),
            elements.int4(row.data_from),
            elements.text(row.state_name),
            elements.text(row.details),
            elements.text(row.memo),
        )
    )


def _packer(cls: type[HistoryEvent]) -> Callable[[HistoryEvent], bytes]:
    """Return what packs the rest of the events of a class."""

    def make(event: HistoryEvent) -> bytes:
        return _rest(encode(event))

    if cls in UNREPEATED:
        return make
    kept: dict[object, bytes] = {}
    names = ("name",) if issubclass(cls, StateEntered) else ()
    shown = [attribute for fields in fields_of(cls) for attribute, _ in fields]
    key_of: Any = attrgetter(*_LINKS, *names, *shown)

    def look_up(event: HistoryEvent) -> bytes:
        key = key_of(event)
        try:
            return kept[key]
        except KeyError:
            rest = make(event)
            if len(rest) <= _LONGEST_KEPT:
                if len(kept) >= _MOST_KEPT:
                    kept.clear()
                kept[key] = rest
            return rest
        except TypeError:  # variables that were assigned are a dictionary
            return make(event)

    return look_up


_PACKERS: Final = {cls: _packer(cls) for cls in EVENT_CLASSES}
