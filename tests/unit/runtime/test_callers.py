"""Who asked for something stands in the one event that it caused, and in no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.principal import Principal
from tests.support.live import Live, live, payload, refold
from tests.support.machines import (
    activity,
    callback,
    catch,
    invoke,
    machine,
    task,
    wait,
)

ADA = Principal("SWKADA", "ada")
TOO_LARGE = "x" * 262_145


def function() -> Live:
    return live(machine(task(Catch=[catch("After")]), wait("After")))


def service() -> Live:
    return live(machine(invoke(Catch=[catch("After")]), wait("After")))


def polled() -> Live:
    return live(machine(activity(Catch=[catch("After")]), wait("After")))


def approval() -> Live:
    it = live(machine(callback(Catch=[catch("After")]), wait("After")))
    it.returned()
    return it


TASKS = (function, service, polled, approval)


def callers(events: list[ev.HistoryEvent]) -> list[tuple[str, Principal]]:
    """Return which events name a caller, and whom."""
    found = [(type(event).__name__, getattr(event, "caller", None)) for event in events]
    return [(name, caller) for name, caller in found if caller is not None]


@pytest.mark.parametrize("make", TASKS, ids=lambda make: make.__name__)
def test_an_answer_is_named_with_its_caller(make: Callable[[], Live]) -> None:
    it = make()

    new = it.feed(st.CallbackSucceeded(it.task.scheduled_id, payload(1), ADA))

    assert callers(new) == [(type(new[0]).__name__, ADA)]
    assert isinstance(new[0], ev.Succeeded)
    assert len(new) > 1


@pytest.mark.parametrize("make", TASKS, ids=lambda make: make.__name__)
def test_a_refusal_is_named_with_its_caller(make: Callable[[], Live]) -> None:
    it = make()

    new = it.feed(st.CallbackFailed(it.task.scheduled_id, "No", None, ADA))

    assert callers(new) == [(type(new[0]).__name__, ADA)]
    assert isinstance(new[0], ev.FailedEvent)
    assert len(new) > 1


def test_an_answer_that_is_too_large_is_a_failure_of_its_caller() -> None:
    it = approval()

    new = it.feed(st.CallbackSucceeded(it.task.scheduled_id, payload(TOO_LARGE), ADA))

    assert callers(new) == [("TaskFailed", ADA)]


def test_a_stop_and_a_redrive_are_named_with_their_callers() -> None:
    bob = Principal("SWKBOB", "bob")
    it = live(machine(wait()))

    it.feed(st.Stop(None, None, ADA))
    it.feed(st.Redrive("token", bob))

    assert callers(it.log) == [("ExecutionAborted", ADA), ("ExecutionRedriven", bob)]


@pytest.mark.parametrize(
    ("worker", "named"),
    [("SWKADA.session", []), ("SWKBOB.session", [ADA]), ("SWKADA", [ADA])],
    ids=["of the same key", "of another key", "of a name that begins as the key"],
)
@pytest.mark.parametrize("does_return", [True, False], ids=["returned", "raised"])
@pytest.mark.parametrize("state", [task(), callback(), activity()])
def test_a_report_is_named_unless_the_start_names_a_session_of_its_key(
    state: Any, worker: str, named: list[Principal], does_return: bool
) -> None:
    it = live(machine(state), claim=lambda _function: worker)
    task_id = it.task.scheduled_id

    if does_return:
        new = it.feed(st.WorkerReturned(task_id, payload(1), ADA))
    else:
        new = it.feed(st.WorkerRaised(task_id, "Broken", None, ADA))

    assert callers(new) == [(type(new[0]).__name__, caller) for caller in named]


def test_a_call_that_comes_too_late_names_nobody() -> None:
    it = approval()
    task_id = it.task.scheduled_id
    it.feed(st.CallbackSucceeded(task_id, payload(1)))

    it.feed(st.CallbackFailed(task_id, "No", None, ADA))
    it.stop()
    it.feed(st.Stop(None, None, ADA))

    assert callers(it.log) == []


def test_callers_survive_the_way_through_the_database() -> None:
    it = approval()
    it.feed(st.CallbackFailed(it.task.scheduled_id, "No", None, ADA))
    it.feed(st.Stop(None, None, ADA))

    again = refold(it.execution, it.log)

    assert again.status == it.execution.status
    assert callers(it.log) == [("TaskFailed", ADA), ("ExecutionAborted", ADA)]
