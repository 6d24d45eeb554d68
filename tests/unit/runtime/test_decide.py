"""The transitions of states, as the links of their events show them."""

from __future__ import annotations

import pytest

from asl.payload import Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.decide import decide
from runtime.execution import Phase
from tests.support.live import live, live_before_its_first_turn
from tests.support.machines import (
    choice,
    each,
    fail,
    machine,
    parallel,
    pass_on,
    succeed,
    task,
    wait,
)


def test_the_first_state_points_to_nothing() -> None:
    it = live(machine(pass_on()))

    assert it.links == [
        ("ExecutionStarted", 0),
        ("PassStateEntered", 0),
        ("PassStateExited", 2),
        ("ExecutionSucceeded", 3),
    ]


def test_a_later_state_points_to_the_exit_before_it() -> None:
    it = live(machine(pass_on("A"), pass_on("B")))

    assert it.links[3:5] == [("PassStateEntered", 3), ("PassStateExited", 4)]


def test_a_choice_leads_where_its_rule_says() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "One"}
    states = (choice("Which", rule, Default="Other"), succeed("One"), succeed("Other"))

    names = {
        n: [
            event.name
            for event in live(machine(*states), {"n": n}).events(ev.StateEntered)
        ]
        for n in (1, 2)
    }

    assert names == {1: ["Which", "One"], 2: ["Which", "Other"]}


def test_a_choice_without_a_match_fails_the_execution() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "One"}

    it = live(machine(choice("Which", rule), succeed("One")), {"n": 2})

    assert it.links[1:] == [("ChoiceStateEntered", 0), ("ExecutionFailed", 2)]
    assert it.error == "States.Runtime"


def test_a_succeed_state_ends_the_execution() -> None:
    it = live(machine(succeed()), {"n": 1})

    assert it.links[1:] == [
        ("SucceedStateEntered", 0),
        ("SucceedStateExited", 2),
        ("ExecutionSucceeded", 3),
    ]
    assert it.output == {"n": 1}


def test_a_fail_state_is_never_left() -> None:
    it = live(machine(fail(Error="E")))

    assert it.events(ev.StateExited) == []


def test_a_branch_s_first_state_points_to_the_start_of_its_parallel() -> None:
    it = live(machine(parallel("Both", pass_on("A"), pass_on("B"))))

    assert it.links[1:] == [
        ("ParallelStateEntered", 0),
        ("ParallelStateStarted", 2),
        ("PassStateEntered", 3),
        ("PassStateExited", 4),
        ("PassStateEntered", 3),
        ("PassStateExited", 6),
        ("ParallelStateSucceeded", 7),
        ("ParallelStateExited", 7),
        ("ExecutionSucceeded", 9),
    ]


def test_results_of_branches_stand_in_the_order_of_the_branches() -> None:
    it = live(machine(parallel("Both", task("A"), task("B"))))

    for state in ("B", "A"):
        answer = Payload.of_text(f'"{state}"')
        it.feed(st.WorkerReturned(it.task_of(state).scheduled_id, answer))

    assert it.output == ["A", "B"]


def test_a_parallel_is_left_from_the_branch_that_ended_last() -> None:
    it = live(machine(parallel("Both", task("A"), pass_on("B"))))
    assert it.execution.scopes[0].phase is Phase.JOINING

    it.returned()

    closed = it.events(ev.TaskStateExited)[-1].id
    assert it.one(ev.ParallelStateSucceeded).previous_id == closed
    assert it.one(ev.ParallelStateExited).previous_id == closed


def test_an_iteration_is_linked_from_its_start_to_its_last_event() -> None:
    it = live(machine(each("Each", pass_on())), [7])

    assert it.links[1:] == [
        ("MapStateEntered", 0),
        ("MapStateStarted", 2),
        ("MapIterationStarted", 3),
        ("PassStateEntered", 4),
        ("PassStateExited", 5),
        ("MapIterationSucceeded", 6),
        ("MapStateSucceeded", 7),
        ("MapStateExited", 7),
        ("ExecutionSucceeded", 9),
    ]


def test_a_freed_slot_is_taken_from_the_last_event_inside() -> None:
    it = live(machine(each("Each", pass_on(), MaxConcurrency=1)), [1, 2])

    first, second = it.events(ev.MapIterationStarted)
    inside = it.events(ev.PassStateExited)[0].id
    assert (first.index, second.index) == (0, 1)
    assert second.previous_id == inside


def test_an_empty_map_is_left_from_its_start() -> None:
    it = live(machine(each("Each", pass_on())), [])

    assert it.links[2:5] == [
        ("MapStateStarted", 2),
        ("MapStateSucceeded", 3),
        ("MapStateExited", 3),
    ]
    assert it.output == []


def test_no_more_iterations_run_than_may() -> None:
    it = live(machine(each("Each", task(), MaxConcurrency=2)), [1, 2, 3])
    assert len(it.execution.tasks) == 2

    it.feed(st.WorkerReturned(min(it.execution.tasks), Payload.of_text("0")))

    assert len(it.execution.tasks) == 2
    assert [event.index for event in it.events(ev.MapIterationStarted)] == [0, 1, 2]


def test_forty_iterations_run_where_the_map_sets_no_bound() -> None:
    it = live(machine(each("Each", task())), list(range(50)))

    assert len(it.execution.tasks) == 40


def test_results_of_iterations_stand_in_the_order_of_the_items() -> None:
    it = live(machine(each("Each", task())), [1, 2, 3])

    for task_id in sorted(it.execution.tasks, reverse=True):
        it.feed(st.WorkerReturned(task_id, Payload.of_text(str(task_id))))

    assert it.output == sorted(it.output)


def test_nested_maps_and_branches_join_from_the_inside() -> None:
    inner = each("Inner", pass_on("Leaf"), ItemsPath="$.xs")
    outer = each("Outer", parallel("Both", inner, pass_on("Other")))

    it = live(machine(outer), [{"xs": [1, 2]}, {"xs": []}])

    assert it.output == [[[1, 2], {"xs": [1, 2]}], [[], {"xs": []}]]


def test_a_wait_inside_a_branch_does_not_hold_the_others_back() -> None:
    it = live(machine(parallel("Both", wait("Sleep"), [pass_on("A"), task("B")])))

    assert len(it.execution.timers) == len(it.execution.tasks) == 1


def test_deciding_changes_nothing_and_is_repeatable() -> None:
    it = live_before_its_first_turn(machine(task()))

    first = decide(it.machine, it.execution, 0, it.turn)
    second = decide(it.machine, it.execution, 0, it.turn)

    assert first == second
    assert it.execution.last_event_id == 1


def test_a_scope_that_waits_has_nothing_to_decide() -> None:
    it = live(machine(wait()))

    with pytest.raises(AssertionError, match="waiting"):
        decide(it.machine, it.execution, 0, it.turn)


def test_time_never_goes_back() -> None:
    it = live(machine(wait("A", seconds=5), pass_on("B")))
    it.fire()
    late = live(machine(task(), wait()))
    late.later(-3600)

    late.returned()

    assert late.log[-1].time == late.log[0].time
