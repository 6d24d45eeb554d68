"""Who takes a failure: a Retry, a Catch, or nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.execution import Phase, Status, TimerKind
from tests.support.live import BEGINNING, Live, live, nobody
from tests.support.machines import (
    callback,
    catch,
    each,
    fail,
    invoke,
    machine,
    parallel,
    pass_on,
    retry,
    task,
    wait,
)

RETRY_ONCE = [retry("Broken", IntervalSeconds=2, MaxAttempts=1)]


def retrying(*retriers: Any, **fields: Any) -> Live:
    return live(machine(task(Retry=list(retriers), **fields), pass_on("Next")))


# Retry


def test_a_retried_task_is_scheduled_from_its_failed_outcome() -> None:
    it = retrying(*RETRY_ONCE)

    it.raised("Broken")
    it.fire()

    assert it.links[4:7] == [
        ("LambdaFunctionFailed", 4),
        ("LambdaFunctionScheduled", 5),
        ("LambdaFunctionStarted", 6),
    ]


def test_a_retry_waits_for_its_backoff() -> None:
    it = retrying(*RETRY_ONCE)

    it.raised("Broken")

    assert it.execution.timers == {
        (2, TimerKind.RETRY): BEGINNING + timedelta(seconds=2)
    }


def test_backoffs_grow_from_retry_to_retry() -> None:
    it = retrying(retry(IntervalSeconds=3, MaxAttempts=3, BackoffRate=1.5))
    waits = []

    for _ in range(3):
        it.raised("Broken")
        (due,) = it.execution.timers.values()
        waits.append((due - it.now).total_seconds())
        it.fire()

    assert waits == [3, 4.5, 6.75]


def test_max_delay_bounds_the_backoff() -> None:
    it = retrying(retry(IntervalSeconds=3, BackoffRate=10, MaxDelaySeconds=4))

    it.raised("Broken")
    it.fire()
    it.raised("Broken")

    assert it.execution.timers == {(2, TimerKind.RETRY): it.now + timedelta(seconds=4)}


def test_the_drawn_jitter_is_recorded_and_not_drawn_again() -> None:
    it = retrying(retry(IntervalSeconds=100, JitterStrategy="FULL"))

    it.raised("Broken")

    (due,) = it.execution.timers.values()
    failure = it.one(ev.LambdaFunctionFailed).failure
    assert failure is not None
    assert failure.due == due
    assert BEGINNING <= due < BEGINNING + timedelta(seconds=100)


def test_a_failure_past_the_last_retry_ends_the_execution() -> None:
    it = retrying(*RETRY_ONCE)
    it.raised("Broken")
    it.fire()

    it.raised("Broken")

    assert it.execution.status is Status.FAILED
    assert it.links[-1] == ("ExecutionFailed", 8)


def test_retriers_count_each_for_itself() -> None:
    it = retrying(
        retry("A", IntervalSeconds=1, MaxAttempts=1),
        retry("B", IntervalSeconds=1, MaxAttempts=1),
    )

    for error in ("A", "B"):
        it.raised(error)
        it.fire()

    assert it.execution.scopes[0].retries == {0: 1, 1: 1}
    assert it.execution.scopes[0].retry_count == 2
    assert it.execution.is_open


def test_retries_are_counted_anew_on_every_visit() -> None:
    again = [catch("Work", "Broken", ResultPath=None)]
    it = retrying(*RETRY_ONCE, Catch=again)
    it.raised("Broken")
    it.fire()
    it.raised("Broken")

    it.raised("Broken")

    assert it.execution.scopes[0].phase is Phase.BACKOFF
    assert it.execution.scopes[0].retries == {0: 1}


def test_a_retry_is_tried_before_any_catch() -> None:
    it = retrying(*RETRY_ONCE, Catch=[catch("Next")])

    it.raised("Broken")

    assert it.execution.scopes[0].phase is Phase.BACKOFF


def test_the_context_of_a_retry_counts_the_retries() -> None:
    given = {"count.$": "$$.State.RetryCount"}
    it = retrying(retry(), Parameters=given)

    it.raised("Broken")
    it.fire()

    payloads = [event.payload for event in it.events(ev.LambdaFunctionScheduled)]
    assert [payload and payload.value for payload in payloads] == [
        {"count": 0},
        {"count": 1},
    ]


def test_a_firing_that_comes_again_does_not_cut_the_next_backoff_short() -> None:
    it = retrying(retry(IntervalSeconds=10, MaxAttempts=5))
    it.raised("Broken")
    it.fire()
    it.raised("Broken")

    new = it.feed(st.TimerFired(2, TimerKind.RETRY))

    assert new == []
    assert it.last.rearm == timedelta(seconds=20)


def test_a_task_that_nobody_can_run_is_retried() -> None:
    named = {"FunctionName": 7}
    it = live(machine(invoke(Parameters=named, Retry=[retry(MaxAttempts=1)])))

    it.fire()

    assert it.types[2:6] == [
        "TaskScheduled",
        "TaskStartFailed",
        "TaskScheduled",
        "TaskStartFailed",
    ]
    assert it.error == "States.TaskFailed"


# Catch


def test_a_caught_failure_leaves_the_state_from_the_outcome() -> None:
    it = live(machine(task(Catch=[catch("Next")]), pass_on("Next")))

    it.raised("Broken", "why")

    assert it.links[4:7] == [
        ("LambdaFunctionFailed", 4),
        ("TaskStateExited", 5),
        ("PassStateEntered", 6),
    ]
    assert it.output == {"Error": "Broken", "Cause": "why"}


def test_a_catcher_puts_the_error_where_it_says() -> None:
    caught = catch("Next", ResultPath="$.error")
    it = live(machine(task(Catch=[caught]), pass_on("Next")), {"n": 1})

    it.raised("Broken", "why")

    assert it.output == {"n": 1, "error": {"Error": "Broken", "Cause": "why"}}


def test_an_error_without_a_name_can_be_caught() -> None:
    it = live(machine(callback(Catch=[catch("Next")]), pass_on("Next")))

    it.feed(st.CallbackFailed(it.task.scheduled_id, None, None))

    assert it.output == {"Error": None, "Cause": None}


def test_a_parallel_catches_what_its_branch_does_not() -> None:
    both = parallel("Both", fail(Error="Broken", Cause="why"), Catch=[catch("Next")])

    it = live(machine(both, pass_on("Next")))

    assert it.output == {"Error": "Broken", "Cause": "why"}


def test_an_inner_catch_comes_before_an_outer_one() -> None:
    inner = [task(Catch=[catch("Inner")]), pass_on("Inner", Result="inner")]
    both = parallel("Both", inner, Catch=[catch("Outer")])
    it = live(machine(both, pass_on("Outer")))

    it.raised()

    assert it.output == ["inner"]


def test_a_catcher_that_fails_itself_passes_its_own_error_on() -> None:
    broken = catch("Next", ResultPath="$.n.error")
    it = live(machine(task(Catch=[broken]), pass_on("Next")), {"n": 1})

    it.raised("Broken")

    assert it.error == "States.ResultPathMatchFailure"


# Nobody


def test_a_failure_that_nobody_takes_ends_the_execution() -> None:
    it = live(machine(task()))

    it.raised("Broken", "why")

    assert it.links[4:] == [("LambdaFunctionFailed", 4), ("ExecutionFailed", 5)]
    assert (it.error, it.execution.cause) == ("Broken", "why")


def test_an_execution_fails_directly_from_a_fail_state() -> None:
    it = live(machine(fail(Error="E", Cause="C")))

    assert it.links[1:] == [("FailStateEntered", 0), ("ExecutionFailed", 2)]


@pytest.mark.parametrize("name", ["States.Runtime", "States.ALL", "States.TaskFailed"])
def test_a_runtime_error_is_never_retried_nor_caught(name: str) -> None:
    state = task(
        Parameters={"lost.$": "$.nowhere"},
        Retry=[retry(name)],
        Catch=[catch("Next", name)],
    )

    it = live(machine(state, pass_on("Next")))

    assert it.links[1:] == [("TaskStateEntered", 0), ("ExecutionFailed", 2)]
    assert it.error == "States.Runtime"


def test_a_runtime_error_inside_a_parallel_is_not_caught_by_it() -> None:
    branch = pass_on("Broken", InputPath="$.nowhere")
    both = parallel("Both", branch, Retry=[retry()], Catch=[catch("Next")])

    it = live(machine(both, pass_on("Next")))

    assert it.error == "States.Runtime"


def test_a_runtime_error_after_a_result_fails_from_the_result() -> None:
    state = task(OutputPath="$.nowhere", Catch=[catch("Next")])
    it = live(machine(state, pass_on("Next")))

    it.returned(2)

    assert it.error == "States.Runtime"
    assert it.links[4:] == [("LambdaFunctionSucceeded", 4), ("ExecutionFailed", 5)]


def test_a_result_that_has_no_place_can_be_caught() -> None:
    state = task(ResultPath="$.n.result", Catch=[catch("Next")])
    it = live(machine(state, pass_on("Next")), {"n": 1})

    it.returned(2)

    assert it.output["Error"] == "States.ResultPathMatchFailure"


def test_a_failed_evaluation_can_be_caught_and_shows_its_event() -> None:
    state = task(
        QueryLanguage="JSONata",
        Arguments="{% $error('x') %}",
        Catch=[{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Next"}],
    )

    it = live(machine(state, pass_on("Next")))

    assert it.links[1:4] == [
        ("TaskStateEntered", 0),
        ("EvaluationFailed", 0),
        ("TaskStateExited", 3),
    ]


def test_a_failed_evaluation_of_a_later_state_points_to_what_came_before_it() -> None:
    state = pass_on("Broken", QueryLanguage="JSONata", Output="{% $error('x') %}")

    it = live(machine(pass_on("First"), state))

    assert it.links[2:] == [
        ("PassStateExited", 2),
        ("PassStateEntered", 3),
        ("EvaluationFailed", 3),
        ("ExecutionFailed", 5),
    ]


def test_a_failed_evaluation_of_a_wait_points_to_its_entry() -> None:
    state = wait(seconds=None, QueryLanguage="JSONata", Seconds="{% $error('x') %}")

    it = live(machine(state))

    assert it.links[1:] == [
        ("WaitStateEntered", 0),
        ("EvaluationFailed", 2),
        ("ExecutionFailed", 3),
    ]


# A retry that can't begin


def second_attempt_cannot_begin(**fields: Any) -> Any:
    """Schedule the first attempt only: the second asks for an item that is not there."""
    given = {"n.$": "States.ArrayGetItem($.xs, $$.State.RetryCount)"}
    return task(Parameters=given, Retry=[retry(IntervalSeconds=1)], **fields)


def test_a_retry_that_cannot_begin_is_caught_by_its_own_state() -> None:
    state = second_attempt_cannot_begin(Catch=[catch("Next")])
    it = live(machine(state, pass_on("Next")), {"xs": [1]})
    it.raised()

    it.fire()

    assert it.links[5:7] == [("TaskStateExited", 5), ("PassStateEntered", 6)]
    assert it.output["Error"] == "States.IntrinsicFailure"
    assert it.execution.timers == {}


def test_a_retry_that_cannot_begin_and_is_not_caught_ends_the_execution() -> None:
    it = live(machine(second_attempt_cannot_begin()), {"xs": [1]})
    it.raised()

    it.fire()

    assert it.links[4:] == [("LambdaFunctionFailed", 4), ("ExecutionFailed", 5)]


def test_a_retry_that_cannot_begin_is_not_caught_above() -> None:
    both = parallel("Both", second_attempt_cannot_begin(), Catch=[catch("Next")])
    it = live(machine(both, pass_on("Next")), {"xs": [1]})
    it.raised()

    it.fire()

    assert it.error == "States.IntrinsicFailure"


# Above a task


def test_a_retried_parallel_starts_again_from_the_failing_event() -> None:
    both = parallel("Both", task("A"), task("B"), Retry=RETRY_ONCE)
    it = live(machine(both))
    it.feed(st.WorkerRaised(it.task_of("A").scheduled_id, "Broken", None))
    failing = it.one(ev.LambdaFunctionFailed).id

    it.fire()

    _, second = it.events(ev.ParallelStateStarted)
    assert second.previous_id == failing
    assert "ParallelStateFailed" not in it.types
    assert {task.retry_count for task in it.execution.tasks.values()} == {0}


def test_a_retried_map_starts_again_with_new_scopes() -> None:
    it = live(machine(each("Each", task(), Retry=RETRY_ONCE)), [1, 2])
    before = set(it.execution.scopes) - {0}
    first = min(it.execution.tasks)
    it.feed(st.WorkerRaised(first, "Broken", None))

    it.fire()

    assert len(it.execution.tasks) == 2
    assert not before & set(it.execution.scopes)
    assert "MapStateFailed" not in it.types


def test_a_map_counts_its_own_retries_not_those_inside() -> None:
    inside = task(Retry=[retry("Broken", MaxAttempts=1, IntervalSeconds=1)])
    it = live(machine(each("Each", inside, Retry=RETRY_ONCE)), [1])

    for _ in range(3):
        it.raised()
        it.fire()

    assert it.execution.is_open
    it.raised()
    assert it.error == "Broken"


def test_a_failure_climbs_through_two_levels_to_who_takes_it() -> None:
    inner = parallel("Inner", task("A"))
    outer = parallel("Outer", inner, Catch=[catch("Next", "Broken")])
    it = live(machine(outer, pass_on("Next")))

    it.raised()

    assert it.output == {"Error": "Broken", "Cause": "why"}
    assert [name for name in it.types if name.endswith("Failed")] == [
        "LambdaFunctionFailed",
        "ParallelStateFailed",
        "ParallelStateFailed",
    ]


def test_a_waiting_task_can_be_failed_by_the_machine_around_it() -> None:
    both = parallel("Both", task("A"), fail(Error="Broken"), Catch=[catch("Next")])

    it = live(machine(both, pass_on("Next")), claim=nobody)

    assert it.execution.status is Status.SUCCEEDED
    assert it.execution.tasks == {}


def test_a_retry_that_cannot_begin_and_is_caught_leaves_no_backoff() -> None:
    odd = "{% $states.context.State.RetryCount > 0 ? $error('odd') : 1 %}"
    state = task(
        QueryLanguage="JSONata",
        Arguments=odd,
        Retry=[retry("Broken")],
        Catch=[catch("After")],
    )
    it = live(machine(state, task("After")))
    it.raised("Broken")

    it.fire()

    assert it.execution.scopes[0].state == "After"
    assert not it.execution.timers
