"""What `verify` finds in an execution that was tampered with, and in one that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from asl.parse import parse_machine
from cli.verification import findings
from runtime import stimuli as st
from runtime.execution import TimerKind
from storage.codec import encode
from storage.verification import Stored, StoredRecord, StoredTask
from tests.support.definitions import ORDERS, REMINDER
from tests.support.live import ARN, Live, live, live_before_its_first_turn, payload

SHARDS = 64
DAY = timedelta(days=1)


def machine(definition: dict[str, Any]) -> Any:
    return parse_machine(json.dumps(definition))


def stored(it: Live) -> Stored:
    """What a database holds that agrees with a live execution."""
    execution = it.execution
    is_open = execution.is_open
    record = StoredRecord(
        shard=execution.shard,
        execution_id=execution.execution_id,
        arn=ARN,
        generation=1,
        name=execution.name,
        state_machine_arn=execution.state_machine_arn,
        status=str(execution.status),
        start_date=it.log[0].time,
        stop_date=execution.stopped,
        last_event_id=None if is_open else execution.last_event_id,
        redrive_count=execution.redrive_count,
        redrive_date=execution.redriven,
    )
    return Stored(
        record=record,
        events=[encode(event) for event in it.log],
        timers=dict(execution.timers),
        tasks={
            number: StoredTask(task.function, task.worker)
            for number, task in execution.tasks.items()
        },
    )


def waiting() -> Live:
    return live(machine(REMINDER))


def working() -> Live:
    return live(machine(ORDERS))


def backing_off() -> Live:
    it = working()
    it.feed(st.WorkerReturned(it.task.scheduled_id, payload({})))
    it.feed(st.WorkerRaised(it.task.scheduled_id, "PaymentGatewayTimeout", "late"))
    return it


def ended() -> Live:
    it = working()
    it.feed(st.WorkerRaised(it.task.scheduled_id, "Broken", None))
    return it


def redriven() -> Live:
    """What was stopped in a backoff goes on before the backoff would have ended."""
    it = backing_off()
    it.stop()
    it.feed(st.Redrive("token"))
    return it


LIVES = (waiting, working, backing_off, ended, redriven)


@pytest.mark.parametrize("make", LIVES, ids=lambda make: make.__name__)
def test_an_execution_that_agrees_with_its_log_is_well(
    make: Callable[[], Live],
) -> None:
    assert findings(stored(make()), SHARDS) == []


def test_a_start_that_waits_for_its_first_turn_is_well() -> None:
    it = stored(live_before_its_first_turn(machine(REMINDER)))
    it.has_stimulus = True

    assert findings(it, SHARDS) == []


def test_a_start_that_nothing_will_make_go_on_is_found() -> None:
    it = stored(live_before_its_first_turn(machine(REMINDER)))

    assert findings(it, SHARDS) == [
        "it has something to do, and nothing that will make it go on"
    ]


def test_a_lost_timer_is_found() -> None:
    it = stored(waiting())
    it.timers.clear()

    assert findings(it, SHARDS) == ["the WAIT timer of event 2 is missing"]


def test_a_timer_too_many_is_found() -> None:
    it = stored(ended())
    it.timers[3, TimerKind.RETRY] = it.record.start_date

    assert findings(it, SHARDS) == ["the RETRY timer of event 3 is left over"]


def test_a_timer_that_was_moved_is_found() -> None:
    it = stored(backing_off())
    (key,) = it.timers
    it.timers[key] += DAY

    (found,) = findings(it, SHARDS)
    assert found.startswith(f"the RETRY timer of event {key[0]} is due")


def test_a_lost_attempt_is_found() -> None:
    it = stored(working())
    it.tasks.clear()

    assert findings(it, SHARDS) == ["the row of attempt 3 is missing"]


def test_an_attempt_with_another_worker_is_found() -> None:
    it = stored(working())
    it.tasks[3] = StoredTask("check-inventory-func", "somebody else")

    (found,) = findings(it, SHARDS)
    assert found.startswith("the row of attempt 3 says")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "SUCCEEDED"},
        {"stop_date": None},
        {"last_event_id": 4},
        {"name": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_differs_from_the_log_is_found(change: dict[str, Any]) -> None:
    it = stored(ended())
    it.record = replace(it.record, **change)

    (found,) = findings(it, SHARDS)
    assert found.startswith("its row says")


def test_a_gap_in_the_log_is_found() -> None:
    it = stored(ended())
    del it.events[2]

    assert findings(it, SHARDS) == ["1 events are missing, among them 3"]


def test_a_second_end_is_found() -> None:
    it = stored(ended())
    last = it.events[-1]
    it.events.append(last._replace(event_id=last.event_id + 1))

    found = findings(it, SHARDS)
    assert any(
        "comes after the end" in each or "does not fold" in each for each in found
    )


def test_a_retry_before_its_time_is_found() -> None:
    it = backing_off()
    (due,) = it.execution.timers.values()
    it.now = due
    it.feed(st.TimerFired(*next(iter(it.execution.timers))))
    early = stored(it)
    early.events[-2:] = [
        event._replace(time=due - timedelta(milliseconds=2))
        for event in early.events[-2:]
    ]

    (found,) = findings(early, SHARDS)
    assert "came before its time" in found


def test_an_attempt_that_is_closed_twice_is_found() -> None:
    it = working()
    it.feed(st.WorkerReturned(it.task.scheduled_id, payload({})))
    twice = stored(it)
    closing = next(e for e in twice.events if e.event_id == 5)
    again = closing._replace(event_id=len(twice.events) + 1, time=twice.events[-1].time)
    twice.events.append(again)

    found = findings(twice, SHARDS)
    assert any("closed by 5" in each or "does not fold" in each for each in found)


def test_an_execution_in_quarantine_is_found() -> None:
    it = stored(working())
    it.set_aside = "AssertionError"

    assert findings(it, SHARDS) == ["is in quarantine: AssertionError"]


def test_an_execution_in_the_wrong_shard_is_found() -> None:
    assert findings(stored(working()), 7) == [
        "it is in shard 12, its ARN belongs elsewhere"
    ]


def test_a_redrive_that_the_row_does_not_know_is_found() -> None:
    kept = stored(redriven())
    kept.record = replace(kept.record, redrive_count=0, redrive_date=None)

    found = findings(kept, SHARDS)

    assert [finding.partition(" says ")[2][:8] for finding in found] == ["redrive "] * 2
