"""Redrive: what did not end well is done again, what did is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from asl.model import Machine
from runtime import events as ev
from runtime import stimuli as st
from runtime.execution import Status, TimerKind
from runtime.redrive import Ended, reason_not_redrivable
from runtime.stimuli import Verdict
from tests.support.live import (
    BEGINNING,
    Live,
    live,
    live_before_its_first_turn,
    payload,
)
from tests.support.machines import (
    catch,
    choice,
    distributed,
    each,
    fail,
    machine,
    parallel,
    pass_on,
    retry,
    task,
    wait,
)


def redrive(it: Live, token: str = "again") -> list[ev.HistoryEvent]:
    """Redrive, and return what followed."""
    return it.feed(st.Redrive(token))


def answer(it: Live, state: str, value: object = None) -> list[ev.HistoryEvent]:
    """Let the function of a state's open task return."""
    return it.feed(_returned(it.task_of(state).scheduled_id, value))


def _returned(scheduled_id: int, value: object) -> st.WorkerReturned:
    return st.WorkerReturned(scheduled_id, payload(value))


def names(events: list[ev.HistoryEvent]) -> list[str]:
    """Return the types of events."""
    return [type(event).__name__ for event in events]


# Where it goes on


def test_a_failed_task_is_scheduled_again_in_the_same_visit() -> None:
    it = live(machine(pass_on("First"), task()), {"n": 1})
    it.raised()

    redrive(it)
    it.returned({"n": 2})

    assert it.links[7:] == [
        ("ExecutionFailed", 7),
        ("ExecutionRedriven", 8),
        ("LambdaFunctionScheduled", 7),
        ("LambdaFunctionStarted", 10),
        ("LambdaFunctionSucceeded", 11),
        ("TaskStateExited", 12),
        ("ExecutionSucceeded", 13),
    ]
    assert it.output == {"n": 2}


def test_a_stopped_task_is_scheduled_again() -> None:
    it = live(machine(task()))
    first = it.task.scheduled_id
    it.stop()

    redrive(it)

    assert it.task.scheduled_id != first
    assert it.task.visit == it.one(ev.TaskStateEntered).id


def test_retries_are_counted_anew() -> None:
    it = live(machine(task(Retry=[retry("Broken", MaxAttempts=1)])))
    it.raised()
    it.fire()
    it.raised()

    redrive(it)
    it.raised()

    assert it.execution.is_open
    assert [kind for _, kind in it.execution.timers] == [TimerKind.RETRY]


def test_a_backoff_that_was_stopped_is_not_waited_for() -> None:
    it = live(machine(task(Retry=[retry("Broken", IntervalSeconds=900)])))
    it.raised()
    it.stop()

    redrive(it)

    assert it.task.retry_count == 0
    assert not it.execution.timers


def test_a_fail_state_is_entered_again_and_fails_again() -> None:
    it = live(machine(pass_on(), fail(Error="E", Cause="C")))

    followed = redrive(it)

    assert names(followed) == [
        "ExecutionRedriven",
        "FailStateEntered",
        "ExecutionFailed",
    ]
    entries = it.events(ev.FailStateEntered)
    assert entries[0].previous_id == entries[1].previous_id
    assert it.execution.redrive_count == 1
    assert it.error == "E"


def test_a_choice_is_made_again() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 2, "Next": "End"}
    it = live(machine(choice("Which", rule), pass_on("End")), {"n": 1})

    followed = redrive(it)

    assert names(followed) == ["ExecutionRedriven", "ExecutionFailed"]
    assert len(it.events(ev.ChoiceStateEntered)) == 1


def test_a_wait_goes_on_until_the_time_it_was_to_end() -> None:
    it = live(machine(wait(seconds=60)))
    it.later(20).stop()

    redrive(it.later(10))

    assert it.execution.timers == {
        (2, TimerKind.WAIT): BEGINNING + timedelta(seconds=60)
    }
    assert names(it.fire()) == ["WaitStateExited", "ExecutionSucceeded"]


def test_a_wait_that_could_not_tell_how_long_is_entered_again() -> None:
    state = wait(seconds=None, SecondsPath="$.nowhere")
    it = live(machine(state), {"n": 1})

    followed = redrive(it)

    assert names(followed)[:2] == ["ExecutionRedriven", "WaitStateEntered"]


def test_a_state_that_was_caught_is_past() -> None:
    caught = task("Try", Catch=[catch("After")])
    it = live(machine(caught, task("After")))
    it.raised()
    it.raised()

    redrive(it)

    assert it.execution.scopes[0].state == "After"


