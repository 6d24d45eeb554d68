"""One execution in memory, driven stimulus by stimulus.

After every stimulus the laws of the log are checked: the log, written as rows and read back,
folds to the live execution.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from asl.model import Machine
from asl.payload import Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.advance import Advance, advance
from runtime.chance import SeededEntropy
from runtime.evolve import fold
from runtime.execution import Execution, OpenTask, TimerKind
from runtime.identity import execution_id_of, shard_of
from runtime.limits import DEFAULTS, Limits
from runtime.tokens import TokenSigner
from runtime.turn import Turn
from storage.codec import decode, encode
from tests.support.portraits import difference

BEGINNING = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:order-1"
SIGNER = TokenSigner({1: b"k" * 32})
E = TypeVar("E", bound=ev.HistoryEvent)


def payload(value: Any) -> Payload:
    """Make a payload of a value."""
    return Payload.of_text(json.dumps(value))


def started(
    machine: Machine, value: Any = None, *, time: datetime = BEGINNING, arn: str = ARN
) -> ev.ExecutionStarted:
    """Make the first event of an execution."""
    limit = machine.timeout_seconds
    return ev.ExecutionStarted(
        id=1,
        time=time,
        payload=payload({} if value is None else value),
        role_arn="arn:aws:iam::123456789012:role/orders",
        arn=arn,
        name=arn.rsplit(":", 1)[1],
        state_machine_arn="arn:aws:states:us-east-1:123456789012:stateMachine:orders",
        state_machine_name="orders",
        start_at=machine.regions[0].start_at,
        deadline=None if limit is None else time + timedelta(seconds=limit),
    )


def refold(execution: Execution, log: Sequence[ev.HistoryEvent]) -> Execution:
    """Fold a log as it would come back from the database."""
    rows = [encode(event) for event in log]
    return fold(execution.shard, execution.execution_id, decode(rows))


@dataclass(slots=True)
class Live:
    """An execution, its log, its clock, and the workers that are free at once."""

    machine: Machine
    execution: Execution
    log: list[ev.HistoryEvent]
    now: datetime = BEGINNING
    claim: Callable[[str], str | None] = lambda _function: "worker-1"
    seed: bytes = b"seed"
    limits: Limits = DEFAULTS
    last: Advance = field(default_factory=Advance)

    @property
    def turn(self) -> Turn:
        """The outside of the next advance."""
        entropy = SeededEntropy(self.seed)
        return Turn(
            now=self.now,
            entropy=entropy,
            signer=SIGNER,
            claim=self.claim,
            limits=self.limits,
        )

    # Stimuli

    def feed(self, stimulus: st.Stimulus) -> list[ev.HistoryEvent]:
        """Apply a stimulus and all that follows from it; return the new events."""
        count = len(self.log)
        self.last = advance(self.machine, self.execution, stimulus, self.turn)
        self.log += self.last.events
        assert difference(refold(self.execution, self.log), self.execution) == {}
        return self.log[count:]

    def later(self, seconds: float) -> Live:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def claimed(self, worker: str = "worker-1") -> list[ev.HistoryEvent]:
        """Give the open task to a worker."""
        return self.feed(st.TaskClaimed(self.task.scheduled_id, worker))

    def returned(self, value: Any = None) -> list[ev.HistoryEvent]:
        """Let the function of the open task return."""
        return self.feed(st.WorkerReturned(self.task.scheduled_id, payload(value)))

    def raised(
        self, error: str = "Broken", cause: str = "why"
    ) -> list[ev.HistoryEvent]:
        """Let the function of the open task fail."""
        return self.feed(st.WorkerRaised(self.task.scheduled_id, error, cause))

    def fire(self, kind: TimerKind | None = None) -> list[ev.HistoryEvent]:
        """Let the earliest timer (of a kind) fire, in its time."""
        timers = {
            key: due
            for key, due in self.execution.timers.items()
            if kind is None or key[1] is kind
        }
        key = min(timers, key=lambda timer: timers[timer])
        self.now = max(self.now, timers[key])
        return self.feed(st.TimerFired(*key))

    def stop(self) -> list[ev.HistoryEvent]:
        """Stop the execution."""
        return self.feed(st.Stop("Stopped", "by hand"))

    # What there is

    @property
    def task(self) -> OpenTask:
        """The only open task."""
        (task,) = self.execution.tasks.values()
        return task

    def task_of(self, state: str) -> OpenTask:
        """Return the open task of a state."""
        scopes = self.execution.scopes
        (task,) = (
            task
            for task in self.execution.tasks.values()
            if scopes[task.scope].state == state
        )
        return task

    def events(self, cls: type[E]) -> list[E]:
        """Return the events of a class."""
        return [event for event in self.log if isinstance(event, cls)]

    def one(self, cls: type[E]) -> E:
        """Return the only event of a class."""
        (event,) = self.events(cls)
        return event

    @property
    def types(self) -> list[str]:
        """The types of the log."""
        return [type(event).__name__ for event in self.log]

    @property
    def links(self) -> list[tuple[str, int]]:
        """The types of the log with what each event points to."""
        return [(type(event).__name__, event.previous_id) for event in self.log]

    @property
    def output(self) -> Any:
        """The output of the execution, parsed."""
        assert self.execution.output is not None
        return self.execution.output.value

    @property
    def error(self) -> str | None:
        """The error the execution ended with."""
        return self.execution.error


def live(
    machine: Machine,
    value: Any = None,
    *,
    claim: Callable[[str], str | None] | None = None,
    arn: str = ARN,
    limits: Limits = DEFAULTS,
) -> Live:
    """Start an execution and let its first turn run."""
    it = live_before_its_first_turn(machine, value, arn=arn)
    it.limits = limits
    if claim is not None:
        it.claim = claim
    it.feed(st.Begin())
    return it


def live_before_its_first_turn(
    machine: Machine, value: Any = None, *, arn: str = ARN
) -> Live:
    """Start an execution: only its first event is there."""
    first = started(machine, value, arn=arn)
    execution = fold(shard_of(arn, 64), execution_id_of(arn, 1), [first])
    return Live(machine, execution, [first])


def nobody(_function: str) -> str | None:
    """Say that no worker is free."""
    return None
