"""The limit on what leaves a state."""

from __future__ import annotations

from typing import Any

import pytest

from asl.payload import Payload
from runtime.execution import Status
from runtime.leaving import is_too_large
from tests.support.live import live
from tests.support.machines import catch, each, machine, parallel, pass_on, task

LIMIT = 262_144


def of_size(size: int, character: str = "x") -> Payload:
    """Make a string of so many characters, quotes included."""
    return Payload.of_text(f'"{character * (size - 2)}"')


@pytest.mark.parametrize(
    ("payload", "is_over"),
    [
        (of_size(LIMIT), False),
        (of_size(LIMIT + 1), True),
        (of_size(LIMIT // 2 + 1, "é"), False),
        (of_size(LIMIT // 2 + 2, "é"), True),
        (of_size(LIMIT // 4, "\U0001f600"), False),
        (of_size(LIMIT // 4 + 3, "\U0001f600"), True),
        (Payload.of_text("{}"), False),
    ],
)
def test_the_limit_is_in_bytes_of_utf8(payload: Payload, is_over: bool) -> None:
    assert is_too_large(payload) is is_over


def test_an_output_over_the_limit_fails_the_execution() -> None:
    doubled = {"a.$": "$.s", "b.$": "$.s"}

    it = live(machine(pass_on(Parameters=doubled)), {"s": "x" * 200_000})

    assert it.execution.status is Status.FAILED
    assert it.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("state", ["Both", "Each"])
def test_at_a_boundary_without_a_task_nothing_catches_it(state: str) -> None:
    inside = pass_on("Inside", Parameters={"big.$": "$$.Execution.Input.s"})
    nests = {
        "Both": parallel("Both", inside, {**inside, "Name": "Other"}),
        "Each": each("Each", inside, ItemsPath="$.xs"),
    }
    guarded = nests[state] | {"Catch": [catch("Next", "States.ALL")]}

    it = live(machine(guarded, pass_on("Next")), {"s": "x" * 200_000, "xs": [1, 2]})

    assert it.error == "States.DataLimitExceeded"


def test_a_task_s_result_over_the_limit_is_caught() -> None:
    it = live(machine(task(Catch=[catch("Next")]), pass_on("Next")))

    it.returned("x" * LIMIT)

    assert it.output["Error"] == "States.DataLimitExceeded"
    assert it.output["Cause"].startswith("The state/task 'arn:aws:lambda")


@pytest.mark.parametrize(
    "start",
    [
        task(Parameters={"a.$": "$.s", "b.$": "$.s"}),
        parallel("Both", pass_on("Inside"), Parameters={"a.$": "$.s", "b.$": "$.s"}),
        each(
            "Each",
            pass_on("Inside"),
            ItemsPath="$.xs",
            ItemSelector={"a.$": "$.s", "b.$": "$.s"},
        ),
    ],
    ids=["task", "branches", "iteration"],
)
def test_what_work_starts_with_has_the_limit_too(start: dict[str, Any]) -> None:
    it = live(machine(start), {"s": "x" * 200_000, "xs": [1]})

    assert it.error == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("half", "status"), [(131_000, "SUCCEEDED"), (131_100, "FAILED")]
)
def test_what_one_state_assigns_is_bounded(half: int, status: str) -> None:
    assigned = {"a.$": "$.s", "b.$": "$.s"}

    it = live(machine(pass_on(Assign=assigned)), {"s": "x" * half})

    assert it.execution.status.value == status


@pytest.mark.parametrize(("count", "status"), [(40, "SUCCEEDED"), (42, "FAILED")])
def test_all_variables_together_are_bounded(count: int, status: str) -> None:
    states = [pass_on(f"S{n}", Assign={f"v{n}.$": "$"}) for n in range(count)]

    it = live(machine(*states), "x" * 260_000)

    assert it.execution.status.value == status
    assert it.error == (None if status == "SUCCEEDED" else "States.DataLimitExceeded")


def test_a_variable_that_is_assigned_again_counts_once() -> None:
    states = [pass_on(f"S{n}", Assign={"v.$": "$"}) for n in range(42)]

    it = live(machine(*states), "x" * 260_000)

    assert it.execution.status is Status.SUCCEEDED
