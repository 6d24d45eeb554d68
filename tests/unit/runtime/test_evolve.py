"""Applying events: order, what is open, and what has changed since the last commit."""

from __future__ import annotations

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.evolve import _TABLE, evolve, fold, forget_changes
from runtime.execution import Execution, Phase, TimerKind, child_scope_id
from tests.support.live import (
    BEGINNING,
    Live,
    live,
    live_before_its_first_turn,
    nobody,
    payload,
)
from tests.support.machines import (
    callback,
    each,
    machine,
    parallel,
    pass_on,
    retry,
    task,
    wait,
)


def committed(it: Live) -> Live:
    """Declare what has changed so far written."""
    forget_changes(it.execution)
    return it


def test_every_event_class_has_its_function() -> None:
    assert set(_TABLE) == set(ev.EVENT_CLASSES)


def test_events_must_come_in_order() -> None:
    it = live_before_its_first_turn(machine(pass_on()))

    with pytest.raises(AssertionError, match="in order"):
        evolve(it.execution, ev.ExecutionSucceeded(id=3, time=BEGINNING))


def test_an_event_is_not_applied_twice() -> None:
    it = live_before_its_first_turn(machine(pass_on()))

    with pytest.raises(AssertionError, match="in order"):
        evolve(it.execution, it.log[0])


def test_a_log_folds_to_where_the_execution_is() -> None:
    it = live(machine(wait()), {"n": 1})

    again = fold(it.execution.shard, it.execution.execution_id, it.log)

    assert again.scopes[0].phase is Phase.WAITING
    assert again.input.value == {"n": 1}
    assert again.last_event_id == 2


def test_a_started_execution_stands_before_its_first_state() -> None:
    it = live_before_its_first_turn(machine(pass_on("First")))

    root = it.execution.scopes[0]
    assert (root.phase, root.state) == (Phase.ENTERING, "First")
    assert list(it.execution.ready) == [0]


def test_scopes_of_branches_and_iterations_have_ids_of_their_own() -> None:
    assert child_scope_id(3, 1) == (3 << 16) + 1
    it = live(machine(parallel("Both", each("Each", task()), task("B"))), [1, 2])

    ids = list(it.execution.scopes)
    assert len(set(ids)) == 5
    assert 0 in ids


# What has changed


def test_a_fold_has_nothing_to_write() -> None:
    it = live(machine(task(TimeoutSeconds=9)))

    again = fold(it.execution.shard, it.execution.execution_id, it.log)

    assert again.timers
    assert again.opened_timers == again.closed_timers == set()
    assert again.opened_tasks == again.closed_tasks == set()


def test_a_fold_of_the_start_alone_has_its_deadline_to_write() -> None:
    it = live_before_its_first_turn(machine(wait(), TimeoutSeconds=9))

    assert it.execution.opened_timers == {(1, TimerKind.EXECUTION_TIMEOUT)}


def test_what_opens_and_closes_in_one_turn_is_never_written() -> None:
    it = live(machine(task(TimeoutSeconds=9), wait()))

    it.returned()

    assert it.execution.opened_timers == {(7, TimerKind.WAIT)}
    assert it.execution.closed_timers == set()
    assert it.execution.opened_tasks == it.execution.closed_tasks == set()


def test_what_was_written_and_closes_is_deleted() -> None:
    it = committed(live(machine(task(TimeoutSeconds=9), wait())))

    it.returned()

    assert it.execution.closed_timers == {(3, TimerKind.TASK_TIMEOUT)}
    assert it.execution.closed_tasks == {3}


def test_a_claim_changes_the_row_of_its_task() -> None:
    it = committed(live(machine(task()), claim=nobody))

    it.claimed()

    assert it.execution.changed_tasks == {3}
    assert it.execution.opened_tasks == set()


def test_a_submission_changes_the_row_of_its_task() -> None:
    it = committed(live(machine(callback())))

    it.returned()

    assert it.execution.changed_tasks == {3}


def test_a_task_that_is_not_written_yet_is_not_changed() -> None:
    it = live(machine(task()), claim=nobody)

    it.claimed()

    assert it.execution.opened_tasks == {3}
    assert it.execution.changed_tasks == set()


def test_a_changed_task_that_closes_is_deleted_only() -> None:
    it = committed(live(machine(task()), claim=nobody))
    it.claimed()

    it.returned()

    assert it.execution.changed_tasks == set()
    assert it.execution.closed_tasks == {3}


def test_a_backoff_that_closes_and_opens_again_can_still_be_deleted() -> None:
    it = live(machine(task(Retry=[retry(IntervalSeconds=5, MaxAttempts=9)])))
    it.raised()
    committed(it)
    it.fire()
    it.raised()
    assert it.execution.opened_timers == {(2, TimerKind.RETRY)}

    it.stop()

    assert it.execution.opened_timers == set()
    assert it.execution.closed_timers == {(2, TimerKind.RETRY)}


def test_the_end_of_an_execution_closes_all_that_was_open() -> None:
    both = parallel("Both", task("A", TimeoutSeconds=9), wait())
    it = committed(live(machine(both, TimeoutSeconds=99)))

    it.stop()

    assert len(it.execution.closed_timers) == 3
    assert it.execution.closed_tasks == {5}
    assert it.execution.scopes == {}


def test_variables_are_seen_inside_and_do_not_leak_out() -> None:
    inside = pass_on("Inside", Assign={"v": 2, "w": 3})
    it = live(
        machine(pass_on("Set", Assign={"v": 1}), parallel("Both", inside), wait())
    )

    assert it.execution.scopes[0].variables == {"v": 1}


def test_an_empty_execution_is_open_and_has_nothing() -> None:
    execution = Execution(shard=0, execution_id="e")

    assert execution.is_open
    assert execution.scopes == {}


def test_a_caught_failure_is_folded_with_its_tear_down() -> None:
    both = parallel(
        "Both",
        task("A"),
        wait("B"),
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Next"}],
    )
    it = live(machine(both, task("Next")))

    it.feed(st.WorkerRaised(it.task_of("A").scheduled_id, "Broken", None))

    assert set(it.execution.scopes) == {0}
    assert it.execution.scopes[0].state == "Next"


def test_results_of_children_are_kept_until_all_are_there() -> None:
    it = live(machine(each("Each", task())), [1, 2])
    first = min(it.execution.tasks)

    it.feed(st.WorkerReturned(first, payload("one")))

    children = it.execution.scopes[0].children
    assert children is not None
    assert {index: result.value for index, result in children.results.items()} == {
        0: "one"
    }
    assert not children.is_complete
