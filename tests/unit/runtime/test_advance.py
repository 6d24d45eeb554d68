"""How far one stimulus leads: cut turns, and the longest history there may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime import advance as advancing
from runtime import events as ev
from runtime import stimuli as st
from runtime.execution import Status
from runtime.limits import MAX_EVENTS, Limits
from runtime.stimuli import Verdict
from tests.support.live import live, live_before_its_first_turn
from tests.support.machines import (
    choice,
    each,
    machine,
    parallel,
    pass_on,
    succeed,
    task,
    wait,
)

ENDLESS = machine(
    pass_on("Again", Next="Which"),
    choice(
        "Which",
        {"Variable": "$.stop", "BooleanEquals": True, "Next": "Done"},
        Default="Again",
    ),
    succeed("Done"),
)


def test_an_advance_goes_on_until_something_from_outside_is_needed() -> None:
    it = live(machine(pass_on("A"), pass_on("B"), wait("C"), pass_on("D")))

    assert it.types[-1] == "WaitStateEntered"
    assert not it.execution.ready


def test_a_long_turn_is_cut() -> None:
    it = live(ENDLESS, {"stop": False})

    assert it.last.is_cut
    assert 500 <= len(it.last.events) < 510
    assert it.execution.ready


def test_a_cut_turn_goes_on_where_it_was() -> None:
    it = live(ENDLESS, {"stop": False})
    count = len(it.log)

    it.feed(st.Continue())

    assert it.log[count].previous_id == count
    assert it.last.verdict is Verdict.ACCEPTED


def test_a_turn_with_much_payload_is_cut() -> None:
    states = [pass_on(f"P{n}", Parameters={"a.$": "$.a", "n": n}) for n in range(10)]

    it = live(machine(*states), {"a": "x" * 200_000})

    assert it.last.is_cut
    assert 1_048_576 <= it.last.size < 1_048_576 + 262_144


def test_an_execution_that_is_cut_can_be_stopped() -> None:
    it = live(ENDLESS, {"stop": False})

    it.stop()

    assert it.types[-1] == "ExecutionAborted"
    assert not it.last.is_cut


def test_any_stimulus_makes_a_cut_execution_go_on() -> None:
    it = live_before_its_first_turn(machine(pass_on("A"), wait("B")))

    it.feed(st.Heartbeat(7))

    assert it.types[-1] == "WaitStateEntered"


def test_an_endless_execution_fails_at_25_000_events() -> None:
    it = live_before_its_first_turn(ENDLESS, {"stop": False})

    while it.execution.is_open:
        done = advancing.advance(it.machine, it.execution, st.Continue(), it.turn)
        it.log += done.events

    assert len(it.log) == MAX_EVENTS == 25_000
    assert it.execution.status is Status.FAILED
    assert it.error == "States.Runtime"
    assert "25000" in (it.execution.cause or "")


@pytest.mark.parametrize("limit", [4, 5, 6, 7, 8])
def test_the_last_event_ends_the_execution(limit: int) -> None:
    states = machine(pass_on("A"), pass_on("B"), pass_on("C"))

    it = live(states, limits=Limits(history_events=limit))

    assert len(it.log) <= limit
    assert not it.execution.is_open
    assert it.execution.status is (Status.SUCCEEDED if limit >= 8 else Status.FAILED)


def test_an_execution_that_needs_exactly_the_limit_succeeds() -> None:
    it = live(machine(pass_on()), limits=Limits(history_events=4))

    assert len(it.log) == 4
    assert it.execution.status is Status.SUCCEEDED


def test_an_answer_that_would_pass_the_limit_fails_the_execution() -> None:
    it = live(machine(task("A"), task("B")))

    it.limits = Limits(history_events=len(it.log) + 2)
    it.returned()

    assert it.types[-1] == "ExecutionFailed"
    assert it.last.verdict is Verdict.CLOSED
    assert it.execution.tasks == {}
    assert it.events(ev.LambdaFunctionSucceeded) == []


def test_an_execution_of_a_deleted_machine_ends_with_its_next_transition() -> None:
    it = live(machine(wait("A"), pass_on("B")))
    ((key, due),) = it.execution.timers.items()
    turn = replace(it.turn, now=due, is_deleting=lambda arn: arn.endswith(":orders"))

    early = advancing.advance(it.machine, it.execution, st.Heartbeat(9), turn)
    done = advancing.advance(it.machine, it.execution, st.TimerFired(*key), turn)

    assert early.events == []
    assert [type(event).__name__ for event in done.events][-1] == "ExecutionAborted"
    assert it.execution.status is Status.ABORTED


def test_scopes_take_turns() -> None:
    both = parallel(
        "Both", [pass_on("A1"), pass_on("A2")], [pass_on("B1"), pass_on("B2")]
    )

    it = live(machine(both))

    names = [event.name for event in it.events(ev.PassStateEntered)]
    assert names == ["A1", "B1", "A2", "B2"]


def test_a_large_map_is_cut_and_goes_on() -> None:
    it = live(machine(each("Each", pass_on(), MaxConcurrency=40)), list(range(300)))

    turns = 1
    while it.last.is_cut:
        it.feed(st.Continue())
        turns += 1

    assert turns > 1
    assert it.output == list(range(300))
