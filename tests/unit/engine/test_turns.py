"""One turn of an execution: what it takes and what it writes."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

from engine.turns import Taker
from engine.work import Resident, Stimulation, TurnDone
from runtime import advance as advancing
from runtime import stimuli as st
from runtime.evolve import forget_changes
from runtime.execution import TimerKind
from tests.support.live import (
    SIGNER,
    Live,
    live,
    live_before_its_first_turn,
    payload,
)
from tests.support.machines import callback, machine, pass_on, retry, task

BEAT = TimerKind.HEARTBEAT


def take(it: Live, *stimulations: Stimulation) -> TurnDone:
    """Take one turn of an execution that was committed as it is."""
    forget_changes(it.execution)
    taker = Taker(
        now=it.now,
        heard_since=it.log[0].time,
        region="us-east-1",
        signer=SIGNER,
        claim=it.claim,
        unclaim=lambda _worker: None,
    )
    resident = Resident(it.execution, it.machine, 0)
    resident.queue.extend(stimulations)
    resident.beats = dict.fromkeys(it.execution.tasks, it.now)
    return taker.take(resident, taker.turn())


def fired(event_id: int, kind: TimerKind) -> Stimulation:
    return Stimulation(st.TimerFired(event_id, kind), timer=(event_id, kind))


def beating() -> Live:
    """Return an execution whose task has been heard of at the last moment."""
    it = live(machine(callback(HeartbeatSeconds=10), pass_on()))
    return it.later(10)


def test_a_heartbeat_timer_that_fires_twice_is_written_once() -> None:
    it = beating()
    timer = (it.task.scheduled_id, BEAT)

    done = take(it, fired(*timer), fired(*timer))

    assert done.entry.opened_timers == [(timer, it.now + timedelta(seconds=10))]
    assert done.entry.closed_timers == ()


def test_a_heartbeat_timer_set_anew_goes_with_the_end_of_its_task() -> None:
    it = beating()
    timer = (it.task.scheduled_id, BEAT)
    answer = st.CallbackSucceeded(it.task.scheduled_id, payload(1))

    done = take(it, fired(*timer), Stimulation(answer))

    assert done.entry.opened_timers == []
    assert done.entry.closed_timers == [timer]


def test_a_backoff_that_begins_again_is_written_over_the_one_that_fired() -> None:
    it = live(machine(task(Retry=[retry(IntervalSeconds=5, MaxAttempts=9)])))
    it.raised()
    (timer,) = it.execution.timers
    it.later(5)
    again = st.WorkerRaised(it.execution.last_event_id + 1, "Broken", None)

    done = take(it, fired(*timer), Stimulation(again), fired(*timer))

    assert done.entry.opened_timers == [(timer, it.now + timedelta(seconds=10))]
    assert done.entry.closed_timers == []


def test_a_cut_turn_asks_for_one_continuation_however_many_came() -> None:
    it = live_before_its_first_turn(machine(pass_on("A"), pass_on("B"), pass_on("C")))
    rows = [Stimulation(st.Continue(), inbox_id=row) for row in (7, 8, 9)]

    with mock.patch.object(advancing, "MAX_TURN_EVENTS", 1):
        done = take(it, *rows, Stimulation(st.Heartbeat(7)))

    assert done.entry.is_cut
    assert done.entry.consumed == [7, 8, 9]
    assert done.resident is not None
    assert [type(s.stimulus) for s in done.resident.queue] == [st.Heartbeat]
