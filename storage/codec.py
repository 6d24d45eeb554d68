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
from typing import Any, Final, NamedTuple

from asl.jsontext import WRAPPED_DEPTH, dumps, loads
from asl.payload import Json, Payload
from runtime import events as ev
from runtime.failure import Action, Failure
from runtime.principal import Principal
from storage.event_fields import (
    ALWAYS_SHOWN,
    CALLER,
    PRINCIPALS,
    TIMES,
    TUPLES,
    UNREPEATED,
    Fields,
    fields_of,
)
from storage.principals import plain_principal, principal_of

_FAILURE_KEY: Final = "failure"
_CACHED_TEXTS: Final = 5_000
_LONGEST_CACHED: Final = 512


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
    is_repeated: bool
    made: dict[object, tuple[str | None, str | None]]

    def texts(self, event: ev.HistoryEvent) -> tuple[str | None, str | None]:
        if self.getter is None:
            return _NO_TEXTS
        values = self.getter(event)
        if not self.is_repeated:
            return self._make(values)
        try:
            return self.made[values]
        except KeyError:
            return self._keep(values, self._make(values))
        except TypeError:
            return self._make(values)

    def _keep(
        self, values: object, texts: tuple[str | None, str | None]
    ) -> tuple[str | None, str | None]:
        """Keep short texts; when they become too many (due times never repeat), drop all."""
        if len(texts[0] or "") < _LONGEST_CACHED:
            if len(self.made) >= _CACHED_TEXTS:
                self.made.clear()
            self.made[values] = texts
        return texts

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
        if value is None or (not value and attribute not in ALWAYS_SHOWN):
            continue
        shown[key] = _plain(value)
    return dumps(shown, WRAPPED_DEPTH) if shown else None


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Principal):
        return plain_principal(value)
    return list(value) if isinstance(value, tuple) else value


def _tuple_getter(names: list[str]) -> Any:
    if not names:
        return None
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda event: (get(event),)
    return attrgetter(*names)


def _codec(cls: type[ev.HistoryEvent]) -> _Codec:
    details, memo = fields_of(cls)
    names = [attribute for attribute, _ in details + memo]
    is_entered = issubclass(cls, ev.StateEntered)
    getter = _tuple_getter(names)
    return _Codec(
        code=ev.EVENT_CODES[cls],
        details=details,
        memo=memo,
        getter=getter,
        is_entered=is_entered,
        is_repeated=cls not in UNREPEATED,
        made={},
    )


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
    details, memo = fields_of(cls)
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
    if attribute in TIMES:
        return datetime.fromisoformat(value)
    if attribute in PRINCIPALS:
        return principal_of(value)
    return tuple(value) if attribute in TUPLES else value


def caller_in(memo: str | None) -> Principal | None:
    """Return who asked for an event, by its memo."""
    caller: Principal | None = _values(CALLER, memo).get("caller")
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
