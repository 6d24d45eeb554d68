"""React to a stimulus, then decide until no scope is ready.

An advance is bounded: past about 500 events or 1 MiB of payload it is cut, and the rest is
decided in a turn of its own. An execution whose log would pass 25,000 events fails instead.
One whose machine is being deleted ends with its next transition.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from asl.model import Machine
from asl.payload import Payload
from runtime.decide import decide
from runtime.events import (
    ExecutionAborted,
    ExecutionFailed,
    ExecutionSucceeded,
    ExecutionTimedOut,
    HistoryEvent,
)
from runtime.evolve import evolve
from runtime.execution import Execution
from runtime.react import react
from runtime.retry import RUNTIME
from runtime.stimuli import Stimulus, Stop, Verdict
from runtime.turn import Turn

MAX_TURN_EVENTS: Final = 500
MAX_TURN_BYTES: Final = 1_048_576
_DELETED: Final = Stop(error=None, cause="The state machine is being deleted.")


@dataclass(slots=True, kw_only=True)
class Advance:
    """What one stimulus led to. `is_cut`: a Continue must follow;
    `size` counts the characters of payload that its events store."""

    events: list[HistoryEvent] = field(default_factory=list)
    verdict: Verdict = Verdict.ACCEPTED
    rearm: timedelta | None = None
    is_cut: bool = False
    size: int = 0


def advance(
    machine: Machine, execution: Execution, stimulus: Stimulus, turn: Turn
) -> Advance:
    """Apply a stimulus to an execution and return all that followed."""
    reaction = react(machine, execution, stimulus, turn)
    done = Advance(verdict=reaction.verdict, rearm=reaction.rearm)
    _apply(execution, reaction.events, done, turn)
    if reaction.events and done.events[0] is not reaction.events[0]:
        # Whoever is told *accepted* must find the event: here the limit took its place.
        done.verdict = Verdict.CLOSED
    ready = execution.ready
    if ready and turn.is_deleting(execution.state_machine_arn):
        stopping = react(machine, execution, _DELETED, turn)
        _apply(execution, stopping.events, done, turn)
    while ready:
        if len(done.events) >= MAX_TURN_EVENTS or done.size >= MAX_TURN_BYTES:
            done.is_cut = True
            break
        _apply(
            execution, decide(machine, execution, next(iter(ready)), turn), done, turn
        )
    return done


def _apply(
    execution: Execution, events: list[HistoryEvent], done: Advance, turn: Turn
) -> None:
    if events and events[-1].id >= turn.limits.history_events:
        events = _within_limit(execution, events, turn)
    for event in events:
        if event.payload is not None:
            done.size += hold(execution, event, event.payload)
        evolve(execution, event)
    done.events += events


def hold(execution: Execution, event: HistoryEvent, payload: Payload) -> int:
    """Decide which event stores a payload; return the characters that this one adds.

    A payload is stored once per execution; an event that carries one already stored points
    to it. The payload itself only remembers its latest holder, under the ledger of one fold:
    what a decision that was never committed held is stored again by the next.
    """
    if payload.owner is execution.ledger:
        if payload.holder != event.id:
            event.data_from = payload.holder  # type: ignore[misc]  # still being decided
        return 0
    payload.owner = execution.ledger
    payload.holder = event.id
    return len(payload.text)


def _within_limit(
    execution: Execution, events: list[HistoryEvent], turn: Turn
) -> list[HistoryEvent]:
    """Keep a decision that ends the execution in time; else put the failure in its place."""
    most = turn.limits.history_events
    if events[-1].id == most and isinstance(events[-1], _CLOSING):
        return events
    cause = f"The execution reached the maximum number of history events ({most})."
    return [
        ExecutionFailed(
            id=execution.last_event_id + 1,
            previous_id=execution.last_event_id,
            time=max(turn.now, execution.last_time or turn.now),
            error=RUNTIME,
            cause=cause,
        )
    ]


_CLOSING: Final = (
    ExecutionSucceeded,
    ExecutionFailed,
    ExecutionTimedOut,
    ExecutionAborted,
)
