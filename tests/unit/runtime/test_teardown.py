"""When a branch or an iteration fails, what runs beside and below it is shown as aborted."""

from __future__ import annotations

from runtime import events as ev
from runtime import stimuli as st
from tests.support.live import Live, live
from tests.support.machines import (
    catch,
    each,
    fail,
    machine,
    parallel,
    pass_on,
    retry,
    task,
    wait,
)


def fail_task(it: Live, state: str) -> int:
    """Let a task fail; return the id of the failing event."""
    it.feed(st.WorkerRaised(it.task_of(state).scheduled_id, "Broken", "why"))
    return it.events(ev.LambdaFunctionFailed)[-1].id


def after(it: Live, event_id: int) -> list[tuple[str, int]]:
    return it.links[event_id:]


def test_a_failing_branch_shows_its_task_aborted_and_its_siblings() -> None:
    it = live(machine(parallel("Both", task("A"), task("B"), wait("C"))))

    failing = fail_task(it, "A")

    assert after(it, failing) == [
        ("TaskStateAborted", failing),
        ("TaskStateAborted", failing),
        ("WaitStateAborted", failing),
        ("ParallelStateFailed", failing),
        ("ExecutionFailed", failing + 4),
    ]


def test_a_failing_iteration_and_its_siblings_point_to_the_failing_event() -> None:
    it = live(machine(each("Each", task("A"))), [1, 2])
    first = min(it.execution.tasks)

    it.feed(st.WorkerRaised(first, "Broken", None))

    failing = it.one(ev.LambdaFunctionFailed).id
    assert after(it, failing) == [
        ("MapIterationFailed", failing),
        ("TaskStateAborted", failing),
        ("MapIterationAborted", failing),
        ("TaskStateAborted", failing),
        ("MapStateFailed", failing),
        ("ExecutionFailed", failing + 5),
    ]
    assert it.one(ev.MapIterationFailed).index == 0
    assert it.one(ev.MapIterationAborted).index == 1


def test_tasks_whose_time_is_up_together_are_all_shown_as_timed_out() -> None:
    it = live(machine(each("Each", task("A", TimeoutSeconds=5))), [1, 2])

    it.fire()

    first, second = it.events(ev.LambdaFunctionTimedOut)
    assert second.previous_id != first.previous_id
    assert after(it, second.id) == [
        ("MapIterationFailed", first.id),
        ("TaskStateAborted", first.id),
        ("MapIterationAborted", first.id),
        ("TaskStateAborted", first.id),
        ("MapStateFailed", first.id),
        ("ExecutionFailed", first.id + 6),
    ]


def test_a_retry_folds_with_what_timed_out_together() -> None:
    tried = each("Each", task("A", TimeoutSeconds=5), Retry=[retry(MaxAttempts=1)])
    it = live(machine(tried), [1, 2])

    it.fire()
    it.fire()

    assert len(it.events(ev.LambdaFunctionTimedOut)) == 2
    assert len(it.events(ev.MapStateStarted)) == 2
    assert len(it.execution.tasks) == 2


def test_what_is_nested_in_a_sibling_is_torn_down_too() -> None:
    nested = each("Each", task("Inner"), ItemsPath="$.xs")
    it = live(machine(parallel("Both", task("A"), nested)), {"xs": [1, 2]})

    failing = fail_task(it, "A")

    assert [name for name, _ in after(it, failing)] == [
        "TaskStateAborted",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapIterationAborted",
        "TaskStateAborted",
        "MapStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]


def test_a_map_inside_a_sibling_points_to_its_own_start_with_its_iterations() -> None:
    nested = each("Each", task("Inner"), ItemsPath="$.xs")
    it = live(machine(parallel("Both", task("A"), nested)), {"xs": [1]})
    start = it.one(ev.MapStateStarted).id

    failing = fail_task(it, "A")

    assert after(it, failing)[1:4] == [
        ("MapIterationAborted", start),
        ("TaskStateAborted", failing),
        ("MapStateAborted", start),
    ]


def test_a_parallel_inside_a_sibling_points_to_its_own_start() -> None:
    nested = parallel("Inner", task("B"), wait("C"))
    it = live(machine(parallel("Both", task("A"), nested)))
    start = it.events(ev.ParallelStateStarted)[-1].id

    failing = fail_task(it, "A")

    assert after(it, failing)[1:4] == [
        ("TaskStateAborted", failing),
        ("WaitStateAborted", failing),
        ("ParallelStateAborted", start),
    ]


def test_a_map_in_its_backoff_points_to_what_it_would_be_retried_from() -> None:
    nested = each("Each", task("B"), ItemsPath="$.xs", Retry=[retry()])
    it = live(machine(parallel("Both", task("A"), nested)), {"xs": [1]})
    inner = fail_task(it, "B")

    failing = fail_task(it, "A")

    assert after(it, failing)[1] == ("MapStateAborted", inner)
    assert it.execution.timers == {}


def test_a_state_that_was_left_is_not_aborted() -> None:
    it = live(machine(parallel("Both", task("A"), pass_on("B"))))

    failing = fail_task(it, "A")

    assert [name for name, _ in after(it, failing)] == [
        "TaskStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]


def test_a_sibling_in_its_backoff_is_aborted() -> None:
    both = parallel("Both", task("A"), task("B", Retry=[retry("Other")]))
    it = live(machine(both))
    it.feed(st.WorkerRaised(it.task_of("B").scheduled_id, "Other", None))

    failing = fail_task(it, "A")

    assert [name for name, _ in after(it, failing)][:2] == ["TaskStateAborted"] * 2
    assert it.execution.timers == {}


def test_branches_that_never_began_are_not_aborted() -> None:
    it = live(machine(parallel("Both", fail("Broken"), task("B"))))

    assert it.types[2:] == [
        "ParallelStateStarted",
        "FailStateEntered",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]


def test_a_caught_failure_tears_down_and_goes_on() -> None:
    both = parallel("Both", task("A"), wait("B"), Catch=[catch("Next")])
    it = live(machine(both, pass_on("Next")))

    failing = fail_task(it, "A")

    assert after(it, failing) == [
        ("TaskStateAborted", failing),
        ("WaitStateAborted", failing),
        ("ParallelStateFailed", failing),
        ("ParallelStateExited", failing + 3),
        ("PassStateEntered", failing + 4),
        ("PassStateExited", failing + 5),
        ("ExecutionSucceeded", failing + 6),
    ]


def test_a_retried_state_tears_down_without_a_failed_event() -> None:
    both = parallel("Both", task("A"), wait("B"), Retry=[retry()])
    it = live(machine(both))

    failing = fail_task(it, "A")

    assert [name for name, _ in after(it, failing)] == [
        "TaskStateAborted",
        "WaitStateAborted",
    ]
    assert len(it.execution.scopes) == 1


def test_a_failure_that_climbs_points_on_to_the_failed_event_below() -> None:
    inner = parallel("Inner", task("A"))
    it = live(machine(each("Outer", inner)), [1])

    failing = fail_task(it, "A")

    assert after(it, failing) == [
        ("TaskStateAborted", failing),
        ("ParallelStateFailed", failing),
        ("MapIterationFailed", failing + 2),
        ("MapStateFailed", failing + 2),
        ("ExecutionFailed", failing + 4),
    ]


def test_torn_down_iterations_do_not_begin_what_was_waiting() -> None:
    state = each("Each", task("A"), MaxConcurrency=1, Catch=[catch("Next")])
    it = live(machine(state, pass_on("Next")), [1, 2, 3])

    fail_task(it, "A")

    assert [event.index for event in it.events(ev.MapIterationStarted)] == [0]
