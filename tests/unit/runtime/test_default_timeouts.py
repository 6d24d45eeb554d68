"""Defaults have no timers: a sweep finds what has run out, and only that ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.execution import Status, TimerKind
from tests.support.recorder import Recorder

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:charge"
EXECUTION_TIMEOUT = st.TimerFired(1, TimerKind.EXECUTION_TIMEOUT)


def waiting_for_a_task(**fields: int) -> Recorder:
    charge = {"Type": "Task", "Resource": FUNCTION, "End": True, **fields}
    definition = {"StartAt": "Charge", "States": {"Charge": charge}}
    return Recorder(machine_name="orders", definition=definition).start()


def test_an_execution_open_for_a_year_times_out() -> None:
    recorder = waiting_for_a_task()
    recorder.now += timedelta(days=365)

    recorder.feed(EXECUTION_TIMEOUT)

    assert recorder.execution.status is Status.TIMED_OUT


def test_an_execution_open_for_less_goes_on() -> None:
    recorder = waiting_for_a_task()
    recorder.now += timedelta(days=364)

    recorder.feed(EXECUTION_TIMEOUT)

    assert recorder.execution.is_open


def test_a_task_without_a_timeout_of_its_own_times_out_when_the_sweep_says_so() -> None:
    recorder = waiting_for_a_task()

    recorder.feed(st.TimerFired(recorder.open_task, TimerKind.TASK_TIMEOUT))

    assert any(isinstance(event, ev.LambdaFunctionTimedOut) for event in recorder.log)


@pytest.mark.parametrize("kind", list(TimerKind))
def test_a_timer_of_an_event_that_has_none_changes_nothing(kind: TimerKind) -> None:
    recorder = waiting_for_a_task(TimeoutSeconds=60)
    events = len(recorder.log)

    recorder.feed(st.TimerFired(99, kind))

    assert len(recorder.log) == events


@pytest.mark.parametrize("seconds", [10**8, 2**63, 10**30])
def test_time_limit_from_data_is_no_longer_than_the_longest(seconds: int) -> None:
    charge = {"Type": "Task", "Resource": FUNCTION, "End": True}
    limits = {"TimeoutSecondsPath": "$.s", "HeartbeatSecondsPath": "$.s"}
    definition = {"StartAt": "Charge", "States": {"Charge": {**charge, **limits}}}

    recorder = Recorder(machine_name="orders", definition=definition)
    recorder.start({"s": seconds})

    (scheduled,) = [e for e in recorder.log if isinstance(e, ev.Scheduled)]
    assert scheduled.timeout_seconds == scheduled.heartbeat_seconds == 99_999_999
