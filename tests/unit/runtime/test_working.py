"""What Task, Parallel and Map do once they are entered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runtime import events as ev
from runtime import stimuli as st
from runtime.advance import advance
from tests.support.live import BEGINNING, live, live_before_its_first_turn, nobody
from tests.support.machines import (
    ACTIVITIES,
    CALLBACK,
    FUNCTIONS,
    INVOKE,
    activity,
    callback,
    each,
    invoke,
    machine,
    pass_on,
    task,
)


def test_a_function_is_scheduled_with_its_input() -> None:
    it = live(machine(task(TimeoutSeconds=9)), {"n": 1}, claim=nobody)

    scheduled = it.one(ev.LambdaFunctionScheduled)
    assert scheduled.payload is not None
    assert scheduled.payload.value == {"n": 1}
    assert scheduled.resource == f"{FUNCTIONS}work"
    assert scheduled.function == "work"
    assert (scheduled.resource_type, scheduled.region) == ("", "")
    assert scheduled.due == BEGINNING + timedelta(seconds=9)


def test_a_service_task_shows_its_type_action_and_region() -> None:
    it = live(machine(callback()), claim=nobody)

    scheduled = it.one(ev.TaskScheduled)
    assert scheduled.resource_type == "lambda"
    assert scheduled.resource == "invoke.waitForTaskToken"
    assert scheduled.region == "us-east-1"
    assert scheduled.waits_for_token


def test_an_activity_is_served_under_its_arn() -> None:
    it = live(machine(activity()), claim=nobody)

    assert it.one(ev.ActivityScheduled).function == f"{ACTIVITIES}work"


@pytest.mark.parametrize(
    "state",
    [task(), invoke(), activity(), callback()],
    ids=lambda state: state["Resource"],
)
def test_a_free_worker_gets_the_task_in_the_same_decision(
    state: dict[str, object],
) -> None:
    asked = []

    def claim(function: str) -> str | None:
        asked.append(function)
        return "worker-7"

    it = live(machine(state), claim=claim)

    assert it.task.worker == "worker-7"
    assert len(asked) == 1
    assert it.types[-1].endswith("Started")


def test_limits_can_come_from_the_input() -> None:
    state = task(TimeoutSecondsPath="$.limit", HeartbeatSecondsPath="$.beat")

    it = live(machine(state), {"limit": 30, "beat": 5})

    assert sorted(it.execution.timers.values()) == [
        BEGINNING + timedelta(seconds=5),
        BEGINNING + timedelta(seconds=30),
    ]


def test_a_task_without_limits_has_no_timers() -> None:
    it = live(machine(task()))

    assert it.execution.timers == {}


def test_an_integration_that_is_not_there_is_a_failed_task() -> None:
    it = live(machine(task(Resource="arn:aws:states:::sqs:sendMessage")))

    assert it.links[2:] == [
        ("TaskScheduled", 2),
        ("TaskStartFailed", 3),
        ("ExecutionFailed", 4),
    ]
    assert it.error == "States.TaskFailed"


TOKEN = {"t.$": "$$.Task.Token"}


@pytest.mark.parametrize(("resource", "payload"), [(INVOKE, {}), (CALLBACK, TOKEN)])
def test_an_invocation_without_a_function_is_a_failed_task(
    resource: str, payload: dict[str, str]
) -> None:
    it = live(machine(task(Resource=resource, Parameters={"Payload": payload})))

    assert it.one(ev.TaskStartFailed).error == "States.TaskFailed"
    assert it.execution.tasks == {}


def test_a_map_keeps_the_items_of_its_start() -> None:
    it = live(machine(each("Each", task(), ItemsPath="$.xs")), {"xs": [1, 2]})

    started = it.one(ev.MapStateStarted)
    assert started.payload is not None
    assert started.payload.value == [1, 2]
    assert started.length == 2


def test_an_item_selector_sees_the_item_and_its_index() -> None:
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "n.$": "$.n"}
    state = each("Each", pass_on(), ItemsPath="$.xs", ItemSelector=selector)

    it = live(machine(state), {"xs": ["a", "b"], "n": 7})

    assert it.output == [{"i": 0, "v": "a", "n": 7}, {"i": 1, "v": "b", "n": 7}]


def test_a_map_over_something_else_than_a_list_fails() -> None:
    it = live(machine(each("Each", pass_on())), {"n": 1})

    assert it.links[1:] == [("MapStateEntered", 0), ("ExecutionFailed", 2)]
    assert it.error == "States.Runtime"


def test_a_map_of_which_an_item_cannot_be_made_starts_no_iteration() -> None:
    selector = {"lost.$": "$.nowhere"}

    it = live(machine(each("Each", pass_on(), ItemSelector=selector)), [1, 2])

    assert it.events(ev.MapIterationStarted) == []
    assert it.error == "States.Runtime"


@pytest.mark.parametrize(
    ("tolerance", "cause"),
    [
        ({"ToleratedFailureCountPath": "$.count"}, "cannot be negative"),
        ({"ToleratedFailurePercentagePath": "$.count"}, "between 0 and 100"),
    ],
)
def test_a_distributed_map_judges_its_tolerance_once_it_has_started(
    tolerance: dict[str, str], cause: str
) -> None:
    map_state = each("Each", pass_on(), ItemsPath="$.xs", **tolerance)
    map_state["ItemProcessor"]["ProcessorConfig"] = {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }

    it = live(machine(map_state), {"xs": [1], "count": -1})

    assert it.links[2:] == [("MapStateStarted", 2), ("ExecutionFailed", 3)]
    assert cause in str(it.execution.cause)


def test_a_task_of_an_activity_that_does_not_exist_fails_the_execution() -> None:
    it = live_before_its_first_turn(machine(activity()))
    turn = replace(it.turn, has_activity=lambda _arn: False)

    done = advance(it.machine, it.execution, st.Begin(), turn)

    names = [type(event).__name__ for event in done.events]
    assert names == ["TaskStateEntered", "ExecutionFailed"]
    assert it.execution.error == "States.Runtime"
    assert f"The activity {ACTIVITIES}work does not exist." in str(it.execution.cause)
