"""Events to rows and back: nothing is lost, and nothing public hides in the memo."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from asl.jsontext import loads
from asl.payload import Payload
from runtime import events as ev
from runtime.failure import Action, Failure
from runtime.principal import Principal
from storage.codec import _CACHED_TEXTS, EventRow, decode, encode

NOW = datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=UTC)
STARTED = ev.ExecutionStarted(
    id=1, time=NOW, payload=Payload.of_text('{"n":  1e2}'), name="order-1"
)
ENTERED = ev.PassStateEntered(id=2, time=NOW, visit=2, name="Visited")
RETRY = Failure(
    action=Action.RETRY,
    scope=196_608,
    retrier=1,
    due=NOW + timedelta(microseconds=1),
    previous_id=7,
)

# A value for every field of any event; chosen to be different from every default.
VALUES: dict[str, Any] = {
    "alive": True,
    "caller": Principal("SWKADA", "ada"),
    "arn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
    "assigned": {"v": [1, {"w": None}]},
    "cause": 'why "so"\n\u0000é',
    "concurrency": 7,
    "credentials": {"RoleArn": "arn"},
    "deadline": NOW + timedelta(days=1),
    "due": NOW + timedelta(seconds=1),
    "error": "Broken",
    "execution_type": "EXPRESS",
    "function": "work",
    "heartbeat_due": NOW + timedelta(seconds=2),
    "heartbeat_seconds": 2,
    "index": 3,
    "is_distributed": True,
    "item_count": 6,
    "length": 4,
    "location": "Output",
    "map_run_arn": "arn:run",
    "map_run_index": 8,
    "map_run_shard": 11,
    "most_bytes": 1_000,
    "most_items": 10,
    "name": "Visited",
    "next": "Next",
    "redrive_count": 2,
    "client_token": "token",
    "region": "us-east-1",
    "regions": (1, 2),
    "resource": "invoke",
    "resource_type": "lambda",
    "role_arn": "arn:role",
    "start_at": "First",
    "starts": ("A", "B"),
    "state": "Visited",
    "state_machine_alias_arn": "arn:alias",
    "state_machine_arn": "arn:machine",
    "state_machine_name": "machine",
    "state_machine_version_arn": "arn:version",
    "timeout_seconds": 9,
    "tolerated_count": 12,
    "tolerated_percentage": 12.5,
    "trace_header": "Root=1",
    "waits_for_token": True,
    "worker": "worker-1",
}
BASE = {field.name for field in fields(ev.HistoryEvent)}


def full(cls: type[ev.HistoryEvent], **changes: Any) -> ev.HistoryEvent:
    """Make an event in which nothing is left at its default."""
    own = {
        field.name: 5
        if field.name == "region" and field.type == "int"
        else VALUES[field.name]
        for field in fields(cls)
        if field.name not in BASE
    }
    given: dict[str, Any] = {
        "id": 3,
        "previous_id": 2,
        "time": NOW,
        "scope": 131_072,
        "visit": 2,
        "payload": Payload.of_text('{"k": 1}'),
        "failure": RETRY,
    }
    return cls(**{**given, **own, **changes})


def read_back(event: ev.HistoryEvent) -> ev.HistoryEvent:
    """Write an event behind two others, and read it back."""
    (*_, last) = decode([encode(STARTED), encode(ENTERED), encode(event)])
    return last


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_a_full_event_is_read_back_as_it_was(cls: type[ev.HistoryEvent]) -> None:
    event = full(cls)

    assert read_back(event) == event


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_an_empty_event_is_read_back_as_it_was(cls: type[ev.HistoryEvent]) -> None:
    event = cls(id=3, time=NOW, visit=2)
    if isinstance(event, ev.StateExited):
        event = replace(event, name="Visited")

    assert read_back(event) == event


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_a_row_is_written_again_as_it_was(cls: type[ev.HistoryEvent]) -> None:
    event = full(cls)

    assert encode(read_back(event)) == encode(event)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_error_is_not_the_same_as_none(empty: str | None) -> None:
    event = ev.TaskFailed(id=3, time=NOW, error=empty, cause=empty)

    assert read_back(event) == event


@pytest.mark.parametrize("assigned", [None, {}, {"v": 0}, {"v": False}, {"v": None}])
def test_assigned_variables_are_kept_exactly(assigned: Any) -> None:
    event = ev.PassStateExited(
        id=3, time=NOW, visit=2, name="Visited", assigned=assigned
    )

    assert read_back(event) == event


def test_the_name_of_a_state_is_stored_once_by_its_entry() -> None:
    exited = ev.PassStateExited(id=3, time=NOW, visit=2, name="Visited")

    assert encode(ENTERED).state_name == "Visited"
    assert encode(exited).state_name is None
    assert read_back(exited) == exited


def test_a_payload_is_stored_byte_for_byte() -> None:
    assert encode(STARTED).data == '{"n":  1e2}'


def test_a_payload_that_is_stored_already_is_pointed_to() -> None:
    again = ev.PassStateEntered(
        id=2, time=NOW, visit=2, name="A", payload=STARTED.payload, data_from=1
    )

    first, second = decode([encode(STARTED), encode(again)])

    assert encode(again).data is None
    assert second.payload is first.payload


def test_the_public_details_have_their_api_names() -> None:
    details = encode(full(ev.TaskScheduled)).details

    assert details is not None
    assert set(loads(details)) == {  # type: ignore[arg-type]  # an object
        "resource",
        "resourceType",
        "region",
        "timeoutInSeconds",
        "heartbeatInSeconds",
        "taskCredentials",
    }


def test_what_the_api_must_not_show_stands_in_the_memo() -> None:
    row = encode(full(ev.LambdaFunctionStarted))

    assert row.details is None
    assert row.memo is not None
    assert "worker-1" in row.memo


def test_a_caller_stands_in_the_memo_and_nothing_does_without_one() -> None:
    signed = ev.TaskSucceeded(id=3, time=NOW, caller=Principal("SWKADA", "ada"))

    assert encode(signed).details is None
    assert encode(signed).memo == '{"caller":{"key":"SWKADA","name":"ada"}}'
    assert encode(ev.TaskSucceeded(id=3, time=NOW)).memo is None


def test_the_worker_of_an_activity_is_public() -> None:
    assert encode(full(ev.ActivityStarted)).details == '{"workerName":"worker-1"}'


def test_an_event_of_the_root_scope_has_null_for_it() -> None:
    row = encode(STARTED)

    assert (row.scope, row.visit, row.data_from) == (None, None, None)


def test_a_cause_that_speaks_of_failure_is_no_failure() -> None:
    event = ev.TaskScheduled(id=3, time=NOW, function='"failure"')

    assert read_back(event).failure is None


def test_a_catch_is_read_back_as_it_was() -> None:
    caught = Failure(action=Action.CATCH, scope=0, previous_id=9)
    event = ev.TaskFailed(id=3, time=NOW, failure=caught)

    assert read_back(event).failure == caught


texts = some.text() | some.sampled_from(["\ud800", "\x00", '"', "\\u0000", "\u2028"])


@given(error=some.none() | texts, cause=some.none() | texts)
def test_any_error_and_cause_are_read_back(
    error: str | None, cause: str | None
) -> None:
    event = ev.ExecutionFailed(id=3, time=NOW, error=error, cause=cause)

    row = encode(event)

    assert read_back(event) == event
    assert row.details is None or row.details.encode()
    assert "\x00" not in (row.details or "")


@given(
    some.datetimes(
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=some.just(UTC),
    )
)
def test_any_due_time_is_read_back_to_the_microsecond(due: datetime) -> None:
    event = ev.WaitStateEntered(id=3, time=NOW, visit=3, due=due, name="Sleep")

    assert read_back(event) == event


def test_what_repeats_is_written_once_however_much_came_that_does_not() -> None:
    def entered(seconds: int) -> ev.WaitStateEntered:
        due = NOW + timedelta(seconds=seconds)
        return ev.WaitStateEntered(id=2, time=NOW, visit=2, name="Sleep", due=due)

    for seconds in range(_CACHED_TEXTS + 1):
        encode(entered(seconds))
    memos = [encode(entered(-1)).memo for _ in range(2)]

    assert memos[0] is memos[1]


def test_rows_have_a_place_for_every_column_of_the_log() -> None:
    assert EventRow._fields == (
        "event_id",
        "previous_id",
        "type",
        "time",
        "scope",
        "visit",
        "data_from",
        "state_name",
        "data",
        "details",
        "memo",
    )
