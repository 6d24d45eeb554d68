"""Every type of event in its public form, against the API model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.history import history_event, history_event_without_data
from api.model import api_model
from runtime.events import EVENT_TYPES
from storage.histories import EventRow

TIME = datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC)


def row(event_type: str, **changes: Any) -> EventRow:
    values: dict[str, Any] = {
        "event_id": 7,
        "previous_id": 6,
        "type": event_type,
        "time": TIME,
        "scope": None,
        "visit": None,
        "state_name": None,
        "data": None,
        "data_from": None,
        "details": None,
        "memo": '{"due": "secret"}',
    }
    return EventRow(**values | changes)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_type_has_members_of_the_model_only(event_type: str) -> None:
    full = row(
        event_type,
        state_name="A",
        data="[1]",
        details={"error": "E", "resource": "r", "surprise": 1, "index": 0},
    )

    event = history_event(full)

    shapes = api_model().shapes
    assert event.keys() <= shapes["HistoryEvent"].members.keys()
    for key, details in event.items():
        if key.endswith("EventDetails"):
            shape = shapes[shapes["HistoryEvent"].members[key]]
            assert details.keys() <= shape.members.keys()


def test_time_is_cut_to_the_millisecond() -> None:
    assert history_event(row("ParallelStateStarted")) == {
        "timestamp": 1767323045.678,
        "type": "ParallelStateStarted",
        "id": 7,
        "previousEventId": 6,
    }


def test_failure_without_error_has_empty_details() -> None:
    assert history_event(row("ExecutionFailed"))["executionFailedEventDetails"] == {}


def test_items_of_a_map_are_not_shown() -> None:
    event = history_event(row("MapStateStarted", data="[1]", details={"length": 1}))

    assert event["mapStateStartedEventDetails"] == {"length": 1}


def test_parameters_have_no_details_of_their_own() -> None:
    event = history_event(row("TaskScheduled", data="{}"))

    assert event["taskScheduledEventDetails"] == {"parameters": "{}"}


def test_variables_are_json_texts() -> None:
    event = history_event(
        row(
            "PassStateExited", state_name="A", details={"assignedVariables": {"x": [1]}}
        )
    )

    assert event["stateExitedEventDetails"] == {
        "name": "A",
        "assignedVariables": {"x": "[1]"},
        "assignedVariablesDetails": {"truncated": False},
    }


def test_without_data_nothing_of_the_payload_is_left() -> None:
    exited = row(
        "PassStateExited",
        state_name="A",
        data="[1]",
        details={"assignedVariables": {"x": 1}},
    )

    event = history_event_without_data(exited)

    assert event["stateExitedEventDetails"] == {"name": "A"}