def test_an_execution_stopped_before_its_first_turn_begins() -> None:
    it = live_before_its_first_turn(machine(pass_on()))
    it.stop()

    redrive(it)

    assert it.execution.status is Status.SUCCEEDED


def test_variables_are_kept() -> None:
    it = live(machine(pass_on("Set", Assign={"v": 3}), task("Use")))
    it.raised()

    redrive(it)

    assert it.execution.scopes[0].variables == {"v": 3}


# Parallel and Map


def test_only_branches_that_had_not_ended_are_done_again() -> None:
    it = live(machine(parallel("All", task("A"), task("B"), task("C"))))
    answer(it, "A", 1)
    it.feed(st.WorkerRaised(it.task_of("B").scheduled_id, "Broken", None))

    redrive(it)
    answer(it, "C", 3)
    answer(it, "B", 2)

    assert it.output == [1, 2, 3]
    assert len(it.events(ev.ParallelStateStarted)) == 1
    assert len(it.events(ev.LambdaFunctionScheduled)) == 5


def test_only_iterations_that_had_not_ended_are_done_again() -> None:
    it = live(machine(each("Each", task(), MaxConcurrency=1)), [1, 2, 3])
    it.returned("first")
    it.raised()

    redrive(it)
    it.returned("second")
    it.returned("third")

    assert it.output == ["first", "second", "third"]
    assert [e.index for e in it.events(ev.MapIterationStarted)] == [0, 1, 2]


def test_what_lies_deeper_goes_on_where_it_was() -> None:
    inner = each("Inner", task("Leaf"), ItemsPath="$.xs")
    both = parallel("Both", [inner, task("After")], wait("Rest", seconds=60))
    it = live(machine(both), {"xs": [1, 2]})
    it.feed(_returned(min(it.execution.tasks), "one"))
    it.raised()

    redrive(it)
    it.returned("two")
    it.returned("after")
    it.fire()

    assert it.output[0] == "after"
    assert it.execution.status is Status.SUCCEEDED
    assert len(it.events(ev.MapStateStarted)) == 1


def test_a_map_whose_next_item_could_not_begin_goes_on_with_it() -> None:
    selector = {"got.$": "States.ArrayGetItem($.xs, $$.Map.Item.Index)"}
    state = each(
        "Each", task(), ItemsPath="$.ys", ItemSelector=selector, MaxConcurrency=1
    )
    it = live(machine(state), {"xs": [1], "ys": [1, 2]})
    it.returned("first")
    assert it.execution.status is Status.FAILED

    followed = redrive(it)

    assert names(followed) == ["ExecutionRedriven", "ExecutionFailed"]
    assert len(it.events(ev.MapIterationStarted)) == 1


def test_a_parallel_that_failed_on_its_results_runs_as_a_whole() -> None:
    both = parallel("Both", task("A"), task("B"), ResultPath="$.r")
    it = live(machine(both), {"n": 1})
    answer(it, "A", "x" * 150_000)
    answer(it, "B", "x" * 150_000)
    assert it.error == "States.DataLimitExceeded"

    redrive(it)

    assert len(it.events(ev.ParallelStateStarted)) == 2
    assert len(it.execution.tasks) == 2


def test_a_task_whose_result_had_no_place_runs_again() -> None:
    it = live(machine(task(ResultPath="$.a.b")), {"a": 1})
    it.returned(1)
    assert it.execution.status is Status.FAILED

    redrive(it)

    assert len(it.execution.tasks) == 1


def test_a_parallel_stopped_in_its_backoff_runs_as_a_whole() -> None:
    both = parallel("Both", task("A"), task("B"), Retry=[retry()])
    it = live(machine(both))
    answer(it, "A", 1)
    it.raised()
    it.stop()

    redrive(it)

    assert len(it.execution.tasks) == 2


# The execution


def test_the_execution_is_open_again_and_counts() -> None:
    it = live(machine(task()))
    it.raised()

    redrive(it.later(5))

    execution = it.execution
    assert execution.status is Status.RUNNING
    assert (execution.stopped, execution.error, execution.cause) == (None,) * 3
    assert (execution.redrive_count, execution.redriven) == (1, it.now)
    assert it.one(ev.ExecutionRedriven).redrive_count == 1


def test_the_limit_of_the_machine_counts_anew() -> None:
    it = live(machine(task(), TimeoutSeconds=60))
    it.fire()
    assert it.execution.status is Status.TIMED_OUT

    redrive(it.later(5))

    assert it.execution.timers == {
        (1, TimerKind.EXECUTION_TIMEOUT): it.now + timedelta(seconds=60)
    }


