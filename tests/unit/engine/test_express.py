"""Express executions in memory: turns, timers and tasks, without a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from asl.model import Machine
from engine.errors import BusyError
from engine.express import Express, Run
from engine.starts import StartRequest
from engine.turns import Taker
from engine.work import Stimulation, TurnDone
from runtime import advance as advancing
from runtime import stimuli as st
from runtime.execution import Status
from runtime.identity import FIRST_MARKER
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Verdict
from scheduler.clock import VirtualClock
from tests.support.live import BEGINNING, SIGNER, payload
from tests.support.machines import machine, pass_on, retry, task, wait

RUN = "0b0f1f5e-7c53-4d0c-9d25-5b8a3d6fdd8f"


@dataclass
class Call:
    """A call that was put off."""

    seconds: float
    call: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class World:
    """An `Express`, its clock and timers, and what it has let go."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(BEGINNING))
    calls: list[Call] = field(default_factory=list)
    turns: list[TurnDone] = field(default_factory=list)
    ended: list[Run] = field(default_factory=list)
    limits: Limits = DEFAULTS

    def __post_init__(self) -> None:
        taker = Taker(
            now=self.clock.now(),
            heard_since=self.clock.now(),
            region="us-east-1",
            signer=SIGNER,
            claim=lambda _function: "worker-1",
            unclaim=lambda _worker: None,
        )
        self.express = Express(
            marker=FIRST_MARKER,
            clock=self.clock,
            taker=taker,
            dispatch=self,
            later=self._later,
            limits=self.limits,
        )

    def _later(self, seconds: float, call: Callable[[], None]) -> Call:
        self.calls.append(Call(seconds, call))
        return self.calls[-1]

    def dispatch(self, turn: TurnDone, epoch: int) -> None:
        assert epoch == 1
        self.turns.append(turn)

    def begin(self, of: Machine, execution_id: str = RUN) -> Run:
        name = f"arn:aws:states:us-east-1:123456789012:express:m:n:{execution_id}"
        request = StartRequest(
            arn=name,
            name="n",
            input='{"a":1}',
            machine=of,
            state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:m",
            state_machine_name="m",
            revision_id="r",
            role_arn="arn:aws:iam::123456789012:role/made-up",
        )
        return self.express.begin(request, execution_id, self.ended.append)

    @property
    def pending(self) -> list[Call]:
        return [call for call in self.calls if not call.is_cancelled]

    def fire(self) -> None:
        """Let the next timer fire in its time."""
        call = min(self.pending, key=lambda each: each.seconds)
        self.calls.remove(call)
        self.clock.advance(timedelta(seconds=call.seconds))
        call.call()

    def tell(self, stimulus: st.Stimulus) -> list[Any]:
        answers: list[Any] = []
        self.express.deliver(RUN, Stimulation(stimulus, answer=answers.append))
        return answers


@pytest.fixture
def world() -> World:
    return World()


def test_execution_without_waits_ends_before_begin_returns(world: World) -> None:
    run = world.begin(machine(pass_on("A"), pass_on("B")))

    assert world.ended == [run]
    assert run.execution.status is Status.SUCCEEDED
    assert [event.id for event in run.events] == [1, 2, 3, 4, 5, 6]
    assert (world.express.running, world.calls) == (0, [])


def test_wait_goes_on_when_its_timer_fires(world: World) -> None:
    run = world.begin(machine(wait(seconds=60)))
    assert sorted(call.seconds for call in world.pending) == [60, 300]

    world.fire()

    assert run.execution.status is Status.SUCCEEDED
    assert world.pending == []


def test_execution_times_out_after_five_minutes(world: World) -> None:
    run = world.begin(machine(wait(seconds=3600), TimeoutSeconds=7200))

    world.fire()

    assert run.execution.status is Status.TIMED_OUT
    assert run.execution.stopped == BEGINNING + timedelta(minutes=5)
    assert run.execution.error == "States.Timeout"


def test_timeout_of_the_machine_may_be_shorter(world: World) -> None:
    run = world.begin(machine(wait(seconds=3600), TimeoutSeconds=7))

    world.fire()

    assert run.execution.stopped == BEGINNING + timedelta(seconds=7)


def test_result_of_a_worker_ends_the_task(world: World) -> None:
    run = world.begin(machine(task()))
    (scheduled,) = run.execution.tasks

    answers = world.tell(st.WorkerReturned(scheduled, payload({"b": 2})))

    assert answers == [Verdict.ACCEPTED]
    assert run.execution.output is not None
    assert run.execution.output.text == '{"b": 2}'


def test_result_for_an_execution_that_has_ended_is_too_late(world: World) -> None:
    world.begin(machine(pass_on()))

    assert world.tell(st.WorkerReturned(3, payload(1))) == [Verdict.CLOSED]


def test_failed_attempt_is_made_again_after_its_backoff(world: World) -> None:
    run = world.begin(machine(task(Retry=[retry(IntervalSeconds=5)])))
    (first,) = run.execution.tasks
    world.tell(st.WorkerRaised(first, "Broken", None))

    world.fire()

    (second,) = run.execution.tasks
    assert second > first


def test_long_turn_is_cut_and_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advancing, "MAX_TURN_EVENTS", 2)
    run = world.begin(machine(pass_on("A"), pass_on("B"), pass_on("C")))
    assert run.execution.is_open

    while run.execution.is_open:
        world.fire()

    assert run.execution.status is Status.SUCCEEDED


def test_execution_that_cannot_be_advanced_ends_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise AssertionError("broken")

    monkeypatch.setattr("engine.turns.advance", broken)

    run = world.begin(machine(pass_on()))

    assert isinstance(run.failure, AssertionError)
    assert world.express.running == 0


def test_memory_is_bounded() -> None:
    world = World(limits=Limits(express_running=1))
    world.begin(machine(wait()))

    with pytest.raises(BusyError):
        world.express.require_room()
