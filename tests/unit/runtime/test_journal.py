"""What a turn writes."""

from __future__ import annotations

from datetime import timedelta

from runtime.evolve import forget_changes
from runtime.execution import Status, TimerKind
from runtime.journal import entry_of
from tests.support.live import BEGINNING, live, nobody
from tests.support.machines import machine, pass_on, task, wait


def test_an_entry_names_its_execution() -> None:
    it = live(machine(wait()))

    entry = entry_of(it.execution, it.log)

    assert (entry.shard, entry.execution_id) == (
        it.execution.shard,
        it.execution.execution_id,
    )
    assert entry.events is it.log


def test_opened_timers_are_written_with_their_times() -> None:
    it = live(machine(wait(seconds=9)))

    entry = entry_of(it.execution, it.log)

    due = BEGINNING + timedelta(seconds=9)
    assert entry.opened_timers == [((2, TimerKind.WAIT), due)]
    assert entry.closing is None


def test_opened_changed_and_closed_tasks_are_told_apart() -> None:
    it = live(machine(task()), claim=nobody)
    opened = entry_of(it.execution, it.log)
    forget_changes(it.execution)
    changed = entry_of(it.execution, it.claimed())
    forget_changes(it.execution)
    closed = entry_of(it.execution, it.returned())

    assert [task.worker for task in opened.opened_tasks] == ["worker-1"]
    assert [task.scheduled_id for task in changed.changed_tasks] == [3]
    assert closed.closed_tasks == [3]


def test_the_end_of_an_execution_closes_its_row() -> None:
    it = live(machine(pass_on()))

    entry = entry_of(it.execution, it.log)

    assert entry.closing == (Status.SUCCEEDED, BEGINNING, 4)


def test_a_turn_without_events_closes_no_row() -> None:
    it = live(machine(pass_on()))

    assert entry_of(it.execution, []).closing is None


def test_a_timer_that_was_opened_again_is_not_deleted() -> None:
    it = live(machine(wait()))
    key = (2, TimerKind.WAIT)
    it.execution.closed_timers.add(key)

    entry = entry_of(it.execution, [])

    assert [timer for timer, _ in entry.opened_timers] == [key]
    assert entry.closed_timers == []