def test_the_year_that_an_execution_may_be_open_counts_anew() -> None:
    it = live(machine(task()))
    year = timedelta(days=365)
    it.later(1000).raised()
    redrive(it)

    it.now = BEGINNING + year
    it.feed(st.TimerFired(1, TimerKind.EXECUTION_TIMEOUT))
    assert it.execution.is_open
    it.later(1000).feed(st.TimerFired(1, TimerKind.EXECUTION_TIMEOUT))

    assert it.execution.status is Status.TIMED_OUT


def test_the_context_tells_of_the_redrive() -> None:
    shown = {"count.$": "$$.Execution.RedriveCount", "time.$": "$$.Execution"}
    it = live(machine(task(), pass_on("Show", Parameters=shown)))
    it.raised()
    redrive(it.later(2))

    it.returned()

    assert it.output["count"] == 1
    assert it.output["time"]["RedriveTime"] == "2026-03-01T09:00:02.000Z"


# Who may be redriven


def failed(definition: Machine | None = None) -> Live:
    """Return an execution that has failed."""
    it = live(definition or machine(task()))
    it.raised()
    return it


def test_what_is_open_or_ended_well_is_refused() -> None:
    it = live(machine(task()))

    assert redrive(it) == []
    assert it.last.verdict is Verdict.CLOSED
    it.returned()
    assert redrive(it) == []
    assert it.last.verdict is Verdict.CLOSED


def test_what_failed_long_ago_is_refused() -> None:
    it = failed()
    it.now += timedelta(days=14, seconds=1)

    assert redrive(it) == []
    assert it.last.verdict is Verdict.CLOSED


def test_the_same_call_again_is_accepted_and_does_nothing() -> None:
    it = failed()
    redrive(it, "token")
    it.raised()
    redrive(it, "other")

    again = redrive(it.later(899), "token")

    assert again == []
    assert it.last.verdict is Verdict.ACCEPTED


def test_the_same_token_after_a_quarter_of_an_hour_is_another_call() -> None:
    it = failed()
    redrive(it, "token")
    it.raised()

    followed = redrive(it.later(901), "token")

    assert names(followed)[0] == "ExecutionRedriven"


def test_an_eleventh_token_displaces_the_first() -> None:
    it = failed()
    for number in range(11):
        redrive(it, f"token {number}")
        it.raised()

    assert list(it.execution.redrives) == [f"token {n}" for n in range(1, 11)]


@pytest.mark.parametrize(
    ("events", "days_open", "reason"),
    [
        (24_998, 1, None),
        (24_999, 1, "Execution history event limit exceeded"),
        (10, 366, "Execution has exceeded the max execution time"),
    ],
)
def test_long_histories_and_old_executions_are_refused(
    events: int, days_open: int, reason: str | None
) -> None:
    now = BEGINNING + timedelta(days=days_open)
    ended = Ended(status="FAILED", started=BEGINNING, stopped=now, events=events)

    assert reason_not_redrivable(ended, now) == reason


# Map Runs


def test_a_map_run_that_failed_is_redriven() -> None:
    it = live(machine(distributed("Each", task())), [1, 2])
    (run,) = it.execution.map_runs.values()
    began = run.started_id
    it.feed(st.ChildrenFailed(began, "Broken", None))

    redrive(it.later(5))

    (again,) = it.execution.map_runs.values()
    assert it.links[-2:] == [("ExecutionRedriven", 7), ("MapRunRedriven", began)]
    assert (again.arn, again.items.value) == (run.arn, [1, 2])
    assert (again.redrive_count, again.redriven) == (1, it.now)
    assert it.feed(st.ChildrenFailed(began, "Late", None)) == []
    it.feed(st.ChildrenSucceeded(again.started_id, payload(["a", "b"])))
    assert it.output == ["a", "b"]


def test_a_map_run_whose_failure_was_retried_is_begun_anew() -> None:
    state = distributed("Each", task(), Retry=[retry(IntervalSeconds=900)])
    it = live(machine(state), [1])
    (run,) = it.execution.map_runs.values()
    it.feed(st.ChildrenFailed(run.started_id, "Broken", None))
    it.stop()

    redrive(it)

    assert len(it.events(ev.MapRunStarted)) == 2
    assert not it.events(ev.MapRunRedriven)


def test_a_child_goes_on_when_its_run_says_so() -> None:
    it = failed()

    it.feed(st.RedriveChild())

    assert it.execution.redrive_count == 1
    assert not it.execution.redrives
    assert it.feed(st.RedriveChild()) == []
    assert it.last.verdict is Verdict.CLOSED
