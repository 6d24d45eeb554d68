"""The history events: their types, their codes, their classes."""

from __future__ import annotations

from dataclasses import fields

import botocore.session
import pytest

from runtime import events as ev
from tests.support.live import BEGINNING

# What the log stores. A code can't ever mean another type; new types are appended.
STORED_CODES = (
    "ActivityFailed ActivityScheduled ActivityScheduleFailed ActivityStarted "
    "ActivitySucceeded ActivityTimedOut ChoiceStateEntered ChoiceStateExited "
    "ExecutionAborted ExecutionFailed ExecutionStarted ExecutionSucceeded "
    "ExecutionTimedOut FailStateEntered LambdaFunctionFailed LambdaFunctionScheduled "
    "LambdaFunctionScheduleFailed LambdaFunctionStarted LambdaFunctionStartFailed "
    "LambdaFunctionSucceeded LambdaFunctionTimedOut MapIterationAborted "
    "MapIterationFailed MapIterationStarted MapIterationSucceeded MapStateAborted "
    "MapStateEntered MapStateExited MapStateFailed MapStateStarted MapStateSucceeded "
    "ParallelStateAborted ParallelStateEntered ParallelStateExited ParallelStateFailed "
    "ParallelStateStarted ParallelStateSucceeded PassStateEntered PassStateExited "
    "SucceedStateEntered SucceedStateExited TaskFailed TaskScheduled TaskStarted "
    "TaskStartFailed TaskStateAborted TaskStateEntered TaskStateExited TaskSubmitFailed "
    "TaskSubmitted TaskSucceeded TaskTimedOut WaitStateAborted WaitStateEntered "
    "WaitStateExited MapRunAborted MapRunFailed MapRunStarted MapRunSucceeded "
    "ExecutionRedriven MapRunRedriven EvaluationFailed"
)


def public_types() -> list[str]:
    model = botocore.session.get_session().get_service_model("stepfunctions")
    types: list[str] = model.shape_for("HistoryEventType").enum
    return types


def test_there_is_one_class_for_every_public_type() -> None:
    assert sorted(ev.EVENT_TYPES) == sorted(public_types())


def test_stored_codes_never_change() -> None:
    stored = STORED_CODES.split()

    assert list(ev.EVENT_TYPES[: len(stored)]) == stored


def test_codes_begin_at_one() -> None:
    assert ev.EVENT_CODES[ev.ActivityFailed] == 1
    assert ev.EVENT_CODES[ev.EvaluationFailed] == 62


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_every_field_but_the_time_has_a_default(cls: type[ev.HistoryEvent]) -> None:
    event = cls(time=BEGINNING)

    assert {field.name for field in fields(event)} >= {"id", "previous_id", "scope"}
    assert event == cls(time=BEGINNING)


@pytest.mark.parametrize("cls", ev.EVENT_CLASSES)
def test_events_have_no_room_for_more_than_their_fields(
    cls: type[ev.HistoryEvent],
) -> None:
    event = cls(time=BEGINNING)

    assert not hasattr(event, "__dict__")
