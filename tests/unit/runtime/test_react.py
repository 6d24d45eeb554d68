"""What comes from outside: answers, callbacks, beats, timers, stops; in time and too late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.execution import Status, TimerKind
from runtime.stimuli import Verdict
from tests.support.live import (
    BEGINNING,
    SIGNER,
    Live,
    live,
    live_before_its_first_turn,
    nobody,
    payload,
)
from tests.support.machines import (
    activity,
    callback,
    each,
    invoke,
    machine,
    parallel,
    pass_on,
    task,
    wait,
)

TOO_LARGE = "x" * 262_143


def asking(**fields: Any) -> Live:
    """Return an execution that has asked somebody and waits for the callback."""
    it = live(machine(callback(**fields)))
    it.returned({"sent": True})
    return it


def answers(it: Live) -> list[st.Stimulus]:
    """Return everything that can come for the open task."""
    task_id = it.task.scheduled_id
    return [
        st.WorkerReturned(task_id, payload(1)),
        st.WorkerRaised(task_id, "Late", None),
        st.WorkerLost(task_id, "worker-1"),
        st.CallbackSucceeded(task_id, payload(1)),
        st.CallbackFailed(task_id, "Late", None),
        st.TaskClaimed(task_id, "worker-2"),
        st.Heartbeat(task_id),
    ]


# Tasks


@pytest.mark.parametrize(
    ("state", "family"),
    [(task(), "LambdaFunction"), (activity(), "Activity"), (invoke(), "Task")],
    ids=["function", "activity", "service"],
)
def test_an_answer_points_to_the_start_of_its_family(
    state: dict[str, object], family: str
) -> None:
    it = live(machine(state))

    it.feed(st.CallbackSucceeded(it.task.scheduled_id, payload({"n": 1})))

    assert it.links[2:6] == [
        (f"{family}Scheduled", 2),
        (f"{family}Started", 3),
        (f"{family}Succeeded", 4),
        ("TaskStateExited", 5),
    ]
    assert it.output == {"n": 1}


@pytest.mark.parametrize(
    ("state", "family"),
    [(task(), "LambdaFunction"), (activity(), "Activity"), (invoke(), "Task")],
    ids=["function", "activity", "service"],
)
def test_a_failure_points_to_the_start_of_its_family(
    state: dict[str, object], family: str
) -> None:
    it = live(machine(state))

    it.raised("Broken", "why")

    assert it.links[4:] == [(f"{family}Failed", 4), ("ExecutionFailed", 5)]


def test_a_task_without_a_worker_waits_until_one_claims_it() -> None:
    it = live(machine(task()), claim=nobody)
    assert it.types[-1] == "LambdaFunctionScheduled"

    it.claimed("worker-9")

    assert it.links[-1] == ("LambdaFunctionStarted", 3)
    assert it.task.worker == "worker-9"


def test_a_task_is_claimed_once() -> None:
    it = live(machine(task()))

    new = it.claimed("worker-2")

    assert new == []
    assert it.last.verdict is Verdict.CLOSED
    assert it.task.worker == "worker-1"


def test_the_answer_of_the_integration_wraps_what_the_function_returned() -> None:
    it = live(machine(invoke()))

    it.returned({"n": 1})

    assert it.output["Payload"] == {"n": 1}
    assert it.output["StatusCode"] == 200


def test_an_answer_before_the_start_is_refused() -> None:
    it = live(machine(task()), claim=nobody)

    for stimulus in answers(it):
        if not isinstance(stimulus, st.TaskClaimed):
            assert it.feed(stimulus) == []
            assert it.last.verdict is Verdict.CLOSED


def test_answers_after_the_outcome_are_refused() -> None:
    it = live(machine(task(), wait()))
    late = answers(it)
    it.returned(1)

    for stimulus in late:
        assert it.feed(stimulus) == []
        assert it.last.verdict is Verdict.CLOSED


def test_answers_for_a_task_that_was_torn_down_are_refused() -> None:
    both = parallel("Both", task("A"), task("B"), Catch=[])
    it = live(
        machine(
            both | {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sleep"}]}, wait()
        )
    )
    loser = it.task_of("B").scheduled_id
    it.feed(st.WorkerRaised(it.task_of("A").scheduled_id, "Broken", None))

    assert it.feed(st.WorkerReturned(loser, payload(1))) == []
    assert it.last.verdict is Verdict.CLOSED


def test_an_answer_for_an_attempt_that_was_retried_is_refused() -> None:
    it = live(machine(task(Retry=[{"ErrorEquals": ["States.ALL"]}])))
    first = it.task.scheduled_id
    it.raised()
    it.fire()

    new = it.feed(st.WorkerReturned(first, payload(1)))

    assert new == []
    assert it.task.scheduled_id != first


def test_a_lost_worker_ends_its_attempt_as_unknown() -> None:
    it = live(machine(task()))

    it.feed(st.WorkerLost(it.task.scheduled_id, "worker-1"))

    assert it.error == "Lambda.Unknown"


def test_only_the_worker_that_has_the_task_can_lose_it() -> None:
    it = live(machine(task()))

    assert it.feed(st.WorkerLost(it.task.scheduled_id, "worker-2")) == []
    assert it.last.verdict is Verdict.CLOSED


@pytest.mark.parametrize("state", [task(), invoke(), callback()])
def test_a_result_over_the_limit_fails_the_task(state: dict[str, object]) -> None:
    it = live(machine(state))

    it.returned(TOO_LARGE)

    assert it.error == "States.DataLimitExceeded"
    assert it.types[-2].endswith("Failed")


def test_a_result_at_the_limit_passes() -> None:
    it = live(machine(task()))

    it.returned(TOO_LARGE[:262_142])

    assert it.execution.status is Status.SUCCEEDED


def test_the_limit_counts_bytes() -> None:
    it = live(machine(task()))

    it.feed(st.WorkerReturned(it.task.scheduled_id, payload("x")))
    other = live(machine(task()))
    large = payload("x")
    large = type(large).of_text('"' + "é" * 131_072 + '"')
    other.feed(st.WorkerReturned(other.task.scheduled_id, large))

    assert it.execution.status is Status.SUCCEEDED
    assert other.error == "States.DataLimitExceeded"


# Callbacks


def test_a_callback_task_is_submitted_and_then_waits() -> None:
    it = asking()

    assert it.links[-1] == ("TaskSubmitted", 4)
    assert it.task.submitted_id == 5
    assert it.task.worker is None


def test_a_callback_points_to_the_submission() -> None:
    it = asking()

    it.feed(st.CallbackSucceeded(it.task.scheduled_id, payload({"ok": True})))

    assert it.links[5:7] == [("TaskSucceeded", 5), ("TaskStateExited", 6)]
    assert it.output == {"ok": True}


def test_a_callback_before_the_function_returns_points_to_the_start() -> None:
    it = live(machine(callback(), wait()))
    asked = it.task.scheduled_id
    it.feed(st.CallbackSucceeded(asked, payload({"ok": True})))

    new = it.feed(st.WorkerReturned(asked, payload({"sent": True})))

    assert it.links[4] == ("TaskSucceeded", 4)
    assert new == []


def test_a_failed_callback_fails_the_task() -> None:
    it = asking()

    it.feed(st.CallbackFailed(it.task.scheduled_id, "Refused", "no"))

    assert it.links[5:] == [("TaskFailed", 5), ("ExecutionFailed", 6)]
    assert (it.error, it.execution.cause) == ("Refused", "no")


def test_a_function_that_fails_before_it_asked_fails_the_task() -> None:
    it = live(machine(callback()))

    it.raised("Broken")

    assert it.error == "Broken"


def test_a_submitted_task_has_nothing_more_to_hear_from_its_worker() -> None:
    it = asking()
    from_the_worker = [
        stimulus
        for stimulus in answers(it)
        if isinstance(stimulus, st.WorkerReturned | st.WorkerRaised | st.WorkerLost)
    ]

    for stimulus in from_the_worker:
        assert it.feed(stimulus) == []
        assert it.last.verdict is Verdict.CLOSED


def test_the_token_of_a_callback_task_names_its_attempt() -> None:
    it = live(machine(callback()))

    scheduled = it.one(ev.TaskScheduled)
    assert scheduled.payload is not None
    value = scheduled.payload.value
    assert isinstance(value, dict)
    given = value["Payload"]
    assert isinstance(given, dict)
    parts = SIGNER.verify(str(given["token"]))
    assert parts is not None
    assert parts.scheduled_id == scheduled.id
    assert parts.execution_id == it.execution.execution_id


# Beats and limits


def test_a_beat_leaves_no_event() -> None:
    it = asking(HeartbeatSeconds=10)

    assert it.feed(st.Heartbeat(it.task.scheduled_id)) == []
    assert it.last.verdict is Verdict.ACCEPTED


def test_a_heartbeat_timer_asks_for_the_latest_beat() -> None:
    it = asking(HeartbeatSeconds=10)
    task_id = it.task.scheduled_id
    it.later(10)
    beat = BEGINNING + timedelta(seconds=7)

    new = it.feed(st.TimerFired(task_id, TimerKind.HEARTBEAT, last_heartbeat=beat))

    assert new == []
    assert it.last.rearm == timedelta(seconds=7)


@pytest.mark.parametrize("state", [task, activity, callback])
def test_a_task_that_nobody_has_begun_can_miss_no_heartbeat(state: Any) -> None:
    it = live(machine(state(HeartbeatSeconds=10)), claim=nobody)
    assert it.execution.timers == {}

    it.later(60).claimed()

    timer = (it.task.scheduled_id, TimerKind.HEARTBEAT)
    assert it.execution.timers == {timer: BEGINNING + timedelta(seconds=70)}


def test_a_missed_heartbeat_is_recorded_as_a_timeout() -> None:
    it = asking(HeartbeatSeconds=10)

    it.fire()

    assert it.links[5:] == [("TaskTimedOut", 5), ("ExecutionFailed", 6)]
    assert it.one(ev.TaskTimedOut).error == "States.Timeout"


@pytest.mark.parametrize(
    ("name", "is_caught"),
    [
        ("States.HeartbeatTimeout", True),
        ("States.Timeout", True),
        ("States.TaskFailed", False),
    ],
)
def test_a_missed_heartbeat_is_caught_by_name(name: str, is_caught: bool) -> None:
    caught = {"ErrorEquals": [name], "Next": "Next"}
    state = callback(HeartbeatSeconds=10, Catch=[caught])
    it = live(machine(state, pass_on("Next")))

    it.fire(TimerKind.HEARTBEAT)

    assert (it.execution.status is Status.SUCCEEDED) is is_caught


def test_a_timeout_is_no_missed_heartbeat() -> None:
    caught = {"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Next"}
    state = callback(TimeoutSeconds=10, Catch=[caught])
    it = live(machine(state, pass_on("Next")))

    it.fire(TimerKind.TASK_TIMEOUT)

    assert it.error == "States.Timeout"


def test_a_task_that_takes_too_long_fails_the_execution() -> None:
    it = live(machine(task(TimeoutSeconds=5)))

    it.fire()

    assert it.now == BEGINNING + timedelta(seconds=5)
    assert it.links[4:] == [("LambdaFunctionTimedOut", 4), ("ExecutionFailed", 5)]
    assert it.execution.status is Status.FAILED


def test_a_task_nobody_claimed_times_out_from_its_schedule() -> None:
    it = live(machine(task(TimeoutSeconds=5)), claim=nobody)

    it.fire()

    assert it.links[3:] == [("LambdaFunctionTimedOut", 3), ("ExecutionFailed", 4)]


def test_an_answer_closes_the_timers_of_its_task() -> None:
    it = live(machine(task(TimeoutSeconds=50, HeartbeatSeconds=5), wait(seconds=9)))

    it.returned()

    assert [kind for _, kind in it.execution.timers] == [TimerKind.WAIT]


def test_the_machine_s_own_limit_ends_the_execution_timed_out() -> None:
    it = live(machine(wait(seconds=60), TimeoutSeconds=5))

    it.fire()

    assert it.links[1:] == [("WaitStateEntered", 0), ("ExecutionTimedOut", 0)]
    assert it.execution.status is Status.TIMED_OUT
    assert it.execution.timers == {}


def test_the_machine_s_limit_is_in_force_before_the_first_turn() -> None:
    it = live_before_its_first_turn(machine(wait(), TimeoutSeconds=5))

    assert it.execution.opened_timers == {(1, TimerKind.EXECUTION_TIMEOUT)}


# Waits


def test_a_wait_sleeps_until_it_is_due() -> None:
    it = live(machine(wait(seconds=60)))
    assert it.execution.timers == {
        (2, TimerKind.WAIT): BEGINNING + timedelta(seconds=60)
    }

    it.fire()

    assert it.links[1:] == [
        ("WaitStateEntered", 0),
        ("WaitStateExited", 2),
        ("ExecutionSucceeded", 3),
    ]


def test_a_wait_of_a_year_needs_nothing_but_its_timer() -> None:
    it = live(machine(wait(seconds=365 * 86_400)))

    it.fire()

    assert it.one(ev.ExecutionSucceeded).time == BEGINNING + timedelta(days=365)


@pytest.mark.parametrize(
    "state",
    [
        wait(seconds=0),
        wait(seconds=None, Timestamp="2001-01-01T00:00:00Z"),
        wait(seconds=None, TimestampPath="$.when"),
    ],
)
def test_a_wait_that_lies_in_the_past_is_left_at_once(
    state: dict[str, object],
) -> None:
    it = live(machine(state), {"when": "2026-03-01T09:00:00Z"})

    assert it.execution.status is Status.SUCCEEDED
    assert it.execution.opened_timers == set()


def test_a_wait_is_not_woken_before_its_time() -> None:
    it = live(machine(wait(seconds=60)))
    it.later(59)

    assert it.feed(st.TimerFired(2, TimerKind.WAIT)) == []
    assert it.last.rearm == timedelta(seconds=1)


def test_a_timer_that_is_not_there_changes_nothing() -> None:
    it = live(machine(wait()))

    for kind in TimerKind:
        assert it.feed(st.TimerFired(7, kind)) == []
        assert it.last.verdict is Verdict.CLOSED


def test_a_timer_fires_once() -> None:
    it = live(machine(wait("A"), wait("B")))
    it.fire()

    assert it.feed(st.TimerFired(2, TimerKind.WAIT)) == []
    assert it.last.verdict is Verdict.CLOSED


# Stop


def test_a_stopped_execution_is_aborted_with_all_that_was_open() -> None:
    it = live(machine(parallel("Both", task("A", TimeoutSeconds=9), wait())))

    it.stop()

    assert it.links[-1] == ("ExecutionAborted", 0)
    assert it.execution.status is Status.ABORTED
    assert (it.error, it.execution.cause) == ("Stopped", "by hand")
    assert (it.execution.tasks, it.execution.timers) == ({}, {})


def test_stopping_a_closed_execution_changes_nothing() -> None:
    it = live(machine(pass_on()))

    assert it.stop() == []
    assert it.last.verdict is Verdict.CLOSED
    assert it.execution.status is Status.SUCCEEDED


def test_an_execution_can_be_stopped_before_its_first_turn() -> None:
    it = live_before_its_first_turn(machine(task()))

    it.stop()

    assert it.types == ["ExecutionStarted", "ExecutionAborted"]
    assert it.execution.tasks == {}


def test_nothing_comes_to_an_execution_that_is_closed() -> None:
    it = live(machine(each("Each", task())), [1, 2])
    task_ids = list(it.execution.tasks)
    it.stop()

    for task_id in task_ids:
        assert it.feed(st.WorkerReturned(task_id, payload(1))) == []
    assert it.feed(st.Continue()) == []
    assert it.types[-1] == "ExecutionAborted"
