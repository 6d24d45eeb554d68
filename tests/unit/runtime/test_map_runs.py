"""What is true of a Map Run: its names, its progress, and when it has failed."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.execution import Status
from runtime.map_runs import (
    Progress,
    child_arn,
    child_name,
    default_label,
    labelled_machine,
    map_run_arn,
)

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
RUN = "arn:aws:states:us-east-1:123456789012:mapRun:orders/each:run-1"


def progress(
    total: int = 4, *, at_once: int = 0, count: int = 0, percentage: float = 0.0
) -> Progress:
    return Progress(
        items_total=total,
        max_concurrency=at_once,
        tolerated_count=count,
        tolerated_percentage=percentage,
    )


def test_a_run_is_named_after_its_machine_label_and_id() -> None:
    assert map_run_arn(MACHINE, "each", "run-1") == RUN
    assert map_run_arn(f"{MACHINE}/outer", "each", "run-1") == RUN
    assert labelled_machine(RUN) == f"{MACHINE}/each"


def test_a_child_is_named_by_its_run_and_its_number() -> None:
    name = child_name(RUN, 7)

    head = "arn:aws:states:us-east-1:123456789012"
    assert name == child_name(RUN, 7) != child_name(RUN, 8)
    assert child_arn(RUN, 7, "STANDARD") == f"{head}:execution:orders/each:{name}"
    assert child_arn(RUN, 7, "EXPRESS") == f"{head}:express:orders/each:{name}:{name}"


def test_a_map_without_a_label_always_gets_the_same() -> None:
    label = default_label(MACHINE, "Each")

    assert label == default_label(MACHINE, "Each") != default_label(MACHINE, "Other")
    assert len(label) <= 40


@pytest.mark.parametrize(
    ("failed", "tolerated", "is_over"),
    [
        (0, {}, False),
        (1, {}, True),
        (2, {"count": 2}, False),
        (3, {"count": 2}, True),
        (2, {"percentage": 50.0}, False),
        (3, {"percentage": 50.0}, True),
        (2, {"count": 1, "percentage": 50.0}, True),
        (2, {"count": 3, "percentage": 25.0}, True),
        (4, {"percentage": 100.0}, False),
    ],
)
def test_a_run_fails_above_either_bound_that_is_set(
    failed: int, tolerated: dict[str, Any], is_over: bool
) -> None:
    it = progress(4, **tolerated)
    it.take(Status.SUCCEEDED, 4 - failed, 4 - failed, 10)

    it.take(Status.FAILED, failed, failed, 0)

    assert it.has_failed is is_over


def test_children_that_timed_out_or_were_aborted_have_not_succeeded() -> None:
    it = progress(4, count=1)
    it.take(Status.TIMED_OUT, 1, 1, 0)

    it.take(Status.ABORTED, 1, 1, 0)

    assert it.has_failed


def test_an_empty_run_is_done_and_has_not_failed() -> None:
    it = progress(0, percentage=10.0)

    assert it.is_done
    assert not it.has_failed


@pytest.mark.parametrize(("at_once", "room"), [(0, 9_999), (3, 2), (20_000, 9_999)])
def test_there_is_room_up_to_the_concurrency_and_never_above_ten_thousand(
    at_once: int, room: int
) -> None:
    it = progress(20_000, at_once=at_once)

    it.give(1)

    assert it.room == room


def test_a_run_is_done_when_its_last_child_has_ended() -> None:
    it = progress(3)
    it.give(2)
    it.give(1)
    it.take(Status.SUCCEEDED, 1, 2, 100)
    assert not it.has_items
    assert not it.is_done

    it.take(Status.SUCCEEDED, 1, 1, 50)

    assert it.is_done
    assert it.output_bytes == 150
