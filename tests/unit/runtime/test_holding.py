"""A payload is stored once per execution, whatever became of earlier decisions."""

from __future__ import annotations

from asl.payload import Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.advance import advance, hold
from tests.support.live import Live, live, live_before_its_first_turn, refold
from tests.support.machines import each, machine, pass_on, task


def stored(it: Live) -> list[tuple[int, int]]:
    """Return, per event with a payload, its id and where the payload is stored."""
    return [
        (event.id, event.data_from or event.id) for event in it.log if event.payload
    ]


def test_a_payload_that_nobody_changes_is_stored_once() -> None:
    it = live(machine(pass_on("A"), pass_on("B")), {"n": 1})

    assert {holder for _, holder in stored(it)} == {1}


def test_an_output_is_stored_where_it_came_in() -> None:
    it = live(machine(task(), pass_on()))

    it.returned({"n": 1})

    result = it.one(ev.LambdaFunctionSucceeded).id
    assert {holder for event_id, holder in stored(it) if event_id >= result} == {result}


def test_the_state_of_an_iteration_points_to_the_input_of_the_iteration() -> None:
    it = live(machine(each("Each", pass_on())), [1])

    iteration = it.one(ev.MapIterationStarted).id
    assert it.one(ev.PassStateEntered).data_from == iteration


def test_what_an_uncommitted_decision_held_is_stored_again() -> None:
    it = live(machine(task(), pass_on()))
    answer = st.WorkerReturned(it.task.scheduled_id, Payload.of_text('{"n": 1}'))
    given_up = refold(it.execution, it.log)
    advance(it.machine, given_up, answer, it.turn)

    it.feed(answer)

    assert it.one(ev.LambdaFunctionSucceeded).data_from == 0
    assert it.output == {"n": 1}


def test_a_payload_shared_by_two_executions_is_stored_in_both() -> None:
    shared = Payload.of_text('{"n": 1}')
    first, second = live(machine(task())), live(machine(task()))

    first.feed(st.WorkerReturned(first.task.scheduled_id, shared))
    second.feed(st.WorkerReturned(second.task.scheduled_id, shared))

    assert second.one(ev.LambdaFunctionSucceeded).data_from == 0


def test_size_counts_only_what_is_stored() -> None:
    it = live_before_its_first_turn(machine(pass_on("A"), pass_on("B")))

    it.feed(st.Begin())

    assert it.last.size == 0


def test_an_event_that_was_folded_is_not_held_by_itself() -> None:
    it = live_before_its_first_turn(machine(pass_on()))
    first = it.log[0]
    assert first.payload is not None

    hold(it.execution, first, first.payload)

    assert first.data_from == 0
