"""Rows that were packed before are the rows that would be packed now."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from asl.payload import Payload
from runtime import events as ev
from storage.codec import encode
from storage.packed_events import _MOST_KEPT, packed_events, packed_rows
from tests.unit.storage.test_codec import NOW, full

HEAD = b"head"


def is_as_encoded(*events: ev.HistoryEvent) -> bool:
    rows = [encode(event) for event in events]
    return packed_events(HEAD, events) == packed_rows(HEAD, rows)


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_an_event_is_packed_as_its_row_is(cls: type[ev.HistoryEvent]) -> None:
    event = full(cls)

    assert is_as_encoded(event)
    assert is_as_encoded(event, event)


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_an_event_that_differs_in_any_field_is_packed_as_itself(
    cls: type[ev.HistoryEvent],
) -> None:
    event = full(cls)
    assert is_as_encoded(event)

    for field in fields(cls):
        if field.default is not MISSING:
            changed: Any = {field.name: field.default}
            assert is_as_encoded(replace(event, **changed)), field.name


def test_each_event_has_its_own_time_and_payload() -> None:
    first = full(ev.PassStateExited, assigned=None)
    later = replace(first, time=NOW + timedelta(seconds=1))
    other = replace(first, payload=Payload.of_text('{"k": 2}'))
    pointing = replace(first, data_from=1)

    assert is_as_encoded(first, later, other, pointing, first)


def test_many_that_never_repeat_are_packed_all_the_same() -> None:
    events = [
        ev.WaitStateEntered(
            id=2, time=NOW, visit=2, name="Sleep", due=NOW + timedelta(seconds=number)
        )
        for number in range(_MOST_KEPT + 10)
    ]

    assert is_as_encoded(*events)
    assert is_as_encoded(*events)
